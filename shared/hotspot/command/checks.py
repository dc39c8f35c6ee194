"""`./hotspot test`: the linters, then every test against servers of its own."""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO

from hotspot.command import keeper, linters, packages, ports, secrets, system
from hotspot.command.errors import Unable
from hotspot.command.home import Home
from hotspot.command.lifeline import die_with
from hotspot.command.ports import Ports
from hotspot.command.progress import Progress
from hotspot.command.system import Servers

# Debian's packages, and how each shows that it is there. The server's programs are in /usr/sbin.
_NEEDED: dict[str, Callable[[], object]] = {
    "chromium": partial(shutil.which, "chromium"),
    "openssl": partial(shutil.which, "openssl"),
    "freeradius-utils": partial(shutil.which, "radclient"),
    "freeradius": partial(shutil.which, "freeradius", path="/usr/sbin:/usr/local/sbin"),
    "freeradius-postgresql": Path("/usr/lib/freeradius/rlm_sql_postgresql.so").exists,
}

# One more than there are cores, since tests wait more than they compute; each takes 300 MB.
PYTESTS = min(os.cpu_count() or 2, 4) + 1

# A file system in memory: databases by the thousand are made and dropped there in a fifth of the
# time, and a test reads nothing back after a power cut. It is used where there is this much room.
_MEMORY = Path("/dev/shm")  # noqa: S108
_ROOM_BYTES = 2 << 30

# Below the kernel's range for outgoing connections, one of which could take a port that was free.
_BASES = range(20_000, 31_000)


def run(
    home: Home, progress: Progress, *, arguments: Sequence[str], environ: Mapping[str, str]
) -> int:
    """Run everything, or with arguments what pytest makes of them; answers the worst exit code."""
    _install_what_is_missing(progress)
    with _servers(home, progress, environ) as told:
        if arguments:
            return run_pytest(home, arguments, {**environ, **told})
        return _everything(home, progress, {**environ, **told})


def _install_what_is_missing(progress: Progress) -> None:
    """radclient and the server that ours must answer like; the browser that guests stand for; what
    makes the keys of a cluster."""
    missing = tuple(name for name, is_there in _NEEDED.items() if not is_there())
    if missing:
        with progress.step(f"Debian's {', '.join(missing)} installed"):
            reason = "The tests ask FreeRADIUS what ours is asked, look at pages, and make keys."
            packages.install(missing, reason=reason, say=progress.say)


def bench(
    home: Home, progress: Progress, *, names: Sequence[str], environ: Mapping[str, str]
) -> int:
    """Run the benchmarks (all, or those named), on servers that keep what they are told as real
    ones do; answers the exit code."""
    with _servers(home, progress, environ, durable=True) as told:
        command = [sys.executable, "-P", "-m", "benchmarks", *names]
        return subprocess.run(
            command, cwd=home.checkout, env={**environ, **told}, check=False
        ).returncode


@contextmanager
def _servers(
    home: Home, progress: Progress, environ: Mapping[str, str], *, durable: bool = False
) -> Iterator[dict[str, str]]:
    """A RabbitMQ and a PostgreSQL of this run alone; what they keep goes when it ends."""
    with _own_home(home, durable=durable) as own:
        planned = _free_ports()
        kept = secrets.load(own.secrets, opens=own.postgres / "data")
        node = system.node_of(own, planned, kept)
        cluster = system.cluster_of(own, planned, kept, durable=durable)
        servers = Servers(node=node, cluster=cluster, keep=False)
        servers.prepare(progress)
        running = keeper.start(own, servers.programs(), environ=environ)
        try:
            with progress.step("RabbitMQ and PostgreSQL for the tests"):
                running.wait_for("PostgreSQL", lambda _: cluster.answers())
                running.wait_for("RabbitMQ", lambda _: node.answers())
            yield {
                "TEST_AMQP_URL": node.amqp_url,
                "TEST_RABBITMQ_MANAGEMENT_URL": node.management_url,
                "TEST_DATABASE_ADMIN_URL": cluster.admin_url,
                **({} if durable else {"HOTSPOT_TEST_HOME": str(own.path)}),
            }
        finally:
            running.stop()


@contextmanager
def _own_home(home: Home, *, durable: bool) -> Iterator[Home]:
    """A home of this run alone: in memory where that has room, for what need not last."""
    places = [home.path / "tests", _MEMORY / f"hotspot-tests-{os.getuid()}"]
    for place in places:
        _remove_abandoned(place)
    use_memory = not durable and _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM_BYTES
    place = places[use_memory]
    place.mkdir(mode=0o755, parents=True, exist_ok=True)
    if place.stat().st_uid != os.getuid():
        raise Unable(f"{place} is somebody else's: remove it.")
    own = Home(path=place / str(os.getpid()), venv=home.venv)
    try:
        own.make()
        yield own
    finally:
        shutil.rmtree(own.path, ignore_errors=True)


def _remove_abandoned(place: Path) -> None:
    """Remove what a run that was killed could not, or what has this one's number."""
    for folder in place.glob("*"):
        if folder.name == str(os.getpid()) or not Path("/proc", folder.name).exists():
            shutil.rmtree(folder, ignore_errors=True)


def _free_ports() -> Ports:
    for base in random.sample(_BASES, 50):  # the first that is free, so that runs do not meet
        planned = ports.plan({"HOTSPOT_PORT_BASE": str(base)}, lambda *_: True)
        used = ["rabbitmq", "rabbitmq management", "rabbitmq distribution", "epmd", "postgres"]
        if all(ports.is_free(planned[name], "tcp") for name in used):
            return planned
    raise Unable("No free ports for the tests' own servers were found.")


def _everything(home: Home, progress: Progress, environ: Mapping[str, str]) -> int:
    """The linters beside every test, shared out among several pytests; answers the worst exit code.

    What pytest says is shown once the linters have ended, so that their lines do not mix.
    """
    shared_out = ["-n", str(PYTESTS), "--dist", "loadfile", "--no-loadscope-reorder"]
    colour = "yes" if sys.stdout.isatty() else "no"
    with (
        tempfile.TemporaryFile() as said,
        _undisturbed(),
        _running(home, [*shared_out, f"--color={colour}"], environ, output=said) as pytest,
    ):
        linted = linters.run(home.checkout, progress)
        return max(linted, _shown(pytest, said))


def _shown(process: "subprocess.Popen[bytes]", said: IO[bytes]) -> int:
    """Show what it says until it ends; answers its exit code."""
    shown = 0
    while True:
        ended = process.poll()  # before the last look, which then misses nothing
        # By its place: to seek would move where the process writes as well.
        while new := os.pread(said.fileno(), 1 << 16, shown):
            sys.stdout.buffer.write(new)
            shown += len(new)
        sys.stdout.flush()
        if ended is not None:
            return ended
        time.sleep(0.1)


def run_pytest(home: Home, arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """One pytest with these arguments; answers its exit code."""
    with _undisturbed(), _running(home, arguments, environ) as pytest:
        return pytest.wait()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Ctrl-C reaches pytest too, which then ends in its own way; this process waits for it."""
    previous = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


@contextmanager
def _running(
    home: Home,
    arguments: Sequence[str],
    environ: Mapping[str, str],
    *,
    output: IO[bytes] | None = None,
) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "pytest", *arguments],
        cwd=home.checkout,
        env=dict(environ),
        stdout=output,
        stderr=subprocess.STDOUT if output else None,
        preexec_fn=partial(die_with, os.getpid(), signal.SIGTERM),  # noqa: PLW1509
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
