"""Messages about payments: asked for, called back, completed."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from hotspot.bus.outcome import Reject
from hotspot.bus.upkeep import prune_bus
from hotspot.bus.work import Work
from hotspot.contract.operations import RotateLogs
from hotspot.contract.payments import (
    PaymentFailed,
    PaymentRequested,
    ProcessPaymentJob,
    PromptPhoneJob,
    RecordMpesaMessageJob,
    RecordStkCallbackJob,
    RequestPaymentJob,
    VoucherIssued,
)
from payment_service import journal, terms, vouchers
from payment_service.c2b import hold_money
from payment_service.models import COMPLETED, FAILED, PENDING, Payment, change
from payment_service.results import ALREADY_REQUESTED, NOT_FINAL, PAID, failure_of
from payment_service.settlement import NoSuchPayment, NotPaid, Paid, Verdict, hold, settle
from payment_service.stk import StkCallback, Unreadable, read_stk_callback


def request_payment(job: RequestPaymentJob, work: Work) -> None:
    """Record what a guest wants to buy, and have the phone prompted."""
    if _record_payment(job, work):
        work.send(
            PaymentRequested(
                payment_id=job.payment_id,
                phone=job.phone,
                package_id=job.package.package_id,
                price=job.package.price,
                requested_at=job.requested_at,
                router_id=job.router_id,
            )
        )
        work.send(PromptPhoneJob(payment_id=job.payment_id))
    elif not _exists(job.payment_id, work):
        _record_refused_repeat(job, work)


def record_stk_callback(job: RecordStkCallbackJob, work: Work) -> None:
    """Keep what M-Pesa said, whatever it is, and end the payment by it where it fits."""
    read = read_stk_callback(job.body)
    if isinstance(read, Unreadable):
        problem: str | None = read.reason
    else:
        problem = _settle_by_callback(job.payment_id, read, work)
    heard = journal.Heard(
        id=work.envelope.message_id,
        kind="stk_callback",
        payment_id=job.payment_id,
        body=job.body,
        source_address=job.source_address,
        received_at=job.received_at,
        result_code=read.result_code if isinstance(read, StkCallback) else None,
        problem=problem,
    )
    journal.keep(heard, work.session)


def record_mpesa_message(job: RecordMpesaMessageJob, work: Work) -> None:
    """Keep what M-Pesa said that answers no prompt; money that it names is put before a person."""
    heard = journal.Heard(
        id=work.envelope.message_id,
        kind=job.kind,
        payment_id=None,
        body=job.body,
        source_address=job.source_address,
        received_at=job.received_at,
        problem=_problem_of(job, work),
    )
    journal.keep(heard, work.session)


def process_payment(job: ProcessPaymentJob, work: Work) -> None:
    """Make the voucher that proves a completed payment: one, however often this runs."""
    sold = select(Payment.package).where(Payment.id == job.payment_id, Payment.status == COMPLETED)
    package = work.session.scalar(sold)
    if package is None:
        raise Reject(f"payment {job.payment_id} is not completed")
    voucher_id = vouchers.issue(
        work.session, payment_id=job.payment_id, package=package, now=work.now
    )
    if voucher_id is not None:
        work.send(
            VoucherIssued(voucher_id=voucher_id, payment_id=job.payment_id, issued_at=work.now)
        )


def rotate_logs(_job: RotateLogs, work: Work) -> None:
    """Forget which messages were handled long ago. Money, and what M-Pesa said, is kept."""
    prune_bus(work)


def _problem_of(job: RecordMpesaMessageJob, work: Work) -> str | None:
    """What a person should know about a message that answers no prompt, if anything."""
    if job.kind == "c2b_confirmation":
        return hold_money(job.body, work)
    return "answers no request of ours" if job.kind == "result" else None


def _record_payment(job: RequestPaymentJob, work: Work) -> bool:
    """False where this payment, or another one with its idempotency key, is recorded already."""
    recorded = insert(Payment).values(
        _row_of(job) | {"status": PENDING, "idempotency_key": job.idempotency_key}
    )
    added = work.session.execute(recorded.on_conflict_do_nothing().returning(Payment.id))
    return added.first() is not None


def _record_refused_repeat(job: RequestPaymentJob, work: Work) -> None:
    """Two requests raced with one idempotency key and unlike contents: one phone is prompted.

    The other one's page, which was told 202, must not wait for ever.
    """
    failure = ALREADY_REQUESTED
    refused = insert(Payment).values(
        _row_of(job)
        | {
            "status": FAILED,
            "prompt_state": "refused",
            "failure_code": failure.code,
            "failure_reason": failure.reason,
            "failed_at": work.now,
        }
    )
    work.session.execute(refused.on_conflict_do_nothing())
    work.send(
        PaymentFailed(
            payment_id=job.payment_id,
            status=failure.status,
            code=failure.code,
            reason=failure.reason,
            failed_at=work.now,
        )
    )


def _row_of(job: RequestPaymentJob) -> dict[str, object]:
    return {
        "id": job.payment_id,
        "phone": job.phone,
        "package": terms.to_json(job.package),
        "price": job.package.price.amount,
        "mac": job.mac,
        "ip": job.ip,
        "router_id": job.router_id,
        "link_login_only": job.link_login_only,
        "requested_at": job.requested_at,
        "prompt_state": "waiting",
        "prompt_attempt": 0,
    }


def _exists(payment_id: UUID, work: Work) -> bool:
    return work.session.scalar(select(Payment.id).where(Payment.id == payment_id)) is not None


def _settle_by_callback(payment_id: UUID, callback: StkCallback, work: Work) -> str | None:
    """Settle, and answer with what a person should know about this callback, if anything.

    Here is the place to ask whether a callback is proof enough: its token is unguessable and
    unlike for each payment; `source_address` is kept beside it.
    """
    try:
        is_ours = _answers_our_prompt(payment_id, callback, work)
        if callback.result_code in NOT_FINAL:
            return None
        if callback.result_code != PAID:
            if not is_ours:
                return "names another request than this payment's"
            failure = failure_of(callback.result_code)
            settle(payment_id, NotPaid(source="stk_callback", failure=failure), work)
            return None
        return _settle_success(payment_id, callback, is_ours, work)
    except NoSuchPayment as error:
        return str(error)


def _settle_success(
    payment_id: UUID, callback: StkCallback, is_ours: bool, work: Work
) -> str | None:
    """A success that does not fit is not served, and not dropped: it may be somebody's money."""
    problem = None
    if not is_ours:
        problem = "a success that names another request than this payment's"
    elif callback.receipt is None or callback.amount is None:
        problem = "a success without receipt or amount"
    if problem:
        hold(work.session, payment_id, problem)
        return problem
    paid = Paid(
        source="stk_callback",
        receipt=callback.receipt,
        amount=callback.amount,
        paid_at=callback.paid_at,
    )
    verdict = settle(payment_id, paid, work)
    return "its payment is held" if verdict is Verdict.HELD else None


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
