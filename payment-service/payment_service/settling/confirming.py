"""What M-Pesa's final answer to a query means for a payment, and for what others said of it."""

from dataclasses import replace
from uuid import UUID

from sqlalchemy import select

from hotspot.bus.work import Work
from payment_service.models import Payment, Receipt
from payment_service.mpesa.results import PAID, failure_of
from payment_service.settling import hearsay
from payment_service.settling.hearsay import Said
from payment_service.settling.settlement import NotPaid, Paid, hold, settle


def answered(payment_id: UUID, checkout_request_id: str, result_code: str, work: Work) -> None:
    """Settle by the answer. A query tells no receipt: what an unknown source said of it is used
    where M-Pesa confirms the payment, and is for a person to see where it does not."""
    said = hearsay.said_of(work.session, payment_id, checkout_request_id)
    if result_code == PAID:
        _paid(payment_id, said, work)
        hearsay.answer(work.session, payment_id, hearsay.CONFIRMED, work.now)
        return
    failure = failure_of(result_code)
    settle(payment_id, NotPaid(source="stk_query", failure=failure), work)
    if said:
        denied = f"said to be paid by {_named(said)}, which M-Pesa denies (code {result_code})"
        hold(work.session, payment_id, denied)
        hearsay.answer(work.session, payment_id, result_code, work.now)


def _paid(payment_id: UUID, said: list[Said], work: Work) -> None:
    wanted = select(Payment.price, Payment.receipt).where(Payment.id == payment_id)
    payment = work.session.execute(wanted.with_for_update()).one()
    paid = Paid(source="stk_query")
    if payment.receipt is not None:
        said = []  # M-Pesa itself told the receipt while it was asked
    if len(said) > 1:
        hold(work.session, payment_id, f"paid, but it is not clear by which of {_named(said)}")
    elif said and not _is_of_another(said[0].receipt, payment_id, work):
        (told,) = said
        # The books have only what is money for certain: another amount than the prompt's is not.
        receipt = told.receipt if told.amount.amount == payment.price else None
        paid = replace(paid, receipt=receipt, amount=told.amount, paid_at=told.paid_at)
    settle(payment_id, paid, work)


def _is_of_another(receipt: str, payment_id: UUID, work: Work) -> bool:
    """Nobody's word takes the receipt of another payment, or keeps this one from its guest."""
    credited = work.session.scalar(select(Receipt.payment_id).where(Receipt.receipt == receipt))
    if credited in (None, payment_id):
        return False
    hold(work.session, payment_id, f"said to be paid by {receipt}, which paid for another payment")
    return True


def _named(said: list[Said]) -> str:
    return ", ".join(one.receipt for one in said[:5])
