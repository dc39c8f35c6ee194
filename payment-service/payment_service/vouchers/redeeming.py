"""What typing a voucher's code does: a decision, for the route that asks and for the handler."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, func, select
from sqlalchemy.orm import Session

from hotspot.clock import NAIROBI
from hotspot.ids import new_id
from payment_service.access import ENDED
from payment_service.models import Access, AnyRow, Payment, Voucher
from payment_service.prompts.orders import derived_id


@dataclass(frozen=True, kw_only=True)
class Guest:
    """Who typed a code, as far as that is known. `key`: the Idempotency-Key of the request."""

    phone: str | None = None
    mac: str | None = None
    ip: str | None = None
    router_id: str | None = None
    link_login_only: str | None = None
    key: str | None = None


@dataclass(frozen=True, kw_only=True)
class Give:
    """Nobody used this voucher: it gives its access, under this payment's id."""

    payment_id: UUID


@dataclass(frozen=True, kw_only=True)
class Show:
    """This guest has the access already: this payment's, which moves to the guest's device."""

    payment_id: UUID


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why a voucher gives nothing: a stable code, and a sentence for the guest."""

    code: str
    reason: str


USED_UP = Refusal(code="voucher_used_up", reason="The access of this voucher is used up.")
REVERSED = Refusal(
    code="voucher_reversed", reason="The money that was paid for this voucher went back."
)
CANCELLED = Refusal(
    code="voucher_cancelled",
    reason="This voucher is not valid any more: ask where you bought it.",
)


def find(source: Connection | Session, which: ColumnElement[bool]) -> AnyRow | None:
    """A voucher, with the payment that has its access and how far that is."""
    return source.execute(_wanted().where(which)).first()


def decide(voucher: AnyRow, guest: Guest, now: datetime) -> Give | Show | Refusal:
    """What typing a voucher's code does for this guest.

    The proof of a payment shows and moves its access, whoever holds it. A voucher of a batch does
    so for the guest who redeemed it: the same device, phone or request.
    """
    if voucher.payment_id is not None:
        return over(voucher, now) or Show(payment_id=voucher.payment_id)
    payment_id = redemption_id(voucher.id, guest)
    if voucher.redeemed_at is not None:
        if not _is_the_same(voucher, guest, payment_id):
            return Refusal(
                code="voucher_used",
                reason=f"This voucher was used already, on {said(voucher.redeemed_at)}.",
            )
        return over(voucher, now) or Show(payment_id=voucher.redeemed_payment_id)
    if voucher.cancelled_at is not None:
        return CANCELLED
    if voucher.expires_at is not None and voucher.expires_at <= now:
        return Refusal(
            code="voucher_expired",
            reason=f"This voucher expired on {said(voucher.expires_at)}.",
        )
    return Give(payment_id=payment_id)


def redemption_id(voucher_id: UUID, guest: Guest) -> UUID:
    """The payment under which a guest gets a voucher's access: two taps on a button are one."""
    who = guest.mac or guest.phone or guest.key
    if who is None:
        return new_id()
    return derived_id([voucher_id.hex, who], milliseconds=voucher_id.int >> 80)


def _wanted() -> Select[*tuple[Any, ...]]:
    has_access = func.coalesce(Voucher.payment_id, Voucher.redeemed_payment_id)
    return (
        select(
            Voucher.id,
            Voucher.package,
            Voucher.payment_id,
            Voucher.expires_at,
            Voucher.redeemed_at,
            Voucher.redeemed_payment_id,
            Voucher.cancelled_at,
            Payment.phone,
            Payment.reversed_at,
            func.coalesce(Access.mac, Payment.mac).label("mac"),
            Access.state,
            Access.until,
        )
        .join(Payment, Payment.id == has_access, isouter=True)
        .join(Access, Access.payment_id == Payment.id, isouter=True)
    )


def _is_the_same(voucher: AnyRow, guest: Guest, payment_id: UUID) -> bool:
    return (
        payment_id == voucher.redeemed_payment_id
        or (guest.mac is not None and guest.mac == voucher.mac)
        or (guest.phone is not None and guest.phone == voucher.phone)
    )


def over(voucher: AnyRow, now: datetime) -> Refusal | None:
    if voucher.reversed_at is not None:
        return REVERSED
    is_spent = voucher.until is not None and voucher.until <= now
    return USED_UP if voucher.state == ENDED or is_spent else None


def said(moment: datetime) -> str:
    """As people in Kenya say it: 15 January 2026 at 12:00."""
    local = moment.astimezone(NAIROBI)
    return f"{local.day} {local:%B %Y} at {local:%H:%M}"
