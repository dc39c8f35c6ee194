"""Who paid, as far as M-Pesa tells: a number in the clear, its hash, or its first and last digits.

C2B v1 sends a SHA-256 in hex, v2 a mask (`2547 ***** 126`), old contracts the number itself.
"""

import hashlib
import re
from dataclasses import dataclass

from sqlalchemy import ColumnElement, false

from hotspot.phone import InvalidPhone, normalize
from payment_service.models import Payment, hashed
from payment_service.mpesa.stk import identifier_of

_DIGITS = 12  # 254 and nine more
_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MASK = re.compile(r"(\d{1,9})[\s*x]*[*x][\s*x]*(\d{1,9})", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Payer:
    """At most one of the three is told."""

    phone: str | None = None
    hashed: str | None = None
    masked: str | None = None

    @property
    def told(self) -> str | None:
        """What was told, as it is kept."""
        return self.phone or self.hashed or self.masked


def read_payer(msisdn: object) -> Payer:
    """Whom an MSISDN field means. What is none of the three names nobody."""
    text = identifier_of(msisdn) or ""
    if _HASH.fullmatch(text.lower()):
        return Payer(hashed=text.lower())
    if _MASK.fullmatch(text):
        return Payer(masked=text)
    try:
        return Payer(phone=normalize(text))
    except InvalidPhone:
        return Payer()


def is_same(payer: str | None, phone: str) -> bool | None:
    """Whether a payer, as kept with a receipt, may be this phone; None where nobody is named."""
    told = read_payer(payer)
    if told.hashed:
        return hashlib.sha256(phone.encode()).hexdigest() == told.hashed
    ends = _ends(told.masked)
    if ends:
        return phone.startswith(ends[0]) and phone.endswith(ends[1])
    return told.phone == phone if told.phone else None


def payments_of(payer: Payer) -> ColumnElement[bool]:
    """The payments of this payer's phone; with a mask, of all phones that look so."""
    if payer.phone:
        return Payment.phone == payer.phone
    if payer.hashed:
        return hashed(Payment.phone) == payer.hashed  # type: ignore[arg-type]
    ends = _ends(payer.masked)
    if ends:
        return Payment.phone.like(ends[0] + "_" * (_DIGITS - sum(map(len, ends))) + ends[1])
    return false()


def _ends(masked: str | None) -> tuple[str, str] | None:
    """The digits before and behind a mask; None where they are no part of a phone number."""
    fits = _MASK.fullmatch(masked or "")
    if fits is None or len(fits[1]) + len(fits[2]) >= _DIGITS:
        return None
    return fits[1], fits[2]
