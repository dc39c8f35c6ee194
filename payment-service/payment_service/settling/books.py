"""The books: each receipt once, and the payment that it is credited to.

A receipt that only an unknown source named gives way to M-Pesa's own word: it keeps neither another
payment from its receipt nor its payment from the true one.
"""

from uuid import UUID

from sqlalchemy import Boolean, ColumnElement, exists, func, literal_column, select
from sqlalchemy.dialects.postgresql import insert

from hotspot.bus.work import Work
from hotspot.ids import new_id
from payment_service.models import Payment, Receipt, change
from payment_service.settling.news import Paid, Source

_ONLY_SAID: Source = "stk_query"  # see `Paid`
NOT_TRUE = "an unknown source named it; M-Pesa named another"
# Whether PostgreSQL inserted a row, or found one and updated it.
_IS_NEW = literal_column("(receipts.xmax = 0)", Boolean)


def claim(payment_id: UUID, paid: Paid, receipt: str, work: Work) -> bool:
    """Credit a receipt to this payment, unless it was ever credited before.

    One that is held and credited to nobody may be: C2B told of it before the prompt's callback did.
    """
    new = insert(Receipt).values(
        receipt=receipt,
        id=new_id(),
        payment_id=payment_id,
        amount=paid.amount.amount if paid.amount else None,
        left_over=paid.left_over,
        source=paid.source,
        paid_at=paid.paid_at,
        recorded_at=work.now,
    )
    is_nobodys: ColumnElement[bool] = Receipt.payment_id.is_(None)
    if paid.receipt_is_certain:
        is_nobodys |= (Receipt.source == _ONLY_SAID) & (Receipt.payment_id != payment_id)
    claimed = work.session.execute(
        new.on_conflict_do_update(
            index_elements=[Receipt.receipt],
            set_={
                "payment_id": payment_id,
                "source": paid.source,
                "amount": func.coalesce(new.excluded.amount, Receipt.amount),
                "paid_at": func.coalesce(new.excluded.paid_at, Receipt.paid_at),
                "left_over": paid.left_over,
                "held": None,
            },
            where=is_nobodys & Receipt.reversed_at.is_(None),
        ).returning(_IS_NEW)
    )
    is_new = claimed.scalar()
    if is_new is False and paid.receipt_is_certain:
        # Another payment may have it: paid that is all the same, for M-Pesa said so.
        other = change(Payment).where(Payment.receipt == receipt, Payment.id != payment_id)
        work.session.execute(other.values(receipt=None))
    return is_new is not None


def is_credited_to(payment_id: UUID, paid: Paid, receipt: str, work: Work) -> bool:
    """Whether a receipt is this payment's already; M-Pesa's own word makes that certain."""
    known = select(Receipt.payment_id).where(Receipt.receipt == receipt)
    if work.session.scalar(known) != payment_id:
        return False
    if paid.receipt_is_certain:
        said = change(Receipt).where(Receipt.receipt == receipt, Receipt.source == _ONLY_SAID)
        work.session.execute(said.values(source=paid.source))
    return True


def fill_in(payment_id: UUID, paid: Paid, work: Work) -> bool:
    """Give a completed payment the receipt that it lacks. False where it has one for certain."""
    lacks: ColumnElement[bool] = Payment.receipt.is_(None)
    if paid.receipt_is_certain:
        lacks |= has_only_said_receipt()
    before = work.session.execute(
        select(Payment.receipt).where(Payment.id == payment_id, lacks)
    ).one_or_none()
    if before is None:
        return False
    filled = change(Payment).where(Payment.id == payment_id)
    work.session.execute(filled.values(receipt=paid.receipt, paid_at=paid.paid_at))
    if before.receipt is not None:
        untrue = change(Receipt).where(Receipt.receipt == before.receipt)
        work.session.execute(untrue.values(payment_id=None, amount=0, held=NOT_TRUE))
    return True


def has_only_said_receipt() -> ColumnElement[bool]:
    """Of a payment: only an unknown source told its receipt."""
    return exists().where(Receipt.receipt == Payment.receipt, Receipt.source == _ONLY_SAID)
