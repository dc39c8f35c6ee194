"""Logins a second: our RADIUS server with one and two processes, beside FreeRADIUS.

All on the same tables with 10,000 users, PAP with Message-Authenticator, in one run. Each login is
looked up, worked out and written to radpostauth; ours also publishes LoginAccepted.
"""

import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import Engine, text

from benchmarks.radius_load import Counted, Guest, access_request, load
from hotspot.bus.rabbit import RabbitTransport
from hotspot.testing.brokers import vhost
from hotspot.testing.databases import Databases
from hotspot.testing.freeradius import NotInstalled, free_udp_ports, freeradius, program

USERS = 10_000
ROUNDS = 3
SECONDS = 2.0
MOST = 40_000
SECRET = b"testing123"
GUESTS = [Guest(username=f"user{n}", password="secret-pw") for n in range(USERS)]
CONFIGURATION = Path(__file__).parent.parent / "radius-service" / "freeradius"

_FILL = (
    "INSERT INTO nas (nasname, shortname, secret) VALUES ('127.0.0.1', 'bench', 'testing123')",
    """INSERT INTO radcheck (username, attribute, op, value)
        SELECT 'user' || n, 'Cleartext-Password', ':=', 'secret-pw'
        FROM generate_series(0, :users) n""",
    """INSERT INTO radreply (username, attribute, op, value)
        SELECT 'user' || n, a.name, ':=', a.value FROM generate_series(0, :users) n,
        (VALUES ('Acct-Interim-Interval', '300'), ('Idle-Timeout', '600')) AS a (name, value)""",
    """INSERT INTO grants (grant_id, user_id, username, phone, payment_id, starts_at, ends_at,
            data_bytes, down_kbps, up_kbps, devices, authorized_at)
        SELECT gen_random_uuid(), gen_random_uuid(), 'user' || n, '254700000000',
            gen_random_uuid(), now() - interval '1 hour', now() + interval '1 day',
            5368709120, 5000, 2000, 1, now()
        FROM generate_series(0, :users) n""",
    "ANALYZE",
)


@dataclass
class Bench:
    """One database; the servers take turns on it."""

    engine: Engine
    amqp_url: str
    rates: dict[str, list[float]] = field(default_factory=dict)
    lost: dict[str, int] = field(default_factory=dict)

    def measure(self, name: str, port: int, seconds: float, most: int = MOST) -> Counted:
        """One round."""
        counted = load(port, GUESTS, secret=SECRET, seconds=seconds, most=most)
        self.rates.setdefault(name, []).append(counted.rate)
        self.lost[name] = self.lost.get(name, 0) + counted.unanswered + counted.refused
        with self.engine.begin() as connection:
            connection.execute(text("TRUNCATE radpostauth, outbox"))
        return counted


def run(*, rounds: int = ROUNDS, seconds: float = SECONDS, most: int = MOST) -> None:
    """Measure, and print the table: medians over the rounds. `most`: logins in one round."""
    with _servers() as bench:
        for _ in range(rounds):
            for name, server in _contestants(bench).items():
                with server as port:
                    bench.measure(name, port, seconds, most)
    first = statistics.median(next(iter(bench.rates.values())))
    sys.stdout.write(f"{'RADIUS logins':<34}{'logins/s':>10}{'ratio':>8}{'lost':>8}\n")
    for name, rates in bench.rates.items():
        median = statistics.median(rates)
        sys.stdout.write(f"{name:<34}{median:>10.0f}{median / first:>8.2f}{bench.lost[name]:>8}\n")


def _contestants(bench: Bench) -> dict[str, AbstractContextManager[int]]:
    named: dict[str, AbstractContextManager[int]] = {}
    try:
        program()
        named["FreeRADIUS, rlm_sql_postgresql"] = _freeradius(bench)
    except NotInstalled as error:
        sys.stdout.write(f"without FreeRADIUS: {error}\n")
    named["ours, one process"] = _ours(bench, 1)
    named["ours, two processes"] = _ours(bench, 2)
    return named


@contextmanager
def _servers() -> Iterator[Bench]:
    databases = Databases(os.environ["TEST_DATABASE_ADMIN_URL"])
    with vhost(os.environ["TEST_AMQP_URL"], os.environ["TEST_RABBITMQ_MANAGEMENT_URL"]) as url:
        transport = RabbitTransport(url, "bench")
        transport.wait_until_up(30)
        transport.close()
        engine = databases.fresh("radius")
        with engine.begin() as connection:
            for statement in _FILL:
                connection.execute(
                    text(statement), {"users": USERS - 1} if ":users" in statement else {}
                )
        try:
            yield Bench(engine, url)
        finally:
            databases.drop_all()


@contextmanager
def _ours(bench: Bench, processes: int) -> Iterator[int]:
    auth_port, acct_port = free_udp_ports()
    public = Ed25519PrivateKey.generate().public_key()
    environ = os.environ | {
        "DATABASE_URL": bench.engine.url.set(drivername="postgresql").render_as_string(False),
        "AMQP_URL": bench.amqp_url,
        "PORT": "8004",
        "LOG_LEVEL": "WARNING",
        "ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "JWT_PUBLIC_KEY": public.public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        ).decode(),
        "RADIUS_AUTH_PORT": str(auth_port),
        "RADIUS_ACCT_PORT": str(acct_port),
    }
    command = [sys.executable, "-P", "-m", "hotspot.serve", "radius", "server"]
    with ExitStack() as stack:
        for _ in range(processes):
            stack.enter_context(_process(command, environ))
        _wait_for(auth_port, answers=16 * processes)
        yield auth_port


@contextmanager
def _freeradius(bench: Bench) -> Iterator[int]:
    with (
        tempfile.TemporaryDirectory() as run_dir,
        freeradius(CONFIGURATION, bench.engine, Path(run_dir)) as server,
    ):
        _wait_for(server.auth_port, answers=1)
        yield server.auth_port


@contextmanager
def _process(command: list[str], environ: dict[str, str]) -> Iterator[None]:
    with subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


def _wait_for(port: int, *, answers: int) -> None:
    """Until so many sockets, which are spread over the processes, were answered."""
    until = time.monotonic() + 30
    while answers:
        with socket.socket(type=socket.SOCK_DGRAM) as door:
            door.settimeout(0.2)
            door.connect(("127.0.0.1", port))
            try:
                door.send(access_request(GUESTS[0], identifier=1, secret=SECRET))
                door.recv(4096)
                answers -= 1
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)


if __name__ == "__main__":
    run()
