"""Guests: phones and laptops that joined a router's WiFi."""

import itertools
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from simulators.ids import new_id
from simulators.kept import Kept
from simulators.nas import Router
from simulators.radius_packets import Chap, Value

GUESTS_KEPT: Final = 20_000
LONGEST_USERNAME: Final = 253
LONGEST_PASSWORD: Final = 128
MOST_BYTES: Final = 2**50


@dataclass(frozen=True, kw_only=True)
class Guest:
    """A device on a router's WiFi, online or not."""

    id: str
    router_id: str
    mac: str
    ip: str


@dataclass(frozen=True, kw_only=True)
class NewGuest:
    """A device that joins; by default the first router, and a MAC address of its own."""

    router_id: str | None = None
    mac: str | None = None


@dataclass(frozen=True, kw_only=True)
class Login:
    """What a guest (or the router for the guest, by MAC address) sends to RADIUS."""

    username: str = ""
    password: str = field(default="", repr=False)
    method: str = "pap"
    mac_auth: bool = False
    # What the guest's browser made of the password, where it did.
    answer: Chap | None = None


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Bytes from the guest and to the guest."""

    bytes_in: int = 0
    bytes_out: int = 0


@dataclass(frozen=True, kw_only=True)
class LoginResult:
    """`result`: accept, reject or timeout; `reply` is RADIUS's own answer, where there was one."""

    result: str
    reply_message: str | None
    reply: Mapping[str, tuple[Value, ...]]
    ms: float
    tries: int
    ignored: tuple[str, ...] = ()
    session_id: str | None = None


class Guests:
    """All guests by id. A MAC address is on one router once."""

    def __init__(self) -> None:
        self._guests: Kept[str, Guest] = Kept(GUESTS_KEPT)
        self._by_mac: Kept[tuple[str, str], str] = Kept(GUESTS_KEPT)
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def join(self, router: Router, mac: str | None) -> Guest:
        """The device on the router's WiFi; the same guest where it was there before."""
        with self._lock:
            known = None if mac is None else self._by_mac.get((router.id, mac))
            guest = None if known is None else self._guests.get(known)
            if guest is not None:
                return guest
            number = next(self._numbers)
            guest = Guest(
                id=new_id(),
                router_id=router.id,
                mac=mac or _made_up_mac(number),
                ip=router.guest_ip(number),
            )
            self._guests.add(guest.id, guest)
            self._by_mac.add((router.id, guest.mac), guest.id)
            return guest

    def get(self, guest_id: str) -> Guest | None:
        """The guest, or None for an id that is unknown."""
        return self._guests.get(guest_id)

    def items(self) -> list[Guest]:
        """All guests, oldest first."""
        return self._guests.items()

    def clear(self) -> None:
        """All leave."""
        with self._lock:
            self._guests.clear()
            self._by_mac.clear()


def _made_up_mac(number: int) -> str:
    """A locally administered address: 02:..."""
    digits = f"02{number % 2**40:010X}"
    return ":".join(digits[place : place + 2] for place in range(0, 12, 2))


class MacField(fields.String):
    """A MAC address in any usual spelling, kept as RouterOS writes it."""

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> str:
        digits = re.sub(r"[:.-]", "", str(value)).upper()
        if not re.fullmatch(r"[0-9A-F]{12}", digits):
            raise ValidationError("not a MAC address")
        return ":".join(digits[place : place + 2] for place in range(0, 12, 2))


class NewGuestSchema(Schema):
    """Body of POST /guests."""

    router_id = fields.String(allow_none=True)
    mac = MacField(allow_none=True)

    @post_load
    def make(self, data: dict[str, object], **_: object) -> NewGuest:
        """The guest."""
        return NewGuest(**data)  # type: ignore[arg-type]  # the fields above are its own


class OctetsField(fields.String):
    """Text that must fit into an attribute when it is encoded."""

    def __init__(self, *, longest: int) -> None:
        super().__init__()
        self._longest = longest

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        if len(text.encode(errors="replace")) > self._longest:
            raise ValidationError(f"longer than {self._longest} bytes")
        return text


class LoginSchema(Schema):
    """Body of POST /guests/{id}/login."""

    username = OctetsField(longest=LONGEST_USERNAME)
    password = OctetsField(longest=LONGEST_PASSWORD)
    method = fields.String(validate=validate.OneOf(("pap", "chap")))
    mac_auth = fields.Boolean()

    @validates_schema
    def names_its_user(self, data: dict[str, object], **_: object) -> None:
        """Only by MAC address does a guest log in without a name."""
        if not data.get("mac_auth") and not data.get("username"):
            raise ValidationError("needed unless mac_auth is true", "username")

    @post_load
    def make(self, data: dict[str, object], **_: object) -> Login:
        """The login."""
        return Login(**data)  # type: ignore[arg-type]  # the fields above are its own


class UsageSchema(Schema):
    """Body of POST /guests/{id}/use."""

    bytes_in = fields.Integer(validate=validate.Range(min=0, max=MOST_BYTES))
    bytes_out = fields.Integer(validate=validate.Range(min=0, max=MOST_BYTES))

    @post_load
    def make(self, data: dict[str, object], **_: object) -> Usage:
        """The usage."""
        return Usage(**data)  # type: ignore[arg-type]  # the fields above are its own
