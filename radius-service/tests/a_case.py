"""How a case is written that both RADIUS servers are asked: `cases.py` lists them.

Each case has a guest of its own. In names and values, `{name}` is the guest's username, `{mac}` and
`{dashed}` their device.
"""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from hotspot.testing.handling import NOON
from radius_service import mschap

from .world import PASSWORD, Database

Answer = Literal["accept", "reject", "silent"]
Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Guest:
    """Who a case is about."""

    name: str
    mac: str

    def fill(self, text: str) -> str:
        """A text of a case with this guest in it."""
        dashed = self.mac.replace(":", "-").lower()
        return text.format(name=self.name, mac=self.mac, dashed=dashed)


Preparing = Callable[[Database, Guest], None]


@dataclass(frozen=True, kw_only=True)
class Pap:
    """User-Password."""

    password: str = PASSWORD


@dataclass(frozen=True, kw_only=True)
class Chap:
    """CHAP-Password."""

    password: str = PASSWORD

    def pairs(self, guest: Guest) -> Pairs:
        """The attributes, in hex."""
        challenge = os.urandom(16)
        text = b"\x05" + guest.fill(self.password).encode() + challenge
        digest = hashlib.md5(text).hexdigest()
        return (("CHAP-Password", f"0x05{digest}"), ("CHAP-Challenge", f"0x{challenge.hex()}"))


@dataclass(frozen=True, kw_only=True)
class MsChap2:
    """MS-CHAP2-Response."""

    password: str = PASSWORD

    def pairs(self, guest: Guest) -> Pairs:
        """The attributes, in hex."""
        challenge, peer = os.urandom(16), os.urandom(16)
        proof = mschap.respond(
            self.password, challenge=challenge, peer_challenge=peer, name=guest.name.encode()
        )
        response = b"\x07\x00" + peer + bytes(8) + proof
        return (
            ("MS-CHAP-Challenge", f"0x{challenge.hex()}"),
            ("MS-CHAP2-Response", f"0x{response.hex()}"),
        )


Proof = Pap | Chap | MsChap2 | None


@dataclass(frozen=True, kw_only=True)
class Case:
    """One login. `shows`: some of what the reply must have; `reason`: of a refusal."""

    title: str
    answer: Answer
    prepare: Preparing
    typed: str | None = "{name}"
    proof: Proof = field(default_factory=Pap)
    more: Pairs = ()
    shows: Pairs = ()
    reason: str = ""
    signed: bool = True


def gives(*grants: dict[str, Any]) -> Preparing:
    """Grants for the guest: an hour from noon, or as these say."""

    def prepare(radius: Database, guest: Guest) -> None:
        for grant in grants:
            radius.give(**({"username": guest.name} | grant))

    return prepare


def gives_device(**grant: Any) -> Preparing:
    """A grant for the guest's device."""

    def prepare(radius: Database, guest: Guest) -> None:
        radius.give(username=guest.name, mac=guest.mac, **grant)

    return prepare


def and_then(first: Preparing, statement: str, **values: object) -> Preparing:
    """Something more, in SQL; `:name` and `:mac` are the guest's."""

    def prepare(radius: Database, guest: Guest) -> None:
        first(radius, guest)
        known = {"name": guest.name, "mac": guest.mac, "noon": NOON}
        radius.execute(
            statement,
            **{key: value for key, value in known.items() if f":{key}" in statement},
            **values,
        )

    return prepare


def nothing(_radius: Database, _guest: Guest) -> None:
    """Nobody."""
