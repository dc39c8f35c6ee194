"""The usual packets of a hotspot, without pyrad, which costs ten times as much (ADR 0017).

What is usual is decided in `packets.py`; what is not is left to pyrad, and both answer alike.
"""

import hashlib
import hmac
from functools import lru_cache

from radius_service.attributes import VENDOR_SPECIFIC, Attributes, Key, encoded

HEADER = 20

_BLOCK = 64  # of MD5

_UNUSUAL = frozenset({
    24,  # State: a login of several steps
    33,  # Proxy-State: comes back in the reply
    79,  # EAP-Message
})  # fmt: skip
_FIRST_EXTENDED = 241  # RFC 6929: another form of attribute


def values_of(walked: list[tuple[int, bytes]]) -> dict[Key, list[bytes]] | None:
    """Attributes by their numbers; None where they are not the usual ones."""
    values: dict[Key, list[bytes]] = {}
    for code, value in walked:
        key: Key = code
        raw = value
        if code == VENDOR_SPECIFIC:
            # One attribute of a vendor, of the length that it says (RFC 2865 section 5.26).
            if len(value) < 6 or value[5] != len(value) - 4:
                return None
            key, raw = (int.from_bytes(value[:4]), value[4]), value[6:]
        elif code in _UNUSUAL or code >= _FIRST_EXTENDED:
            return None
        if key in values:
            return None
        values[key] = [raw]
    return values


def is_signed(whole: bytes, *, at: int, secret: bytes) -> bool:
    """Whether an Access-Request's Message-Authenticator, whose value is `at`, is right.

    HMAC-MD5 over the packet with that value zeroed (RFC 3579 section 3.2).
    """
    zeroed = whole[:at] + bytes(16) + whole[at + 16 :]
    return hmac.compare_digest(_signature(zeroed, secret), whole[at : at + 16])


def is_accounting_signed(whole: bytes, *, secret: bytes) -> bool:
    """The Request Authenticator of accounting is a hash with the secret (RFC 2866 section 3)."""
    return hmac.compare_digest(_md5(whole[:4] + bytes(16) + whole[20:] + secret), whole[4:20])


def reply(
    *,
    code: int,
    identifier: int,
    authenticator: bytes,
    secret: bytes,
    attributes: Attributes,
    signed: bool,
) -> bytes:
    """A reply in bytes, `signed` with a Message-Authenticator before all else."""
    rest = b"".join([encoded(name, value) for name, value in attributes])
    length = HEADER + len(rest) + (18 if signed else 0)
    head = bytes((code, identifier)) + length.to_bytes(2)
    if signed:
        unsigned = head + authenticator + b"\x50\x12" + bytes(16) + rest
        rest = b"\x50\x12" + _signature(unsigned, secret) + rest
    return head + _md5(head + authenticator + rest + secret) + rest


def _signature(message: bytes, secret: bytes) -> bytes:
    """HMAC-MD5 (RFC 2104). `hmac.digest` lets go of the interpreter's lock: with several threads
    at work, getting it back costs ten times as much as the digest.
    """
    inner, outer = _pads(secret)
    return _md5(outer + _md5(inner + message))


@lru_cache(1024)
def _pads(secret: bytes) -> tuple[bytes, bytes]:
    key = (_md5(secret) if len(secret) > _BLOCK else secret).ljust(_BLOCK, b"\0")
    return bytes(one ^ 0x36 for one in key), bytes(one ^ 0x5C for one in key)


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()
