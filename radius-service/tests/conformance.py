"""Our server and FreeRADIUS side by side, on one database in which it is noon."""

import os
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pyrad.packet import AuthPacket
from sqlalchemy import Engine, text

from hotspot.testing.databases import Databases
from hotspot.testing.freeradius import FreeRadius, freeradius
from hotspot.testing.handling import NOON
from radius_service.config import NasSeed
from radius_service.packets import DICTIONARY
from radius_service.seed import insert_missing

from .a_case import Case, Guest, Pap
from .cases import ROUTER_PASSWORD, guest_of
from .world import SECRET, Database, Running, answer_to, bytes_of, serving, status_request

CONFIGURATION = Path(__file__).parent.parent / "freeradius"
OLD_ROUTER = "127.0.0.9"
STRANGER = "127.0.0.8"


@dataclass(frozen=True)
class Both:
    """The two servers, on one database in which it is noon."""

    radius: Database
    ours: Running
    theirs: FreeRadius
    prepared: set[str] = field(default_factory=set)

    @property
    def auth_ports(self) -> tuple[int, int]:
        """Where logins are asked: ours, then theirs."""
        return self.ours.server.auth_port, self.theirs.auth_port

    def prepare(self, case: Case) -> Guest:
        """The guest of a case, with what the case gives them, once."""
        guest = guest_of(case)
        if case.title not in self.prepared:
            self.prepared.add(case.title)
            case.prepare(self.radius, guest)
        return guest


@pytest.fixture(scope="module")
def both(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """Started once: each case has a guest of its own."""
    engine = databases.fresh("radius")
    stop_the_clock(engine)
    insert_missing(engine, (NasSeed(nasname="127.0.0.1", secret=SECRET.decode()),))
    radius = Database(engine)
    radius.execute(
        "INSERT INTO nas (nasname, shortname, secret) VALUES (:old, :old, 'of-the-old')",
        old=OLD_ROUTER,
    )
    radius.execute(
        "INSERT INTO nas_settings (nasname, require_message_authenticator, mac_auth_password)"
        " VALUES (:old, false, NULL), ('127.0.0.1', true, :password)",
        old=OLD_ROUTER,
        password=ROUTER_PASSWORD,
    )
    with (
        serving(engine) as ours,
        freeradius(CONFIGURATION, engine, tmp_path_factory.mktemp("freeradius")) as theirs,
    ):
        yield Both(radius, ours, theirs)
    databases.drop()


def stop_the_clock(engine: Engine) -> None:
    """Make it noon for whoever asks this database for the time."""
    with engine.begin() as connection:
        connection.execute(text("CREATE SCHEMA stopped"))
        connection.execute(
            text(
                "CREATE FUNCTION stopped.now() RETURNS timestamptz LANGUAGE sql STABLE"
                f" AS $$ SELECT '{NOON.isoformat()}'::timestamptz $$"
            )
        )
        connection.execute(
            text(
                "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = public, stopped,"
                " pg_catalog', current_database()); END $$"
            )
        )
    engine.dispose()  # what is connected already has not heard of it


def packet_of(case: Case, guest: Guest, *, secret: bytes = SECRET) -> Any:
    """The Access-Request of a case."""
    packet = AuthPacket(secret=secret, authenticator=os.urandom(16), dict=DICTIONARY)
    if case.signed:
        packet.add_message_authenticator()
    if case.typed is not None:
        packet["User-Name"] = guest.fill(case.typed)
    pairs = case.more
    if isinstance(case.proof, Pap):
        hidden = packet.PwCrypt(guest.fill(case.proof.password) or b"\0" * 16)
        packet["User-Password"] = hidden
    elif case.proof is not None:
        pairs += case.proof.pairs(guest)
    for name, value in pairs:
        filled = guest.fill(value)
        octets = DICTIONARY.attributes[name].type == "octets"
        packet.AddAttribute(name, bytes.fromhex(filled[2:]) if octets else filled)
    return packet


def ask(port: int, data: bytes, *, source: str = "127.0.0.1", seconds: float = 3.0) -> bytes | None:
    """The reply to a packet. None: it was not answered, though what was sent after it was."""
    with socket.socket(type=socket.SOCK_DGRAM) as door:
        door.bind((source, 0))
        door.settimeout(seconds)
        door.sendto(data, ("127.0.0.1", port))
        try:
            return door.recv(5000)
        except TimeoutError:
            return None


def is_silent(port: int, data: bytes) -> bool:
    """Whether a packet is not answered, though one that is sent after it is."""
    with socket.socket(type=socket.SOCK_DGRAM) as door:
        door.settimeout(3)
        door.sendto(data, ("127.0.0.1", port))
        question = status_request()
        door.sendto(bytes_of(question), ("127.0.0.1", port))
        reply = question.CreateReply(packet=door.recv(5000))
        return question.VerifyReply(reply) is True


def said(packet: Any, data: bytes | None) -> tuple[int, list[tuple[str, str]]]:
    """A reply's code and all its attributes, without what differs each time: the signatures."""
    assert data, "no answer came"
    reply = answer_to(packet, data)
    assert data[20:22] == b"\x50\x12", "the signature is not first"
    attributes = [
        (name, challenge_left_out(name, value))
        for name in reply.keys()  # noqa: SIM118  # pyrad's packet has names here, and no iterator
        if name != "Message-Authenticator"
        for value in reply[name]
    ]
    return reply.code, sorted(attributes)


def challenge_left_out(name: str, value: object) -> str:
    shown = "0x" + value.hex() if isinstance(value, bytes) else str(value)
    if name != "MS-CHAP-Error":
        return shown
    return re.sub(r"C=[0-9a-f]{32}", "C=", bytes.fromhex(shown[2:]).decode())
