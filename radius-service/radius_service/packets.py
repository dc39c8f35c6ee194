"""RADIUS packets in and out: with `coa.py` the only place that knows pyrad."""

import hashlib
import hmac
import ipaddress
from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path
from typing import Any

from pyrad.dictionary import Dictionary
from pyrad.packet import AcctPacket, AuthPacket, PacketError

DICTIONARY = Dictionary(str(Path(__file__).with_name("dictionary")))
HEADER = 20
LARGEST = 4096

Value = str | int | bytes
Attributes = Sequence[tuple[str, Value]]

_MESSAGE_AUTHENTICATOR = 80


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
    """A request whose form was checked. Values come raw: a wrong length reads as absent."""

    def __init__(self, packet: Any) -> None:
        self.packet = packet
        self.code = Code(packet.code)
        self.identifier: int = packet.id
        self.authenticator: bytes = packet.authenticator

    def all_octets(self, name: str) -> list[bytes]:
        """Every value of an attribute, as it came."""
        values: list[bytes] = self.packet.get(_KEYS[name], [])
        return values

    def octets(self, name: str) -> bytes | None:
        """The first value of an attribute, as it came."""
        values = self.all_octets(name)
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
    whole = _checked(data)
    kind = AcctPacket if whole[0] == Code.ACCOUNTING_REQUEST else AuthPacket
    try:
        packet = kind(packet=whole, secret=secret, dict=DICTIONARY)
    except PacketError as error:
        raise Malformed("malformed") from error
    _check_signature(packet, signed=signed)
    return Request(packet)


def reply(request: Request, code: Code, attributes: Attributes) -> bytes:
    """The reply in bytes: Message-Authenticator first, then Proxy-State as it came, then the rest.

    Raises Malformed where the client's own Proxy-State leaves no room for an answer.
    """
    answer = request.packet.CreateReply()
    answer.code = code
    for name, value in attributes:
        answer.AddAttribute(name, value)
    data: bytes = answer.ReplyPacket()
    if len(data) > LARGEST:
        raise Malformed("reply_too_large")
    return data


def reply_item(name: str, text: str) -> tuple[str, Value] | None:
    """An attribute as `radreply` keeps it; None where it cannot be sent."""
    known = DICTIONARY.attributes.get(name)
    if known is None:
        return None
    if known.type == "integer":
        number = known.values.HasForward(text) or (text.isascii() and text.isdigit())
        fits = number and (not text.isdigit() or int(text) < 2**32)
        return (name, int(text) if text.isdigit() else text) if fits else None
    if known.type == "ipaddr":
        return (name, text) if _is_ipv4(text) else None
    if known.type not in ("string", "octets") or not 0 < len(text.encode()) <= 240:
        return None
    return (name, text.encode() if known.type == "octets" else text)


def revealed(hidden: bytes, *, secret: bytes, authenticator: bytes) -> bytes:
    """The password in a User-Password attribute (RFC 2865 section 5.2)."""
    clear = b""
    before = authenticator
    for at in range(0, len(hidden), 16):
        block = hidden[at : at + 16]
        mask = hashlib.md5(secret + before, usedforsecurity=False).digest()
        clear += bytes(a ^ b for a, b in zip(block, mask, strict=True))
        before = block
    return clear.rstrip(b"\0")


def _checked(data: bytes) -> bytes:
    """The packet without padding. pyrad lets a truncated last attribute and 8 KiB pass: not we."""
    if len(data) < HEADER:
        raise Malformed("malformed")
    if data[0] not in (Code.ACCESS_REQUEST, Code.ACCOUNTING_REQUEST, Code.STATUS_SERVER):
        raise Malformed("unexpected_code")
    length = int.from_bytes(data[2:4])
    if not HEADER <= length <= min(len(data), LARGEST):
        raise Malformed("malformed")
    signatures = 0
    at = HEADER
    while at < length:
        size = data[at + 1] if at + 1 < length else 0
        if size < 2 or at + size > length:
            raise Malformed("malformed")
        if not _fits(data[at], size - 2):
            raise Malformed("malformed")
        signatures += data[at] == _MESSAGE_AUTHENTICATOR
        at += size
    if signatures > 1:
        raise Malformed("malformed")
    return data[:length]


def _fits(attribute: int, size: int) -> bool:
    """Whether an attribute that is computed with has the length that its RFC gives it."""
    if attribute == _MESSAGE_AUTHENTICATOR:
        return size == 16
    if attribute == 2:  # User-Password
        return size % 16 == 0 and 16 <= size <= 128
    if attribute == 3:  # CHAP-Password: identifier and MD5
        return size == 17
    return True


def _check_signature(packet: Any, *, signed: bool) -> None:
    has_signature = packet.get(_MESSAGE_AUTHENTICATOR) is not None
    if has_signature and not packet.verify_message_authenticator():
        raise Refused("bad_message_authenticator")
    if packet.code == Code.ACCOUNTING_REQUEST:
        if not _is_accounting_signed(packet):
            raise Refused("bad_authenticator")
        return
    # Status-Server and EAP must be signed whatever the NAS can (RFC 5997 section 3, RFC 3579).
    must = signed or packet.code == Code.STATUS_SERVER or packet.get(_KEYS["EAP-Message"])
    if must and not has_signature:
        raise Refused("no_message_authenticator")


def _is_accounting_signed(packet: Any) -> bool:
    """The Request Authenticator of accounting is a hash with the secret (RFC 2866 section 3)."""
    raw: bytes = packet.raw_packet
    digest = hashlib.md5(raw[:4] + bytes(16) + raw[20:] + packet.secret, usedforsecurity=False)
    return hmac.compare_digest(digest.digest(), raw[4:20])


def _is_ipv4(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


def _key_of(name: str) -> int | tuple[int, int]:
    known = DICTIONARY.attributes[name]
    code: int = known.code
    return (DICTIONARY.vendors.GetForward(known.vendor), code) if known.vendor else code


_KEYS = {name: _key_of(name) for name in DICTIONARY.attributes}
