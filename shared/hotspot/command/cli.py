"""The command's own face: its subcommands and options."""

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType

import click

from hotspot.command import keeper, leftovers, processes, system
from hotspot.command.cli_backup import ask_again, backup, restore
from hotspot.command.cli_containers import compose_secrets
from hotspot.command.cli_operate import jobs, mpesa, operator, queues, trace
from hotspot.command.errors import Unable
from hotspot.command.home import Home
from hotspot.command.keeper import Keeper
from hotspot.command.progress import Progress
from hotspot.command.supervisor import Process, Supervisor
from hotspot.command.system import Running, Wanted, running_system

DEMO_OWNER = "demo@hotspot.example"

# What a script may tell apart.
NOT_RUNNING = 3


def main() -> None:
    """Run the command; every known reason to give up becomes one message and exit code 1."""
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    try:
        hotspot(prog_name="./hotspot")
    except Unable as error:
        click.echo(f"hotspot: {error}", err=True)
        sys.exit(1)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


class Scale(click.ParamType[tuple[str, int]]):
    """GROUP=N."""

    name = "GROUP=N"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        """Split and check it."""
        group, equals, number = value.partition("=")
        if not (
            group and equals and number.isascii() and number.isdigit() and 0 < int(number) < 65
        ):
            self.fail(f"{value!r} is not GROUP=N with N from 1 to 64", param, ctx)
        return group, int(number)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.pass_context
def hotspot(context: click.Context) -> None:
    """WiFi hotspots paid by M-Pesa: the whole system on one machine.

    \b
    HOTSPOT_HOME       where the state lives (default .hotspot/ in the checkout)
    HOTSPOT_PORT_BASE  where the ports begin (default 8000: the gateway's)
    """
    context.obj = Home.of(os.environ)


@hotspot.command()
@click.pass_obj
def demo(home: Home) -> None:
    """Start everything with the simulators; a router becomes a hotspot, a guest pays for it."""
    from hotspot.clock import utc_now
    from hotspot.command import secrets
    from hotspot.command.api import Api, gateway_as_owner
    from hotspot.command.operators import add
    from hotspot.command.story import Story, StoryFailed

    progress = Progress()
    started = time.monotonic()
    wanted = Wanted(environ=os.environ, scale={}, simulators=True)
    _start_and_leave(home, wanted, progress, started)
    running = running_system(home)
    if not running.simulators:
        raise Unable("The system runs without the simulators. Stop it first: ./hotspot down")
    password = secrets.load(home.secrets, opens=home.postgres / "data")["demo password"]
    with progress.step("An owner's account for the demo"):
        add(home, running, email=DEMO_OWNER, role="owner", password=password)
    progress.say("")
    story = Story(
        console=progress.console,
        gateway=Api(running.url("gateway")),
        owner=gateway_as_owner(running, utc_now()),
        simulators=Api(running.url("simulators")),
        api_port=running.ports["RouterOS API"],
    )
    try:
        guest = story.play()
    except StoryFailed as error:
        raise Unable(
            f"{error}\nIt is left running: ./hotspot logs, jobs failed, trace ID"
        ) from error
    progress.say("\nNow it is your turn: another guest has joined, and waits to pay.")
    _print_links(progress, running, guests_page=running.url("simulators") + guest.page)
    progress.say(f"As the guest, type any Kenyan number: it pays at once. With {guest.by_hand} you")
    progress.say("answer M-Pesa's prompt yourself, on the page of the simulators.")
    progress.say(f"Log in to the dashboard as {DEMO_OWNER} with the password {password}")
    progress.say("It is left running. Stop it: ./hotspot down")


@hotspot.command()
@click.option(
    "--detach", is_flag=True, help="Return once everything is ready, and leave it running."
)
@click.option("--scale", type=Scale(), multiple=True, help="Processes of a worker group.")
@click.option(
    "--simulators/--no-simulators",
    default=None,
    help="Stand-ins for M-Pesa, SMS and a router. By default they run unless DARAJA_BASE_URL and "
    "SMS_PROVIDER are both set.",
)
@click.pass_obj
def up(
    home: Home, detach: bool, scale: tuple[tuple[str, int], ...], simulators: bool | None
) -> None:
    """Start everything; in front until Ctrl-C, or --detach."""
    progress = Progress()
    started = time.monotonic()
    wanted = Wanted(environ=os.environ, scale=dict(scale), simulators=simulators)
    if detach:
        if _start_and_leave(home, wanted, progress, started):
            _print_links(progress, running_system(home))
        return
    running = system.bring_up(home, wanted, progress)
    if running is None:
        _say_running(progress, wanted)
        return
    _say_ready(home, progress, started)
    _print_links(progress, running_system(home))
    progress.say("Ctrl-C stops it.")
    _stay(running, progress)


def _start_and_leave(home: Home, wanted: Wanted, progress: Progress, started: float) -> bool:
    """Whether it was started now."""
    running = system.bring_up(home, wanted, progress)
    if running is None:
        _say_running(progress, wanted)
        return False
    running.let_go()
    _say_ready(home, progress, started)
    return True


def _say_running(progress: Progress, wanted: Wanted) -> None:
    if wanted.scale:
        raise Unable("It is running already, and is scaled when it starts. First: ./hotspot down")
    progress.say("It is running already.")


def _say_ready(home: Home, progress: Progress, started: float) -> None:
    running = running_system(home)
    progress.say(f"Ready after {time.monotonic() - started:.1f} s.")
    if running.simulators:
        progress.say(
            "Simulators stand in for M-Pesa, the SMS gateway and a router "
            "(set DARAJA_BASE_URL and SMS_PROVIDER for the real ones)."
        )


def _print_links(progress: Progress, running: Running, guests_page: str | None = None) -> None:
    gateway = running.url("gateway")
    links = {
        "Guests' page": guests_page or f"{gateway}/",
        "Dashboard": f"{gateway}/dashboard",
        "API": f"{gateway}/api/docs",
    }
    if running.simulators:
        links["Simulators"] = f"{running.url('simulators')}/"
    for name, link in links.items():
        progress.say(f"  {name:<13} {link}")


def _stay(running: Keeper, progress: Progress) -> None:
    """Stay in front until interrupted, or until another command stops the system."""
    try:
        while running.process.poll() is None:
            time.sleep(0.3)
    except KeyboardInterrupt:
        progress.say("\nStopping ...")
    killed = running.stop()
    progress.say("Stopped." + _had_to_kill(killed))


@hotspot.command()
@click.pass_obj
def down(home: Home) -> None:
    """Stop everything."""
    progress = Progress()
    if not keeper.is_running(home):
        killed = leftovers.end(home, patience=2.0)
        progress.say("It is not running." + _had_to_kill(killed))
        return
    started = time.monotonic()
    killed = keeper.stop(home)
    progress.say(f"Stopped after {time.monotonic() - started:.1f} s.{_had_to_kill(killed)}")


def _had_to_kill(killed: list[str]) -> str:
    return f" Had to kill what was left: {', '.join(killed)}." if killed else ""


@hotspot.command()
@click.pass_context
def status(context: click.Context) -> None:
    """List the processes by group; exit code 0 when all run, 1 when not, 3 when it is down."""
    from hotspot.command.operate import print_table

    home: Home = context.obj
    console = Progress().console
    if not keeper.is_running(home):
        console.print("It is not running.")
        context.exit(NOT_RUNNING)
    found = [
        process
        for process in Supervisor(home.socket).processes()
        if process.group != processes.SETUP or process.status != 0
    ]
    rows = [[item.group, item.name, item.state, item.pid or "", _age(item)] for item in found]
    print_table(console, ["GROUP", "PROCESS", "STATE", "PID", "FOR"], rows)
    context.exit(0 if all(item.state == "RUNNING" for item in found) else 1)


def _age(process: Process) -> str:
    if process.state != "RUNNING":
        return ""
    minutes, seconds = divmod(process.checked - process.started, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"


@hotspot.command()
@click.argument("name", required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on with what is written from now on.")
@click.option("-n", "--lines", default=20, show_default=True, help="Last lines of each log.")
@click.pass_obj
def logs(home: Home, name: str | None, follow: bool, lines: int) -> None:
    """Print the logs of a process, of a group, or of all."""
    from hotspot.command.logs import show

    with suppress(KeyboardInterrupt):  # which is how one ends following
        show(_log_files(home, name), lines=lines, follow=follow, write=click.echo)


def _log_files(home: Home, name: str | None) -> list[Path]:
    groups = processes.groups(home)
    files = sorted(home.logs.glob("*.log"))
    if name is None:
        return [file for file in files if file.stem in groups]
    chosen = [file for file in files if name in (file.stem, groups.get(file.stem))]
    if not chosen:
        known = sorted({file.stem for file in files} | set(groups.values()))
        raise Unable(f"There is no log of {name!r}. Known are: {', '.join(known) or 'none yet'}.")
    return chosen


@hotspot.command()
@click.argument("names", nargs=-1)
@click.pass_context
def bench(context: click.Context, names: tuple[str, ...]) -> None:
    """Run the benchmarks, or those of these NAMES, and print their tables."""
    from hotspot.command import checks

    context.exit(checks.bench(context.obj, Progress(), names=names, environ=os.environ))


@hotspot.command("test", context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.option("--containers", "in_containers", is_flag=True)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def run_tests(context: click.Context, in_containers: bool, arguments: tuple[str, ...]) -> None:
    """Run the linters and every test; with ARGUMENTS, pytest alone with them.

    With --containers instead: build every image and run all of it in containers (see
    docs/compose.md).
    """
    from hotspot.command import checks, containers

    home: Home = context.obj
    home.make()
    if in_containers:
        progress = Progress()
        context.exit(containers.run(home, progress, arguments=arguments, environ=os.environ))
    context.exit(checks.run(home, Progress(), arguments=arguments, environ=os.environ))


for _command in (operator, mpesa, jobs, queues, trace, backup, restore, ask_again, compose_secrets):
    hotspot.add_command(_command)
