"""`./hotspot test`: the linters, then every test against servers of its own."""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
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
    "freeradius-utils": partial(shutil.which, "radclient"),
    "freeradius": partial(shutil.which, "freeradius", path="/usr/sbin:/usr/local/sbin"),
    "freeradius-postgresql": Path("/usr/lib/freeradius/rlm_sql_postgresql.so").exists,
}

# The tests that start whole systems take about as long as those of all the parts.
WHOLE_SYSTEM = ("tests",)

# Below the kernel's range for outgoing connections, one of which could take a port that was free.
_BASES = range(20_000, 31_000)


def run(
    home: Home, progress: Progress, *, arguments: Sequence[str], environ: Mapping[str, str]
) -> int:
    """Run everything, or with arguments what pytest makes of them; answers the worst exit code."""
    _install_what_is_missing(progress)
    linted = 0 if arguments else linters.run(home.checkout, progress)
    with _servers(home, progress, environ) as told:
        tested = _pytest(home, arguments, {**environ, **told})
    return max(linted, tested)


def _install_what_is_missing(progress: Progress) -> None:
    """radclient and the server that ours must answer like; the browser that guests stand for."""
    missing = tuple(name for name, is_there in _NEEDED.items() if not is_there())
    if missing:
        with progress.step(f"Debian's {', '.join(missing)} installed"):
            reason = "The tests compare our RADIUS server with FreeRADIUS, and look at pages."
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
    _remove_abandoned(home)
    own = home.inside(f"tests/{os.getpid()}")
    shutil.rmtree(own.path, ignore_errors=True)
    own.make()
    try:
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
                "HOTSPOT_TEST_HOME": str(own.path),
            }
        finally:
            running.stop()
    finally:
        shutil.rmtree(own.path, ignore_errors=True)


def _remove_abandoned(home: Home) -> None:
    """Remove what a run that was killed could not."""
    for folder in home.path.glob("tests/*"):
        if not Path("/proc", folder.name).exists():
            shutil.rmtree(folder, ignore_errors=True)


def _free_ports() -> Ports:
    for base in random.sample(_BASES, 50):  # the first that is free, so that runs do not meet
        planned = ports.plan({"HOTSPOT_PORT_BASE": str(base)}, lambda *_: True)
        used = ["rabbitmq", "rabbitmq management", "rabbitmq distribution", "epmd", "postgres"]
        if all(ports.is_free(planned[name], "tcp") for name in used):
            return planned
    raise Unable("No free ports for the tests' own servers were found.")


def _pytest(home: Home, arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """One pytest for what was asked for; for everything two, side by side, one for each core.

    What the second one says is shown when both have ended, so that their lines do not mix.
    """
    # Ctrl-C reaches pytest too, which then ends in its own way; this process waits for it.
    previous = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        if arguments:
            with _running(home, arguments, environ) as alone:
                return alone.wait()
        with (
            tempfile.TemporaryFile() as said,
            _running(home, WHOLE_SYSTEM, environ) as whole,
            _running(home, _parts(home), environ, output=said) as parts,
        ):
            worst = max(whole.wait(), parts.wait())
            said.seek(0)
            shutil.copyfileobj(said, sys.stdout.buffer)
            sys.stdout.flush()
            return worst
    finally:
        signal.signal(signal.SIGINT, previous)


def _parts(home: Home) -> list[str]:
    """The folders with the tests of the parts."""
    folders = home.checkout.glob("[!.]*/tests")
    found = sorted(str(folder.relative_to(home.checkout)) for folder in folders)
    return [folder for folder in found if folder not in WHOLE_SYSTEM]


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
