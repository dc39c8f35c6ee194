"""The whole process, asked by Debian's radclient, which knows nothing of us."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from hotspot.testing.databases import Databases
from hotspot.testing.freeradius import free_udp_ports
from hotspot.testing.identity import Keys
from hotspot.vault import Vault
from radius_service.config import NasSeed
from radius_service.seed import insert_missing

from .world import GIB, PASSWORD, SECRET, Database, until

SIGNED = "Message-Authenticator = 0x00"


@dataclass
class Process:
    """`python -m hotspot.serve radius server` on a database, and radclient to ask it."""

    radius: Database
    auth_port: int
    acct_port: int

    def ask(self, *pairs: str, kind: str = "auth", signed: bool = True, within: float = 2.0) -> str:
        """What radclient shows of the reply; empty where none came."""
        port = self.auth_port if kind in ("auth", "status") else self.acct_port
        lines = [*pairs, SIGNED] if signed else list(pairs)
        done = subprocess.run(
            [
                "radclient",
                "-x",
                "-r",
                "1",
                "-t",
                str(within),
                f"127.0.0.1:{port}",
                kind,
                "testing123",
            ],
            input="\n".join(lines) + "\n",
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        _, _, received = done.stdout.partition("Received ")
        return received


@pytest.fixture(scope="module")
def process(databases: Databases, keys: Keys, amqp_url: str) -> Iterator[Process]:
    """The server in a process of its own; it must end well when it is told to. Started once: each
    test has a guest of its own."""
    if shutil.which("radclient") is None:
        pytest.fail("radclient is missing: install Debian's freeradius-utils", pytrace=False)
    radius = Database(databases.fresh("radius"), Vault(keys.encryption))
    insert_missing(radius.engine, (NasSeed(nasname="127.0.0.1", secret=SECRET.decode()),))
    auth_port, acct_port = free_udp_ports()
    url = radius.engine.url.set(drivername="postgresql")
    environ = os.environ | {
        "DATABASE_URL": url.render_as_string(hide_password=False),
        "AMQP_URL": amqp_url,
        "PORT": "8004",
        "ENCRYPTION_KEYS": ",".join(keys.encryption),
        "JWT_PUBLIC_KEY": keys.public_pem,
        "RADIUS_AUTH_PORT": str(auth_port),
        "RADIUS_ACCT_PORT": str(acct_port),
    }
    command = [sys.executable, "-m", "hotspot.serve", "radius", "server"]
    with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True) as started:
        asked = Process(radius, auth_port, acct_port)
        try:
            until(lambda: "Access-Accept" in asked.ask(kind="status", within=0.3), seconds=30)
            yield asked
        finally:
            started.send_signal(signal.SIGTERM)
            _, errors = started.communicate(timeout=20)
        assert started.returncode == 0, errors
        assert "Traceback" not in errors
    databases.drop()


def seconds_left(reply: str) -> int:
    found = re.search(r"Session-Timeout = (\d+)", reply)
    assert found, reply
    return int(found.group(1))


def give_an_hour(radius: Database, guest: str, *, begun: timedelta = timedelta()) -> None:
    start = datetime.now(UTC) - begun
    job = radius.order(
        username=guest, starts_at=start, ends_at=start + timedelta(hours=1), data_bytes=5 * GIB
    )
    radius.authorize(job, now=start)


def pap(guest: str) -> tuple[str, str]:
    return f'User-Name = "{guest}"', f'User-Password = "{PASSWORD}"'


def chap(guest: str) -> tuple[str, str]:
    return f'User-Name = "{guest}"', f'CHAP-Password = "{PASSWORD}"'


def test_radclient_is_let_in_by_pap_and_by_chap_with_what_is_left(process: Process) -> None:
    give_an_hour(process.radius, "ann", begun=timedelta(minutes=10))
    for credentials in (pap("ann"), chap("ann")):
        reply = process.ask(*credentials)
        assert reply.startswith("Access-Accept")
        assert 2980 <= seconds_left(reply) <= 3000
        assert 'Mikrotik-Rate-Limit = "2M/5M"' in reply
        assert "Mikrotik-Total-Limit = 1073741824" in reply
        assert "Mikrotik-Total-Limit-Gigawords = 1" in reply


def test_radclient_is_refused_before_payment_with_a_wrong_password_and_after_the_time(
    process: Process,
) -> None:
    assert process.ask(*pap("bob")).startswith("Access-Reject")
    give_an_hour(process.radius, "bob", begun=timedelta(minutes=59, seconds=59.7))
    for name in ("User-Password", "CHAP-Password"):
        wrong = process.ask('User-Name = "bob"', f'{name} = "wrong"')
        assert wrong.startswith("Access-Reject")
        assert "Wrong username or password" in wrong
    until(lambda: process.ask(*pap("bob")).startswith("Access-Reject"))
    for credentials in (pap("bob"), chap("bob")):
        assert "Your time is used up" in process.ask(*credentials)


def test_radclient_accounts_a_stay_which_is_published(process: Process) -> None:
    give_an_hour(process.radius, "eve")
    session = (
        'User-Name = "eve"',
        'Acct-Session-Id = "80200001"',
        'Calling-Station-Id = "02:00:5E:10:00:00"',
        "NAS-IP-Address = 127.0.0.1",
    )
    for more in (
        ("Acct-Status-Type = Start",),
        ("Acct-Status-Type = Interim-Update", "Acct-Output-Gigawords = 1"),
        ("Acct-Status-Type = Stop", "Acct-Output-Gigawords = 1", "Acct-Output-Octets = 5"),
    ):
        reply = process.ask(*session, *more, kind="acct", signed=False)
        assert reply.startswith("Accounting-Response")
    row = process.radius.row("SELECT * FROM sessions WHERE username = 'eve'")
    assert (row.status, row.bytes_out) == ("ended", 4 * GIB + 5)
    used = process.radius.row("SELECT used_bytes FROM grants WHERE username = 'eve'")
    assert used.used_bytes == 4 * GIB + 5
    until(lambda: not process.radius.unsent)


def test_radclient_that_does_not_sign_gets_no_answer(process: Process) -> None:
    give_an_hour(process.radius, "joe")
    version = subprocess.run(["radclient", "-v"], capture_output=True, text=True, check=False)
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", version.stdout + version.stderr)
    assert found
    signs_by_itself = tuple(map(int, found.groups())) >= (3, 2, 5)
    assert bool(process.ask(*pap("joe"), signed=False, within=0.5)) == signs_by_itself
