"""The gateway as it runs: gunicorn with gevent, RabbitMQ and PostgreSQL."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
import requests
from sqlalchemy import Engine, text

from gateway.worker import HANDLERS
from hotspot.contract.sms import SmsDelivered
from hotspot.ids import new_id
from hotspot.testing.brokers import wait_for
from hotspot.testing.handling import NOON, envelope_for, run_envelope
from hotspot.testing.identity import Keys

if TYPE_CHECKING:
    from .upstream import Upstream

STREAMS = 100


@dataclass(frozen=True)
class Running:
    """A gateway process."""

    process: "subprocess.Popen[bytes]"
    url: str

    def is_ready(self) -> bool:
        """Whether it has all it needs."""
        assert self.process.poll() is None, "the gateway stopped by itself"
        try:
            return requests.get(f"{self.url}/health/ready", timeout=5).status_code == 200
        except requests.ConnectionError:
            return False


@pytest.fixture
def environment(
    engine: Engine, amqp_url: str, keys: Keys, upstream: "Upstream", nobody: str
) -> dict[str, str]:
    database = engine.url.render_as_string(hide_password=False)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(sys.path),
        "DATABASE_URL": re.sub(r"^postgresql\+psycopg", "postgresql", database),
        "AMQP_URL": amqp_url,
        "PORT": str(port),
        "ENCRYPTION_KEYS": keys.encryption[0],
        "JWT_PUBLIC_KEY": keys.public_pem,
        "JWT_PRIVATE_KEY": keys.private_pem,
        "PAYMENT_URL": upstream.url,
        "PROVISIONING_URL": nobody,
        "RADIUS_URL": nobody,
        "NOTIFICATION_URL": nobody,
        "ROUTER_URL": nobody,
        "SCHEDULER_URL": nobody,
    }


@pytest.fixture
def running(environment: dict[str, str]) -> Iterator[Running]:
    command = [sys.executable, "-m", "hotspot.serve", "gateway", "web"]
    with subprocess.Popen(command, env=environment) as process:
        gateway = Running(process, f"http://127.0.0.1:{environment['PORT']}")
        try:
            wait_for(gateway.is_ready)
            yield gateway
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0


def test_streams_are_passed_on_at_once_and_end_when_the_guest_leaves(
    running: Running, upstream: "Upstream"
) -> None:
    def speak(told: "Upstream", handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"9\r\ndata: 1\n\n\r\n")
        while not told.go_on.wait(0.01):
            handler.wfile.write(b"3\r\n: \n\r\n")

    path = f"/api/v1/payments/{uuid4()}/events"
    upstream.answers[path] = speak
    upstream.answer("/api/v1/packages", {"items": []})
    with closing(requests.get(running.url + path, stream=True, timeout=5)) as guest:
        assert next(guest.iter_lines()) == b"data: 1"
        # Meanwhile others are served: nothing blocks the one process.
        assert requests.get(f"{running.url}/api/v1/packages", timeout=5).status_code == 200
    assert upstream.left.wait(5)


def test_many_listen_over_one_database_connection(
    running: Running, engine: Engine, viewer: dict[str, str]
) -> None:
    with ExitStack() as open_streams:
        streams = [
            open_streams.enter_context(
                closing(
                    requests.get(
                        f"{running.url}/api/v1/events", headers=viewer, stream=True, timeout=10
                    )
                )
            ).iter_lines()
            for _ in range(STREAMS)
        ]
        for lines in streams:
            assert next(lines) == b"retry: 2000"
        envelope = envelope_for(SmsDelivered(sms_id=new_id(), phone="254", delivered_at=NOON))
        run_envelope(HANDLERS, envelope, engine)
        wanted = f"id: {envelope.message_id}".encode()
        for lines in streams:
            assert next(line for line in lines if line) == wanted
        assert _connections(engine) < 10


def test_a_login_works_where_everything_is_real(
    running: Running, environment: dict[str, str], engine: Engine
) -> None:
    account = ["operator", "--email", "owner@example.com", "--role", "owner"]
    subprocess.run(
        [sys.executable, "-m", "hotspot.serve", "gateway", *account],
        env=environment,
        input=b"correct horse battery\n",
        check=True,
        timeout=30,
    )
    body = {"email": "owner@example.com", "password": "correct horse battery"}
    answer = requests.post(f"{running.url}/api/v1/auth/token", json=body, timeout=10)
    bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert requests.get(f"{running.url}/api/v1/failed-jobs", headers=bearer, timeout=10).ok


def test_a_missing_setting_ends_the_process_with_2(environment: dict[str, str]) -> None:
    del environment["PAYMENT_URL"]
    done = subprocess.run(
        [sys.executable, "-m", "hotspot.serve", "gateway", "web"],
        env=environment,
        capture_output=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 2
    assert b"PAYMENT_URL" in done.stderr


def _connections(engine: Engine) -> int:
    """How many connections the process has to its database; our own excepted."""
    with engine.connect() as connection:
        mine: int = engine.pool.checkedin() + engine.pool.checkedout()  # type: ignore[attr-defined]
        listed = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        count: int = connection.execute(listed).scalar_one()
    return count - mine
