"""Debian's FreeRADIUS with a configuration of ours, as a private process on free ports."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

LOOPBACK = "127.0.0.1"

_READY = "Ready to process requests"
_PATIENCE_SECONDS = 20.0


class NotInstalled(Exception):
    """There is no freeradius here: install Debian's freeradius and freeradius-postgresql."""


@dataclass(frozen=True, kw_only=True)
class FreeRadius:
    """A FreeRADIUS that listens on loopback."""

    auth_port: int
    acct_port: int


def program() -> str:
    """Where freeradius is. Raises NotInstalled."""
    found = shutil.which("freeradius", path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        raise NotInstalled("install Debian's freeradius and freeradius-postgresql")
    return found


@contextmanager
def freeradius(configuration: Path, engine: Engine, run_dir: Path) -> Iterator[FreeRadius]:
    """FreeRADIUS on this database, until the block ends. Any user may start it."""
    auth_port, acct_port = free_udp_ports()
    url = engine.url
    environ = os.environ | {
        "FREERADIUS_CONF_DIR": str(configuration),
        "FREERADIUS_RUN_DIR": str(run_dir),
        "FREERADIUS_DB_HOST": url.host or LOOPBACK,
        "FREERADIUS_DB_PORT": str(url.port or 5432),
        "FREERADIUS_DB_USER": url.username or "",
        "FREERADIUS_DB_PASSWORD": url.password or "",
        "FREERADIUS_DB_NAME": url.database or "",
        "RADIUS_HOST": LOOPBACK,
        "RADIUS_AUTH_PORT": str(auth_port),
        "RADIUS_ACCT_PORT": str(acct_port),
    }
    command = [program(), "-d", str(configuration), "-n", "radiusd", "-f", "-l", "stdout"]
    log = run_dir / "freeradius.log"
    with (
        log.open("w") as out,
        subprocess.Popen(command, env=environ, stdout=out, stderr=subprocess.STDOUT) as process,
    ):
        try:
            _wait_until_ready(process, log)
            yield FreeRadius(auth_port=auth_port, acct_port=acct_port)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(_PATIENCE_SECONDS)


def free_udp_ports() -> tuple[int, int]:
    """Two UDP ports that nobody has now."""
    with (
        socket.socket(type=socket.SOCK_DGRAM) as one,
        socket.socket(type=socket.SOCK_DGRAM) as other,
    ):
        one.bind((LOOPBACK, 0))
        other.bind((LOOPBACK, 0))
        return one.getsockname()[1], other.getsockname()[1]


def _wait_until_ready(process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    while _READY not in log.read_text():
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"FreeRADIUS did not start:\n{log.read_text()}")
        time.sleep(0.02)
