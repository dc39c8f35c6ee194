"""The scheduler as it is started: `python -m hotspot.serve scheduler scheduler`."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from hotspot import healthy
from hotspot.testing.brokers import wait_for
from hotspot.testing.identity import Keys


@pytest.fixture
def health_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture(params=[(), ("--group", "general")], ids=["timer", "timer and worker"])
def running(
    request: pytest.FixtureRequest, url: str, amqp_url: str, keys: Keys, health_port: int
) -> Iterator["subprocess.Popen[bytes]"]:
    """A scheduler's process, with and without a worker in it."""
    command = [sys.executable, "-m", "hotspot.serve", "scheduler", "scheduler", *request.param]
    environment = {
        "PYTHONPATH": ":".join(path for path in sys.path if path),
        "DATABASE_URL": re.sub(r"^postgresql\+psycopg", "postgresql", url),
        "AMQP_URL": amqp_url,
        "PORT": "8006",
        "HEALTH_PORT": str(health_port),
        "ENCRYPTION_KEYS": keys.encryption[0],
        "JWT_PUBLIC_KEY": keys.public_pem,
    }
    process = subprocess.Popen(command, env=environment)
    yield process
    process.kill()
    process.wait()


def test_it_leads_and_ends_when_it_is_told_to(
    running: "subprocess.Popen[bytes]", engine: Engine, health_port: int
) -> None:
    with engine.connect() as connection:

        def jobs() -> int:
            found = connection.execute(text("SELECT count(*) FROM apscheduler_jobs")).scalar_one()
            connection.rollback()
            return int(found)

        wait_for(lambda: jobs() == 11 or running.poll() is not None)

    assert healthy.main(["--ready"], {"HEALTH_PORT": str(health_port)}) == 0

    running.send_signal(signal.SIGTERM)

    assert running.wait(timeout=30) == 0
