"""The one way in which a payment ends, whoever brings the news (design rule 5).

A success always wins, however late; a failure never overwrites a success; a second success
changes nothing. What must not be served without a person's eyes is held with its reason.
"""

from enum import StrEnum
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hotspot.bus.work import Work
from hotspot.contract.money import Money
from hotspot.contract.payments import PaymentCompleted, PaymentFailed, ProcessPaymentJob
from payment_service.access import PROVISIONING
from payment_service.models import COMPLETED, PENDING, Access, AnyRow, Payment, Receipt, change
from payment_service.mpesa.results import HELD, Failure
from payment_service.packages import terms
from payment_service.settling import books
from payment_service.settling.news import NotPaid, Paid, Source
from payment_service.settling.serving import ask_for_access

__all__ = ["NoSuchPayment", "NotPaid", "Paid", "Source", "Verdict", "hold", "settle"]

log = structlog.get_logger()


class Verdict(StrEnum):
    """What became of the news."""

    SETTLED = "settled"
    CHANGED_NOTHING = "changed nothing"
    HELD = "held"


class NoSuchPayment(Exception):
    """There is no payment with this id."""


def settle(payment_id: UUID, news: Paid | NotPaid, work: Work) -> Verdict:
    """End a payment by what M-Pesa says. Raises NoSuchPayment.

    Of all who ever bring a success, exactly one sees SETTLED, and with it sends
    PaymentCompleted, HotspotUserProvisionRequested and ProcessPaymentJob.
    """
    payment = _locked(work.session, payment_id)
    if isinstance(news, NotPaid):
        still_open = Payment.status == PENDING
        failed = _fail(payment_id, news.failure, still_open, work)
        verdict = Verdict.SETTLED if failed else Verdict.CHANGED_NOTHING
    else:
        verdict = _settle_success(payment, news, work)
    log.info("payment news", payment_id=str(payment_id), source=news.source, verdict=verdict.value)
    return verdict


def hold(session: Session, payment_id: UUID, reason: str) -> None:
    """Put a payment in front of a person. Reasons add up; the same one is not said twice."""
    said = func.coalesce(Payment.needs_attention, "")
    session.execute(
        change(Payment)
        .where(Payment.id == payment_id, func.strpos(said, reason) == 0)
        .values(needs_attention=func.concat_ws("; ", Payment.needs_attention, reason))
    )


def _settle_success(payment: AnyRow, paid: Paid, work: Work) -> Verdict:
    if paid.receipt and not books.claim(payment.id, paid, paid.receipt, work):
        return _receipt_known(payment.id, paid, paid.receipt, work)
    if paid.amount is not None and paid.amount.amount != payment.price + paid.left_over:
        reason = f"amount differs: {paid.amount} came, the price is {Money(amount=payment.price)}"
        return _hold_money(payment.id, paid, reason, work)
    if paid.amount is None and payment.failure_code == HELD.code:
        return Verdict.HELD  # another amount was named before: that is for a person to decide
    if _complete(payment.id, paid, work):
        _serve(payment, paid, work)
        _show_left_over(payment.id, paid, work)
        return Verdict.SETTLED
    return _second_success(payment.id, paid, work)


def _locked(session: Session, payment_id: UUID) -> AnyRow:
    """The payment, with its row locked: all news of one payment queue up here, in one order."""
    wanted = (
        select(
            Payment.id,
            Payment.phone,
            Payment.price,
            Payment.package,
            Payment.mac,
            Payment.router_id,
            Payment.failure_code,
        )
        .where(Payment.id == payment_id)
        .with_for_update()
    )
    payment = session.execute(wanted).one_or_none()
    if payment is None:
        raise NoSuchPayment(f"there is no payment {payment_id}")
    return payment


def _receipt_known(payment_id: UUID, paid: Paid, receipt: str, work: Work) -> Verdict:
    """This receipt came before: for this payment a mere repeat, for another one a riddle."""
    if books.is_credited_to(payment_id, paid, receipt, work):
        return Verdict.CHANGED_NOTHING
    hold(work.session, payment_id, f"receipt {receipt} belongs to another payment")
    return Verdict.HELD


def _complete(payment_id: UUID, paid: Paid, work: Work) -> bool:
    completed = work.session.execute(
        change(Payment)
        .where(Payment.id == payment_id, Payment.status != COMPLETED)
        .values(
            status=COMPLETED,
            receipt=paid.receipt,
            paid_amount=paid.amount.amount if paid.amount else Payment.price,
            paid_at=paid.paid_at,
            completed_at=work.now,
            confirmed_by=paid.source,
            failure_code=None,
            failure_reason=None,
            failed_at=None,
        )
        .returning(Payment.id)
    )
    return completed.first() is not None


def _serve(payment: AnyRow, paid: Paid, work: Work) -> None:
    """All that follows from a completed payment, once."""
    sold = terms.from_json(payment.package)
    work.session.execute(
        insert(Access).values(payment_id=payment.id, state=PROVISIONING, changed_at=work.now)
    )
    receipt = paid.receipt or ""
    work.send(
        PaymentCompleted(
            payment_id=payment.id,
            phone=payment.phone,
            package_id=sold.package_id,
            receipt=receipt,
            amount=paid.amount or sold.price,
            completed_at=work.now,
            router_id=payment.router_id,
        ),
        correlation_id=payment.id,
    )
    ask_for_access(payment, receipt, work)
    work.send(ProcessPaymentJob(payment_id=payment.id), correlation_id=payment.id)


def _show_left_over(payment_id: UUID, paid: Paid, work: Work) -> None:
    """More came than the package costs: the rest is somebody's money, and a person must see it."""
    if paid.left_over:
        rest = Money(amount=paid.left_over)
        hold(work.session, payment_id, f"{rest} of receipt {paid.receipt} is left over")


def _second_success(payment_id: UUID, paid: Paid, work: Work) -> Verdict:
    """The payment was completed before. Its receipt may be news; another receipt is more money."""
    if paid.receipt is None:
        return Verdict.CHANGED_NOTHING
    if books.fill_in(payment_id, paid, work):
        return Verdict.CHANGED_NOTHING
    return _hold_money(payment_id, paid, f"paid once more, by receipt {paid.receipt}", work)


def _hold_money(payment_id: UUID, paid: Paid, reason: str, work: Work) -> Verdict:
    """Money that came and is not served by itself: kept, and in front of a person."""
    work.session.execute(change(Receipt).where(Receipt.receipt == paid.receipt).values(held=reason))
    hold(work.session, payment_id, reason)
    _fail(payment_id, HELD, Payment.status != COMPLETED, work)
    return Verdict.HELD


def _fail(payment_id: UUID, failure: Failure, may: ColumnElement[bool], work: Work) -> bool:
    """End a payment without service, where its status still allows that."""
    failed = work.session.execute(
        change(Payment)
        .where(Payment.id == payment_id, may)
        .values(
            status=failure.status,
            failure_code=failure.code,
            failure_reason=failure.reason,
            failed_at=work.now,
        )
        .returning(Payment.id)
    )
    if failed.first() is None:
        return False
    work.send(
        PaymentFailed(
            payment_id=payment_id,
            status=failure.status,
            code=failure.code,
            reason=failure.reason,
            failed_at=work.now,
        ),
        correlation_id=payment_id,
    )
    return True
