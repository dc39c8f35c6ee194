"""Attributes by name: the dictionary, and how one attribute looks in a packet."""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from pyrad.dictionary import Dictionary

DICTIONARY = Dictionary(str(Path(__file__).with_name("dictionary")))

Value = str | int | bytes
Attributes = Sequence[tuple[str, Value]]
Key = int | tuple[int, int]  # an attribute's number; of a vendor's, with the vendor's before it

VENDOR_SPECIFIC = 26
_LONGEST_TEXT = 240
# What is sent differs little from guest to guest.
_REMEMBERED = 4096


def _key_of(name: str) -> Key:
    known = DICTIONARY.attributes[name]
    code: int = known.code
    return (DICTIONARY.vendors.GetForward(known.vendor), code) if known.vendor else code


KEYS: dict[str, Key] = {name: _key_of(name) for name in DICTIONARY.attributes}


@lru_cache(_REMEMBERED)
def reply_item(name: str, text: str) -> tuple[str, Value] | None:
    """An attribute as the database keeps it; None where it cannot be sent."""
    known = DICTIONARY.attributes.get(name)
    if known is None:
        return None
    if known.type == "integer":
        number = known.values.HasForward(text) or (text.isascii() and text.isdigit())
        fits = number and (not text.isdigit() or int(text) < 2**32)
        return (name, int(text) if text.isdigit() else text) if fits else None
    if known.type == "ipaddr":
        return (name, text) if is_ipv4(text) else None
    if known.type not in ("string", "octets") or not 0 < len(text.encode()) <= _LONGEST_TEXT:
        return None
    return (name, text.encode() if known.type == "octets" else text)


@lru_cache(_REMEMBERED)
def encoded(name: str, value: Value) -> bytes:
    """An attribute in bytes (RFC 2865 sections 5 and 5.26). It must be one that can be sent."""
    key = KEYS[name]
    raw = _raw(name, value)
    if isinstance(key, int):
        return bytes((key, len(raw) + 2)) + raw
    vendor, code = key
    return (
        bytes((VENDOR_SPECIFIC, len(raw) + 8))
        + vendor.to_bytes(4)
        + bytes((code, len(raw) + 2))
        + raw
    )


def is_ipv4(text: str) -> bool:
    """Whether this is an IPv4 address."""
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


def _raw(name: str, value: Value) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, int):
        return value.to_bytes(4)
    known = DICTIONARY.attributes[name]
    if known.type == "integer":
        number: bytes = known.values.GetForward(value)  # pyrad keeps them encoded
        return number
    if known.type == "ipaddr":
        return ipaddress.IPv4Address(value).packed
    return value.encode()
