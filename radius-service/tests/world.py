"""What the tests of radius-service share: guests with access, and routers that ask."""

import hashlib
import itertools
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from cryptography.fernet import Fernet
from pyrad.packet import AcctPacket, AuthPacket
from sqlalchemy import Engine, text

from hotspot.contract.access import AuthorizeRadiusUserJob
from hotspot.contract.message import Message
from hotspot.ids import new_id
from hotspot.testing.handling import NOON, FakePublisher, run
from hotspot.vault import Vault
from radius_service.access import authorize_radius_user
from radius_service.packets import DICTIONARY
from radius_service.server import RadiusServer

SECRET = b"testing123"
PASSWORD = "secret-pw"
ACCEPT, REJECT, ACCOUNTED = 2, 3, 5
MAC = "02:00:5E:10:00:00"
OTHER_MAC = "02:00:5E:10:00:99"
GIB = 2**30

_identifiers = itertools.cycle(range(256))


@dataclass
class MovedClock:
    """A clock that stands still until a test moves it."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        """Move it by a timedelta's arguments."""
        self.now += timedelta(**by)


@dataclass
class Database:
    """A migrated database of radius-service."""

    engine: Engine
    vault: Vault = field(default_factory=lambda: Vault([Fernet.generate_key().decode()]))

    def order(self, *, password: str = PASSWORD, **fields: Any) -> AuthorizeRadiusUserJob:
        """The job that lets alice in for an hour from noon, or as the fields say."""
        grant: dict[str, Any] = {
            "user_id": UUID(int=7),
            "username": "alice",
            "sealed_password": self.vault.seal(password),
            "phone": "254712345678",
            "grant_id": new_id(),
            "payment_id": new_id(),
            "starts_at": NOON,
            "ends_at": NOON + timedelta(hours=1),
            "down_kbps": 5000,
            "up_kbps": 2000,
            "devices": 1,
        }
        return AuthorizeRadiusUserJob(**(grant | fields))

    def authorize(self, job: AuthorizeRadiusUserJob, now: datetime = NOON) -> list[Message]:
        """Run the job through the real handling, twice."""
        handle = partial(authorize_radius_user, vault=self.vault)
        return run({AuthorizeRadiusUserJob: handle}, job, self.engine, now=now, service="radius")

    def give(self, **fields: Any) -> AuthorizeRadiusUserJob:
        """Give access, and answer the job that gave it."""
        job = self.order(**fields)
        self.authorize(job)
        return job

    def rows(self, query: str, **values: object) -> list[Any]:
        """Rows of a query."""
        with self.engine.connect() as connection:
            return list(connection.execute(text(query), values).all())

    def row(self, query: str, **values: object) -> Any:
        """The only row of a query."""
        (row,) = self.rows(query, **values)
        return row

    @property
    def unsent(self) -> list[str]:
        """The names of the server's messages that wait in the outbox, in order."""
        query = "SELECT name FROM outbox WHERE name ~ '^(Session|Login)' ORDER BY name"
        return [name for (name,) in self.rows(query)]

    def words(self, reason: str) -> str:
        """What a guest is told who is refused for this reason."""
        return str(self.row("SELECT login_words(:reason)", reason=reason)[0])

    def execute(self, statement: str, **values: object) -> None:
        """Change something behind the service's back."""
        with self.engine.begin() as connection:
            connection.execute(text(statement), values)

    def changes(self, statement: str, **values: object) -> bool:
        """Change something behind the service's back; whether there was anything to change."""
        with self.engine.begin() as connection:
            done = connection.execute(text(statement), values)
            return bool(done.rowcount)


@dataclass
class Running:
    """A server in a thread, and a router's socket to ask it."""

    server: RadiusServer
    publisher: FakePublisher
    clock: MovedClock
    door: socket.socket = field(default_factory=partial(socket.socket, type=socket.SOCK_DGRAM))

    def send(self, data: bytes, *, accounting: bool = False) -> None:
        """Send a packet."""
        port = self.server.acct_port if accounting else self.server.auth_port
        self.door.sendto(data, ("127.0.0.1", port))

    def hear(self) -> bytes:
        """The next reply."""
        self.door.settimeout(5)
        return self.door.recv(5000)

    def ask(self, data: bytes, *, accounting: bool = False) -> bytes:
        """Send a packet and wait for the reply."""
        self.send(data, accounting=accounting)
        return self.hear()

    def hears_only_status(self) -> bool:
        """Whether nothing was answered to what was sent before."""
        question = status_request()
        reply = question.CreateReply(packet=self.ask(bytes_of(question)))
        return question.VerifyReply(reply) is True

    @property
    def counts(self) -> dict[str, int]:
        """What happened to packets so far."""
        return self.server.counters.read()

    @property
    def told(self) -> list[str]:
        """The names of the messages that were published."""
        return [parcel.envelope.name for parcel in self.publisher.parcels]


@contextmanager
def serving(
    engine: Engine, *, publisher: FakePublisher | None = None, session_timer: bool = False
) -> Iterator[Running]:
    """A server at noon on free ports, until the block ends."""
    sent, clock = publisher or FakePublisher(), MovedClock()
    server = RadiusServer(
        engine=engine,
        publisher=sent,
        host="127.0.0.1",
        auth_port=0,
        acct_port=0,
        session_timer=session_timer,
        clock=clock,
    )
    thread = threading.Thread(target=server.serve)
    server.nas.refresh()
    thread.start()
    up = Running(server, sent, clock)
    try:
        yield up
    finally:
        server.stop()
        thread.join(15)
        up.door.close()
    assert not thread.is_alive(), "the server did not stop"


def until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    """Wait until a condition holds, looking often."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def login(
    username: str = "alice",
    password: str = PASSWORD,
    *,
    chap: bool = False,
    signed: bool = True,
    mac: str = MAC,
    secret: bytes = SECRET,
    identifier: int | None = None,
    proxy_states: tuple[bytes, ...] = (),
) -> Any:
    """An Access-Request as a MikroTik hotspot sends it."""
    packet = AuthPacket(
        id=next(_identifiers) if identifier is None else identifier,
        secret=secret,
        authenticator=os.urandom(16),
        dict=DICTIONARY,
    )
    if signed:
        packet.add_message_authenticator()
    packet["User-Name"] = username
    if chap:
        challenge = os.urandom(16)
        digest = hashlib.md5(b"\x05" + password.encode() + challenge).digest()
        packet["CHAP-Password"] = b"\x05" + digest
        packet["CHAP-Challenge"] = challenge
    else:
        packet["User-Password"] = packet.PwCrypt(password)
    packet["Calling-Station-Id"] = mac
    packet["NAS-Identifier"] = "site-1"
    for state in proxy_states:
        packet.AddAttribute("Proxy-State", state)
    return packet


def status_request() -> Any:
    """A Status-Server."""
    packet = AuthPacket(
        12,
        id=next(_identifiers),
        secret=SECRET,
        authenticator=os.urandom(16),
        dict=DICTIONARY,
    )
    packet.add_message_authenticator()
    return packet


def accounting(
    status: str,
    *,
    session: str = "80200001",
    username: str = "alice",
    mac: str = MAC,
    secret: bytes = SECRET,
    **attributes: object,
) -> Any:
    """An Accounting-Request; `Acct_Session_Time=60` and the like add attributes."""
    packet = AcctPacket(id=next(_identifiers), secret=secret, dict=DICTIONARY)
    packet["Acct-Status-Type"] = status
    packet["NAS-IP-Address"] = "127.0.0.1"
    packet["NAS-Identifier"] = "site-1"
    if status not in ("Accounting-On", "Accounting-Off"):
        packet["Acct-Session-Id"] = session
        packet["User-Name"] = username
        packet["Calling-Station-Id"] = mac
        packet["Framed-IP-Address"] = "10.5.50.7"
    for name, value in attributes.items():
        packet[name.replace("_", "-")] = value
    return packet


def bytes_of(packet: Any) -> bytes:
    """A request in bytes."""
    data: bytes = packet.RequestPacket()
    return data


def answer_to(packet: Any, reply: bytes) -> Any:
    """The decoded reply to a request; fails where it is not signed as RouterOS demands."""
    decoded = packet.CreateReply(packet=reply)
    assert packet.VerifyReply(decoded, enforce_ma=packet.code == 1), "the reply is not signed"
    return decoded


def asks(running: Running, **fields: Any) -> Any:
    """The answer to a login."""
    packet = login(**fields)
    return answer_to(packet, running.ask(bytes_of(packet)))


def accounts(running: Running, packet: Any) -> Any:
    """The answer to an Accounting-Request."""
    return answer_to(packet, running.ask(bytes_of(packet), accounting=True))


def keeps_asking(running: Running, packet: Any) -> Any:
    """The answer to the same request, sent again and again as a router does."""
    running.door.settimeout(0.2)
    for _ in range(25):
        running.send(bytes_of(packet))
        with suppress(TimeoutError):
            return answer_to(packet, running.door.recv(5000))
    raise AssertionError("no answer came")
