"""RADIUS packets in and out: with `attributes.py` and `coa.py` the only place that knows pyrad."""

import hashlib
import ipaddress
from collections import OrderedDict
from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from pyrad.packet import AcctPacket, AuthPacket, PacketError

from radius_service import quick
from radius_service.attributes import DICTIONARY, KEYS, Attributes, Key, Value, reply_item

__all__ = [
    "DICTIONARY",
    "LARGEST",
    "Attributes",
    "Code",
    "Malformed",
    "Refused",
    "Request",
    "Value",
    "read",
    "read_by_pyrad",
    "reply",
    "reply_item",
    "revealed",
]

HEADER = quick.HEADER
LARGEST = 4096

_MESSAGE_AUTHENTICATOR = 80
_EAP_MESSAGE = 79


class Code(IntEnum):
    """Packet codes (RFC 2865 section 3, RFC 2866, RFC 5997)."""

    ACCESS_REQUEST = 1
    ACCESS_ACCEPT = 2
    ACCESS_REJECT = 3
    ACCOUNTING_REQUEST = 4
    ACCOUNTING_RESPONSE = 5
    STATUS_SERVER = 12


class Malformed(Exception):
    """No RADIUS request, or one that must be dropped silently. The text is a counter's name."""


class Refused(Malformed):
    """Well formed, but not signed as it must be."""


class Request:
    """A request whose form and signature were checked. A value of a wrong length reads as absent.

    `packet`: pyrad's, for what is not usual.
    """

    __slots__ = ("_values", "authenticator", "code", "identifier", "packet", "secret")

    def __init__(
        self, head: bytes, values: Mapping[Key, list[bytes]], secret: bytes, packet: Any = None
    ) -> None:
        self.code = Code(head[0])
        self.identifier = head[1]
        self.authenticator = head[4:20]
        self.secret = secret
        self.packet = packet
        self._values = values

    def all_octets(self, name: str) -> list[bytes]:
        """Every value of an attribute, as it came."""
        return self._values.get(KEYS[name], [])

    def octets(self, name: str) -> bytes | None:
        """The first value of an attribute, as it came."""
        values = self._values.get(KEYS[name])
        return values[0] if values else None

    def text(self, name: str) -> str | None:
        """The first value as text. What is no UTF-8, and NUL (SQL has none), is replaced."""
        value = self.octets(name)
        return None if value is None else value.decode("utf-8", "replace").replace("\0", "\ufffd")

    def number(self, name: str) -> int | None:
        """The first value as an unsigned number of 32 bits."""
        value = self.octets(name)
        return int.from_bytes(value) if value is not None and len(value) == 4 else None

    def address(self, name: str) -> str | None:
        """The first value as an IPv4 address."""
        value = self.octets(name)
        return str(ipaddress.IPv4Address(value)) if value and len(value) == 4 else None

    def word(self, name: str) -> str | None:
        """The first value by the dictionary's name for it, else as a number."""
        value = self.octets(name)
        if value is None or len(value) != 4:
            return None
        words = DICTIONARY.attributes[name].values
        return str(words.GetBackward(value)) if words.HasBackward(value) else str(self.number(name))


def read(data: bytes, *, secret: bytes, signed: bool) -> Request:
    """A request that this secret signed. Raises Malformed, or Refused for a wrong signature.

    `signed`: a Message-Authenticator is demanded in an Access-Request (CVE-2024-3596).
    """
    whole, walked, signed_at = _walked(data)
    is_login = whole[0] == Code.ACCESS_REQUEST
    # A Message-Authenticator in accounting is computed otherwise, and hardly ever sent.
    if is_login or (whole[0] == Code.ACCOUNTING_REQUEST and not signed_at):
        values = quick.values_of(walked)
        if values is not None:
            if is_login:
                _check_login(whole, signed_at, secret=secret, signed=signed)
            elif not quick.is_accounting_signed(whole, secret=secret):
                raise Refused("bad_authenticator")
            return Request(whole, values, secret)
    return read_by_pyrad(whole, secret=secret, signed=signed)


def read_by_pyrad(whole: bytes, *, secret: bytes, signed: bool) -> Request:
    """The same as `read`, for a packet without padding whose form was checked."""
    kind = AcctPacket if whole[0] == Code.ACCOUNTING_REQUEST else AuthPacket
    try:
        packet = kind(packet=whole, secret=secret, dict=DICTIONARY)
    except PacketError as error:
        raise Malformed("malformed") from error
    _check_signature(packet, signed=signed)
    return Request(whole, dict(OrderedDict.items(packet)), secret, packet)


def reply(request: Request, code: Code, attributes: Attributes) -> bytes:
    """The reply in bytes: Message-Authenticator first, then Proxy-State as it came, then the rest.

    Values of one attribute must stand together. Raises Malformed where the client's own
    Proxy-State leaves no room for an answer.
    """
    if request.packet is None:
        data = quick.reply(
            code=code,
            identifier=request.identifier,
            authenticator=request.authenticator,
            secret=request.secret,
            attributes=attributes,
            signed=request.code == Code.ACCESS_REQUEST,
        )
    else:
        answer = request.packet.CreateReply()
        answer.code = code
        for name, value in attributes:
            answer.AddAttribute(name, value)
        data = answer.ReplyPacket()
    if len(data) > LARGEST:
        raise Malformed("reply_too_large")
    return data


def revealed(hidden: bytes, *, secret: bytes, authenticator: bytes) -> bytes:
    """The password in a User-Password attribute (RFC 2865 section 5.2)."""
    clear = b""
    before = authenticator
    for at in range(0, len(hidden), 16):
        block = hidden[at : at + 16]
        mask = hashlib.md5(secret + before, usedforsecurity=False).digest()
        clear += (int.from_bytes(block) ^ int.from_bytes(mask)).to_bytes(16)
        before = block
    return clear.rstrip(b"\0")


def _walked(data: bytes) -> tuple[bytes, list[tuple[int, bytes]], int]:
    """The packet without padding, its attributes in order, and where its signature is (or 0).

    pyrad lets a truncated last attribute and 8 KiB pass: not we.
    """
    if len(data) < HEADER:
        raise Malformed("malformed")
    if data[0] not in (Code.ACCESS_REQUEST, Code.ACCOUNTING_REQUEST, Code.STATUS_SERVER):
        raise Malformed("unexpected_code")
    length = int.from_bytes(data[2:4])
    if not HEADER <= length <= min(len(data), LARGEST):
        raise Malformed("malformed")
    walked: list[tuple[int, bytes]] = []
    signed_at = 0
    at = HEADER
    while at < length:
        size = data[at + 1] if at + 1 < length else 0
        if size < 2 or at + size > length:
            raise Malformed("malformed")
        code, value = data[at], data[at + 2 : at + size]
        if code == _MESSAGE_AUTHENTICATOR:
            if signed_at or size != 18:
                raise Malformed("malformed")
            signed_at = at + 2
        elif (code == 2 and not _hides_password(value)) or (code == 3 and size != 19):
            raise Malformed("malformed")
        walked.append((code, value))
        at += size
    return data[:length], walked, signed_at


def _hides_password(value: bytes) -> bool:
    return len(value) % 16 == 0 and 16 <= len(value) <= 128


def _check_login(whole: bytes, signed_at: int, *, secret: bytes, signed: bool) -> None:
    if not signed_at:
        if signed:
            raise Refused("no_message_authenticator")
    elif not quick.is_signed(whole, at=signed_at, secret=secret):
        raise Refused("bad_message_authenticator")


def _check_signature(packet: Any, *, signed: bool) -> None:
    has_signature = packet.get(_MESSAGE_AUTHENTICATOR) is not None
    if has_signature and not packet.verify_message_authenticator():
        raise Refused("bad_message_authenticator")
    if packet.code == Code.ACCOUNTING_REQUEST:
        if not quick.is_accounting_signed(packet.raw_packet, secret=packet.secret):
            raise Refused("bad_authenticator")
        return
    # Status-Server and EAP must be signed whatever the NAS can (RFC 5997 section 3, RFC 3579).
    must = signed or packet.code == Code.STATUS_SERVER or packet.get(_EAP_MESSAGE)
    if must and not has_signature:
        raise Refused("no_message_authenticator")
