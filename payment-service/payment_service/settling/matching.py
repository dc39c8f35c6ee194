"""Which payment money belongs to, where M-Pesa does not say so."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Text, cast, func, or_, select
from sqlalchemy.orm import Session

from payment_service.models import COMPLETED, Payment
from payment_service.settling.books import has_only_said_receipt
from payment_service.settling.payers import Payer, payments_of

# The AccountReference of our prompts (`prompting.reference_of`): the end of the payment's id.
_REFERENCE = re.compile(r"[0-9a-f]{12}", re.ASCII)
# A prompt that was not answered within this time is not what somebody pays for now.
PAID_WITHIN = timedelta(hours=1)
CLOCKS_DIFFER = timedelta(minutes=2)


@dataclass(frozen=True, kw_only=True)
class Several:
    """Payments of several phones fit: nobody knows whose money it is."""

    count: int


def by_reference(session: Session, reference: str | None) -> UUID | None:
    """The payment whose prompt had this account reference."""
    written = (reference or "").strip().lower()
    if not _REFERENCE.fullmatch(written):
        return None
    ends_so = func.right(cast(Payment.id, Text), 12) == written
    return session.scalar(select(Payment.id).where(ends_so).limit(1))


def by_payer(
    session: Session, payer: Payer, amount: int, paid_at: datetime
) -> UUID | Several | None:
    """The prompt of this payer that was paid so: open, or confirmed by a query that told no
    receipt, or ended too early. Of several, the last one that was asked for before the payment.
    """
    wanted = (
        select(Payment.id, Payment.phone)
        .where(
            payments_of(payer),
            Payment.price == amount,
            Payment.source == "prompt",
            Payment.requested_at.between(paid_at - PAID_WITHIN, paid_at + CLOCKS_DIFFER),
            or_(Payment.status != COMPLETED, Payment.receipt.is_(None), has_only_said_receipt()),
        )
        .order_by((Payment.requested_at <= paid_at).desc(), Payment.requested_at.desc())
        .limit(20)
    )
    found = session.execute(wanted).all()
    phones = {payment.phone for payment in found}
    if len(phones) > 1:
        return Several(count=len(phones))
    return found[0].id if found else None
