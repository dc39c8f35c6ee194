"""RADIUS packets with plain types on the inside: the only place that touches pyrad."""

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

from pyrad import packet as pyrad_packet
from pyrad.dictionary import Dictionary

Value = str | int | bytes
Attributes = tuple[tuple[str, Value], ...]

DICTIONARY: Final = Dictionary(str(Path(__file__).parent / "dictionary"))
MESSAGE_AUTHENTICATOR: Final = "Message-Authenticator"


class Code(IntEnum):
    """Packet codes (RFC 2865, 2866, 5176)."""

    ACCESS_REQUEST = 1
    ACCESS_ACCEPT = 2
    ACCESS_REJECT = 3
    ACCOUNTING_REQUEST = 4
    ACCOUNTING_RESPONSE = 5
    DISCONNECT_REQUEST = 40
    DISCONNECT_ACK = 41
    DISCONNECT_NAK = 42
    COA_REQUEST = 43
    COA_ACK = 44
    COA_NAK = 45


class MalformedPacket(Exception):
    """What came is no RADIUS packet, or none that was signed with the secret."""


@dataclass(frozen=True, kw_only=True)
class Pap:
    """A password that the router knows in clear."""

    password: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Chap:
    """A password that the browser has hashed with the login page's id and challenge."""

    id: int
    challenge: bytes
    digest: bytes = field(repr=False)

    @classmethod
    def answer(cls, password: str, *, chap_id: int, challenge: bytes) -> "Chap":
        """What the login page's script computes: MD5 over id, password and challenge."""
        text = bytes([chap_id]) + password.encode() + challenge
        digest = hashlib.md5(text, usedforsecurity=False).digest()
        return cls(id=chap_id, challenge=challenge, digest=digest)


@dataclass(frozen=True, kw_only=True)
class Message:
    """A verified message: its code and every attribute with all its values."""

    code: int
    attributes: Mapping[str, tuple[Value, ...]]

    def text(self, name: str) -> str | None:
        """The values of a text attribute joined, or None without one."""
        values = self.attributes.get(name)
        return None if values is None else "".join(str(value) for value in values)

    def first(self, name: str) -> Value | None:
        """The first value of an attribute, or None without one."""
        values = self.attributes.get(name)
        return values[0] if values else None

    def number(self, name: str) -> int | None:
        """The first value of a number attribute, or None without one."""
        values = self.attributes.get(name, ())
        return next((value for value in values if isinstance(value, int)), None)


class Request:
    """A request that is ready to be sent, and can tell whether a reply belongs to it."""

    def __init__(self, packet: Any) -> None:
        self._packet = packet
        self.data: bytes = packet.RequestPacket()

    def read_reply(self, data: bytes, *, signed: bool) -> Message:
        """The reply in `data`; MalformedPacket where it is not one to this request.

        `signed` demands a Message-Authenticator, as RouterOS does since 7.15.
        """
        try:
            reply = self._packet.CreateReply(packet=data)
            verified = self._packet.VerifyReply(reply, enforce_ma=signed)
        except pyrad_packet.PacketError as error:
            raise MalformedPacket(str(error)) from error
        if not verified:
            raise MalformedPacket("reply not signed as it must be")
        return Message(code=reply.code, attributes=_attributes(reply))


def access_request(
    secret: bytes, attributes: Attributes, credentials: Pap | Chap, *, user_name: str
) -> Request:
    """An Access-Request, Message-Authenticator first."""
    packet = pyrad_packet.AuthPacket(
        Code.ACCESS_REQUEST,
        id=os.urandom(1)[0],
        secret=secret,
        authenticator=os.urandom(16),
        dict=DICTIONARY,
    )
    packet.add_message_authenticator()
    packet["User-Name"] = user_name
    if isinstance(credentials, Pap):
        packet["User-Password"] = packet.PwCrypt(credentials.password)
    else:
        packet["CHAP-Password"] = bytes([credentials.id]) + credentials.digest
        packet["CHAP-Challenge"] = credentials.challenge
    _add(packet, attributes)
    return Request(packet)


def accounting_request(secret: bytes, attributes: Attributes) -> Request:
    """An Accounting-Request, with an identifier of its own each time."""
    packet = pyrad_packet.AcctPacket(
        Code.ACCOUNTING_REQUEST, id=os.urandom(1)[0], secret=secret, dict=DICTIONARY
    )
    _add(packet, attributes)
    return Request(packet)


class CoaRequest:
    """A Disconnect-Request or CoA-Request that was signed with the secret."""

    def __init__(self, data: bytes, secret: bytes) -> None:
        """Decode and verify; MalformedPacket for what must be dropped silently."""
        try:
            self._packet = pyrad_packet.CoAPacket(dict=DICTIONARY, secret=secret, packet=data)
            verified = self._packet.VerifyCoARequest() and (
                self._packet.message_authenticator is None
                or self._packet.verify_message_authenticator()
            )
        except pyrad_packet.PacketError as error:
            raise MalformedPacket(str(error)) from error
        if self._packet.code not in (Code.DISCONNECT_REQUEST, Code.COA_REQUEST):
            raise MalformedPacket(f"code {self._packet.code} is not for this port")
        if not verified:
            raise MalformedPacket("not signed with the secret")
        self.message = Message(code=self._packet.code, attributes=_attributes(self._packet))
        self.disconnect = self.message.code == Code.DISCONNECT_REQUEST

    def answer(self, error_cause: int | None) -> bytes:
        """ACK, or NAK with an Error-Cause (RFC 5176 section 3.5)."""
        reply = self._packet.CreateReply()
        if error_cause is not None:
            reply.code = Code.DISCONNECT_NAK if self.disconnect else Code.COA_NAK
            reply["Error-Cause"] = error_cause
        if self._packet.message_authenticator:
            reply.add_message_authenticator()
        data: bytes = reply.ReplyPacket()
        return data


def _add(packet: Any, attributes: Iterable[tuple[str, Value]]) -> None:
    for name, value in attributes:
        packet.AddAttribute(name, value)


def _attributes(packet: Any) -> dict[str, tuple[Value, ...]]:
    """Every attribute by name; one that the dictionary does not know by its number."""
    found: dict[str, tuple[Value, ...]] = {}
    for key in packet.keys():  # noqa: SIM118  the packet iterates numbers, keys() names
        if not isinstance(key, str):
            name = f"Attr-26.{key[0]}.{key[1]}" if isinstance(key, tuple) else f"Attr-{key}"
            found[name] = tuple(bytes(value) for value in packet[key])
            continue
        try:
            found[key] = tuple(packet[key])
        except (pyrad_packet.PacketError, ValueError) as error:
            raise MalformedPacket(f"{key} cannot be read") from error
    return found
