"""What messages from unknown sources say of money: kept, and nobody's until M-Pesa confirms it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hotspot.contract.money import Money
from payment_service.models import COMPLETED, Hearsay, Payment, Receipt, change

# What became of it, where no result code says so.
CONFIRMED, SILENCE = "confirmed", "silence"


@dataclass(frozen=True, kw_only=True)
class Said:
    """A receipt and its amount, as somebody said."""

    receipt: str
    amount: Money
    paid_at: datetime | None


def keep(session: Session, **row: object) -> None:
    """Write it down, once: `id` is the message's."""
    session.execute(insert(Hearsay).values(row).on_conflict_do_nothing())


def is_known(session: Session, receipt: str) -> bool:
    """Whether somebody spoke of this receipt before."""
    found = select(Hearsay.id).where(Hearsay.receipt == receipt).limit(1)
    return session.execute(found).first() is not None


def is_open(session: Session, payment_id: UUID) -> bool:
    """Whether M-Pesa has yet to say if a payment was paid as somebody said."""
    return session.execute(select(Hearsay.id).where(_open(payment_id)).limit(1)).first() is not None


def said_of(session: Session, payment_id: UUID, checkout_request_id: str | None) -> list[Said]:
    """What was said of a payment's prompt and not answered, each receipt once, the first first."""
    is_of_prompt = (Hearsay.checkout_request_id == checkout_request_id) | (
        Hearsay.kind == "c2b_confirmation"
    )
    rows = session.execute(
        select(Hearsay.receipt, Hearsay.amount, Hearsay.paid_at)
        .where(_open(payment_id), is_of_prompt)
        .order_by(Hearsay.heard_at, Hearsay.id)
    )
    said: dict[str, Said] = {}
    for row in rows:
        one = Said(receipt=row.receipt, amount=Money(amount=row.amount), paid_at=row.paid_at)
        said.setdefault(row.receipt, one)
    return list(said.values())


def answer(session: Session, payment_id: UUID, what: str, now: datetime) -> None:
    """M-Pesa said what became of a payment: nothing said of it is open any more."""
    session.execute(
        change(Hearsay).where(_open(payment_id)).values(answered_at=now, answer=what[:200])
    )


def let_go(session: Session, payment_id: UUID) -> list[str]:
    """Part what was said from a payment whose prompt M-Pesa cannot be asked about; the receipts.

    They are in sight as receipts that nobody has proven (`receipts`), and may be asked for.
    """
    said = change(Hearsay).where(_open(payment_id)).values(payment_id=None)
    return sorted(set(session.scalars(said.returning(Hearsay.receipt))))


def open_since(session: Session, receipt: str) -> datetime | None:
    """Since when nobody has confirmed or denied a receipt that no payment of ours waits for."""
    return session.scalar(select(func.min(Hearsay.heard_at)).where(_alone(receipt)))


def deny(session: Session, receipt: str, what: str, now: datetime) -> None:
    """M-Pesa says that there is no such money of ours."""
    session.execute(change(Hearsay).where(_alone(receipt)).values(answered_at=now, answer=what))


def confirm_known(session: Session, now: datetime) -> None:
    """Close what came true by another way: its receipt is in the books."""
    session.execute(
        change(Hearsay)
        .where(Hearsay.answered_at.is_(None), Hearsay.receipt.in_(select(Receipt.receipt)))
        .values(answered_at=now, answer=CONFIRMED)
    )


def give_up(session: Session, before: datetime, now: datetime) -> list[tuple[UUID, str]]:
    """Close what M-Pesa did not answer in time.

    Answers the payments that are not completed all the same, with the receipt that was named.
    """
    closed = session.execute(
        change(Hearsay)
        .where(Hearsay.answered_at.is_(None), Hearsay.heard_at < before)
        .values(answered_at=now, answer=SILENCE)
        .returning(Hearsay.payment_id, Hearsay.receipt)
    )
    named = {row.receipt: row.payment_id for row in closed if row.payment_id is not None}
    unpaid = select(Payment.id).where(Payment.id.in_(named.values()), Payment.status != COMPLETED)
    waiting = set(session.scalars(unpaid)) if named else set()
    return [(payment_id, receipt) for receipt, payment_id in named.items() if payment_id in waiting]


def _open(payment_id: UUID) -> ColumnElement[bool]:
    return (Hearsay.payment_id == payment_id) & Hearsay.answered_at.is_(None)


def _alone(receipt: str) -> ColumnElement[bool]:
    is_open = Hearsay.answered_at.is_(None)
    return (Hearsay.receipt == receipt) & Hearsay.payment_id.is_(None) & is_open
