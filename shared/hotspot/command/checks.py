"""`./hotspot test`: the linters, then every test against servers of its own."""

import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from hotspot.command import keeper, linters, packages, ports, secrets, system
from hotspot.command.errors import Unable
from hotspot.command.home import Home
from hotspot.command.lifeline import die_with
from hotspot.command.ports import Ports
from hotspot.command.progress import Progress
from hotspot.command.system import Servers

# Below the kernel's range for outgoing connections, one of which could take a port that was free.
_BASES = range(20_000, 31_000)


def run(
    home: Home, progress: Progress, *, arguments: Sequence[str], environ: Mapping[str, str]
) -> int:
    """Run everything, or with arguments what pytest makes of them; answers the worst exit code."""
    if shutil.which("radclient") is None:
        with progress.step("Debian's freeradius-utils installed"):
            packages.install(
                ("freeradius-utils",), reason="The tests need radclient.", say=progress.say
            )
    linted = 0 if arguments else linters.run(home.checkout, progress)
    with _servers(home, progress, environ) as told:
        tested = _pytest(home, arguments, {**environ, **told})
    return max(linted, tested)


def bench(home: Home, progress: Progress, *, environ: Mapping[str, str]) -> int:
    """Run the benchmarks, on servers that keep what they are told as real ones do."""
    with _servers(home, progress, environ, durable=True) as told:
        command = [sys.executable, "-P", "-m", "benchmarks"]
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
    # Ctrl-C reaches pytest too, which then ends in its own way; this process waits for it.
    previous = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "pytest", *arguments],
            cwd=home.checkout,
            env=dict(environ),
            preexec_fn=partial(die_with, os.getpid(), signal.SIGTERM),  # noqa: PLW1509
        )
        try:
            return process.wait()
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
    finally:
        signal.signal(signal.SIGINT, previous)
