"""Messages about payments: asked for, completed."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from hotspot.bus.outcome import Reject
from hotspot.bus.work import Work
from hotspot.contract.payments import (
    PaymentFailed,
    PaymentRequested,
    ProcessPaymentJob,
    PromptPhoneJob,
    RequestPaymentJob,
    VoucherIssued,
)
from payment_service.models import COMPLETED, FAILED, PENDING, Payment
from payment_service.mpesa.results import ALREADY_REQUESTED
from payment_service.packages import terms
from payment_service.vouchers import codes as vouchers


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
