"""The payments that a browser may see: their claim tokens, in a cookie that scripts cannot read."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

COOKIE = "claims"
LIVES_SECONDS = 45 * 24 * 3600  # longer than a month's package runs
MOST = 3

_TOKEN = re.compile(r"[\w.-]{1,400}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Held:
    """A payment, its claim token, and when this browser asked for it (Unix seconds)."""

    payment_id: UUID
    began: int
    token: str


def held_in(cookie: str) -> tuple[Held, ...]:
    """The claims in a cookie, the newest first. What makes no sense is left out."""
    found = (_held(text) for text in cookie.split("|")[:MOST])
    return tuple(one for one in found if one is not None)


def cookie_with(new: Held, others: Sequence[Held]) -> str:
    """The cookie with one more claim; the oldest goes where there are too many."""
    rest = [one for one in others if one.payment_id != new.payment_id]
    kept = (new, *rest)[:MOST]
    return "|".join(f"{one.payment_id.hex}:{one.began}:{one.token}" for one in kept)


def _held(text: str) -> Held | None:
    payment_id, _, rest = text.partition(":")
    began, _, token = rest.partition(":")
    if not began.isascii() or not began.isdigit() or not _TOKEN.fullmatch(token):
        return None
    try:
        return Held(payment_id=UUID(payment_id), began=int(began), token=token)
    except ValueError:
        return None
