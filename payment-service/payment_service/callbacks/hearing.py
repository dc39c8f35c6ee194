"""What M-Pesa says by itself: kept as it came, believed where it may be, and acted upon."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from sqlalchemy import select

from hotspot.bus.work import Work
from hotspot.contract.payments import RecordMpesaMessageJob, RecordStkCallbackJob
from payment_service.callbacks import journal
from payment_service.callbacks.answers import record_result
from payment_service.callbacks.sources import Trust
from payment_service.models import COMPLETED, AnyRow, Payment, change
from payment_service.mpesa.results import NOT_FINAL, PAID, failure_of
from payment_service.mpesa.stk import StkCallback, Unreadable, read_stk_callback
from payment_service.prompts.asking import ask_now
from payment_service.settling import hearsay
from payment_service.settling.c2b import hear_confirmation
from payment_service.settling.settlement import NoSuchPayment, NotPaid, Paid, Verdict, hold, settle

ANOTHER_REQUEST = "names another request than this payment's"

# What a person should know about a message of M-Pesa's, if anything.
Problem = str | None


def record_stk_callback(trust: Trust) -> Callable[[RecordStkCallbackJob, Work], None]:
    """The handler of RecordStkCallbackJob."""

    def record(job: RecordStkCallbackJob, work: Work) -> None:
        """Keep what M-Pesa said, whatever it is, and end the payment by it where it fits."""
        read = read_stk_callback(job.body)
        heard = journal.Heard(
            id=work.envelope.message_id,
            kind="stk_callback",
            payment_id=job.payment_id,
            body=job.body,
            source_address=job.source_address,
            received_at=job.received_at,
            result_code=read.result_code if isinstance(read, StkCallback) else None,
            problem=_hear(job, read, trust, work),
        )
        journal.keep(heard, work.session)

    return record


def record_mpesa_message(
    trust: Trust, ours: frozenset[str] = frozenset()
) -> Callable[[RecordMpesaMessageJob, Work], None]:
    """The handler of RecordMpesaMessageJob. `ours` are our shortcodes."""

    def record(job: RecordMpesaMessageJob, work: Work) -> None:
        """Keep what M-Pesa said that answers no prompt, and the money that it names."""
        heard = journal.Heard(
            id=work.envelope.message_id,
            kind=job.kind,
            payment_id=None,
            body=job.body,
            source_address=job.source_address,
            received_at=job.received_at,
            problem=_problem_of(job, trust, ours, work),
        )
        journal.keep(heard, work.session)

    return record


def _problem_of(
    job: RecordMpesaMessageJob, trust: Trust, ours: frozenset[str], work: Work
) -> Problem:
    if job.kind == "c2b_confirmation":
        return hear_confirmation(job, trust, work)
    return record_result(job, trust, ours, work) if job.kind == "result" else None


def _hear(
    job: RecordStkCallbackJob, read: StkCallback | Unreadable, trust: Trust, work: Work
) -> Problem:
    if isinstance(read, Unreadable):
        return read.reason
    is_hearsay = trust.needs_proof(job.source_address)
    try:
        if read.result_code in NOT_FINAL:
            return None
        return (_doubt if is_hearsay else _believe)(job, read, work)
    except NoSuchPayment as error:
        return str(error)


def _believe(job: RecordStkCallbackJob, callback: StkCallback, work: Work) -> Problem:
    """Settle by what M-Pesa said."""
    is_ours = _answers_our_prompt(job.payment_id, callback, work)
    if callback.result_code == PAID:
        return _settle_success(job.payment_id, callback, is_ours, work)
    if not is_ours:
        return ANOTHER_REQUEST
    failure = failure_of(callback.result_code)
    settle(job.payment_id, NotPaid(source="stk_callback", failure=failure), work)
    return None


def _settle_success(payment_id: UUID, callback: StkCallback, is_ours: bool, work: Work) -> Problem:
    """A success that does not fit is not served, and not dropped: it may be somebody's money."""
    problem = None
    if not is_ours:
        problem = "a success that names another request than this payment's"
    elif callback.receipt is None or callback.amount is None:
        problem = "a success without receipt or amount"
    if problem:
        hold(work.session, payment_id, problem)
        return problem
    verdict = settle(payment_id, _paid(callback), work)
    return "its payment is held" if verdict is Verdict.HELD else None


def _doubt(job: RecordStkCallbackJob, callback: StkCallback, work: Work) -> Problem:
    """From an unknown source: neither served nor ended by it, but M-Pesa is asked at once.

    It never names the payment's request (`_answers_our_prompt`): a stranger could name one that
    was paid for something cheaper.
    """
    payment = _payment(job.payment_id, work)
    known, named = payment.checkout_request_id, callback.checkout_request_id
    if known is not None and known != named:
        return ANOTHER_REQUEST
    if payment.status == COMPLETED:
        return _fill_receipt(payment, callback, work)
    if callback.result_code == PAID and callback.receipt and callback.amount:
        hearsay.keep(
            work.session,
            id=work.envelope.message_id,
            kind="stk_callback",
            payment_id=payment.id,
            checkout_request_id=named,
            receipt=callback.receipt,
            amount=callback.amount.amount,
            paid_at=callback.paid_at,
            source_address=job.source_address,
            heard_at=work.now,
        )
    ask_now(payment.id, work)
    return None


def _fill_receipt(payment: AnyRow, callback: StkCallback, work: Work) -> Problem:
    """M-Pesa confirmed the payment before, by a query that tells no receipt: here it is."""
    tells = callback.result_code == PAID and callback.receipt is not None
    is_its_price = callback.amount is not None and callback.amount.amount == payment.price
    if payment.receipt is None and tells and is_its_price:
        settle(payment.id, replace(_paid(callback), source="stk_query"), work)
    elif tells and payment.receipt != callback.receipt:
        return "an unknown source names another receipt than this payment's"
    return None


def _paid(callback: StkCallback) -> Paid:
    return Paid(
        source="stk_callback",
        receipt=callback.receipt,
        amount=callback.amount,
        paid_at=callback.paid_at,
    )


def _payment(payment_id: UUID, work: Work) -> AnyRow:
    """What a callback is compared with. Raises NoSuchPayment."""
    wanted = select(
        Payment.id,
        Payment.status,
        Payment.price,
        Payment.receipt,
        Payment.checkout_request_id,
    ).where(Payment.id == payment_id)
    payment = work.session.execute(wanted.with_for_update()).one_or_none()
    if payment is None:
        raise NoSuchPayment(f"there is no payment {payment_id}")
    return payment


def _answers_our_prompt(payment_id: UUID, callback: StkCallback, work: Work) -> bool:
    """Whether a callback names the request that M-Pesa took from us for this payment.

    Where it comes before M-Pesa's reply to that request, it is the first to name it.
    """
    if callback.checkout_request_id is not None:
        adopted = (
            change(Payment)
            .where(Payment.id == payment_id, Payment.checkout_request_id.is_(None))
            .values(
                checkout_request_id=callback.checkout_request_id,
                merchant_request_id=callback.merchant_request_id,
            )
            .returning(Payment.id)
        )
        if work.session.execute(adopted).first() is not None:
            return True
    wanted = select(Payment.checkout_request_id).where(Payment.id == payment_id)
    known = work.session.execute(wanted).first()
    if known is None:
        raise NoSuchPayment(f"there is no payment {payment_id}")
    return known.checkout_request_id is not None and (
        known.checkout_request_id == callback.checkout_request_id
    )
