"""The page of one payment: waiting, logging in, online, or why not."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlencode
from uuid import UUID

from gateway.portal.asking import Asking, Wrong
from gateway.portal.claims import Held
from gateway.portal.guest import Door, Guest
from gateway.portal.left import Left, Remaining
from gateway.portal.progress import Progress, Stage, Step, progress_of
from gateway.portal.settings import PortalSettings
from gateway.portal.words import Words

_WAITING = (Stage.PROMPTED, Stage.CLAIMED, Stage.REDEEMED, Stage.PAID)


@dataclass(frozen=True, kw_only=True)
class Flags:
    """What the address of the page says beside the payment.

    `logged_in`: the router sent the browser back. `sent_here`: the router wants a login.
    `refused`: the key of our words for why it refused one.
    """

    logged_in: bool = False
    sent_here: bool = False
    refused: str | None = None

    @classmethod
    def of(cls, arguments: Mapping[str, str]) -> "Flags":
        """From a query string."""
        refused = arguments.get("error", "")
        return cls(
            logged_in="in" in arguments,
            sent_here="go" in arguments,
            refused=refused if refused.isalpha() and refused.isascii() else None,
        )

    @property
    def query(self) -> dict[str, str]:
        """As a query string says it again."""
        said = {"in": "1" if self.logged_in else "", "go": "1" if self.sent_here else ""}
        return {name: value for name, value in said.items() if value} | (
            {"error": self.refused} if self.refused else {}
        )


@dataclass(frozen=True, kw_only=True)
class Look:
    """How the page keeps itself up to date. `every`: seconds, by script; `refresh`: without."""

    here: str
    source: str
    every: int | None
    refresh: int | None
    live: bool


def address_of(payment_id: UUID, **arguments: str) -> str:
    """The page of a payment."""
    query = f"?{urlencode(arguments)}" if arguments else ""
    return f"/status/{payment_id}{query}"


def look_of(payment: Progress, flags: Flags) -> Look:
    """A payment that waits is watched, one that failed may still be paid, one online runs out."""
    waits = payment.stage in _WAITING
    every = {Stage.READY: 5, Stage.ONLINE: 60, Stage.FAILED: 20, Stage.ENDED: None}
    refresh = {Stage.READY: None, Stage.ONLINE: 60, Stage.FAILED: 30, Stage.ENDED: None}
    return Look(
        here=address_of(payment.payment_id, **flags.query),
        source=address_of(payment.payment_id, **flags.query, part="1"),
        every=3 if waits else every[payment.stage],
        refresh=3 if waits else refresh[payment.stage],
        live=waits,
    )


def door_of(payment: Progress, guest: Guest, flags: Flags, settings: PortalSettings) -> Door:
    """The login of this payment: by itself where the router is one of ours and did not refuse."""
    back = address_of(payment.payment_id, **{"in": "1"})
    door = guest.door(settings, back=back, login=payment.login)
    by_itself = (
        payment.stage is Stage.READY and door.trusted and not door.guessed and not flags.refused
    )
    once = f"{payment.payment_id.hex} {guest.place.arrived}"
    return replace(door, once=once if by_itself else None)


def read(payment: Mapping[str, object], flags: Flags, phone: str) -> Progress:
    """A payment with the steps that this guest can take."""
    progress = progress_of(payment, logged_in=flags.logged_in, sent_here=flags.sent_here)
    steps = progress.steps
    if not phone and Step.AGAIN in steps:
        # Nothing can be sent again without a number: it is asked for, once.
        asked = [Step.NUMBER if one is Step.AGAIN else one for one in steps]
        steps = tuple(dict.fromkeys(asked))
    return replace(progress, steps=steps)


def active_of(asking: Asking, guest: Guest) -> Progress | None:
    """The newest payment of this browser that is not over."""
    for held in guest.held:
        found = asking.payment(held.payment_id, held.token)
        if not isinstance(found, Wrong):
            payment = read(found, Flags(), guest.phone)
            if payment.is_active:
                return payment
    return None


def waiting_page(active: Progress | None) -> str | None:
    """The page of access that was paid for and waits to be used: nobody should pay twice for it."""
    if active is None or active.stage not in (Stage.PAID, Stage.READY):
        return None
    return address_of(active.payment_id)


def heading_of(payment: Progress, words: Words) -> str:
    """The first line of the page."""
    if payment.stage is Stage.FAILED:
        return words.or_other("failed", payment.failure, ".title")
    if payment.is_silent:
        return words("silent.title")
    section = "wait" if payment.stage is Stage.PROMPTED else payment.stage.value
    return words(f"{section}.title")


def failure_of(payment: Progress, words: Words) -> str:
    """Why there is no access, and whether money left: in our words, else in payment-service's."""
    known = words.texts.get(f"failed.{payment.failure}.text")
    return known or payment.said or words("failed.other.text")


def left_of(payment: Progress, remaining: Remaining, now: datetime) -> Left | None:
    """What is left of the access: as RADIUS counts it, else until when it was sold."""
    if payment.stage is not Stage.ONLINE:
        return None
    counted = remaining.to(now, username=payment.username) if payment.username else None
    if counted is not None and counted.state != "none":
        return counted
    if payment.until is None:
        return None
    seconds = max(0, int((payment.until - now).total_seconds()))
    return Left(state="online", until=payment.until, seconds=seconds)


def key_of(held: Held) -> str:
    """The key of trying once more: the same on each look at the page, and nobody can guess it."""
    return hashlib.sha256(f"again {held.token}".encode()).hexdigest()[:40]
