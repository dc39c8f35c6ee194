"""A guest who paid shows the receipt: served once, or given the access on the device in hand.

Whoever knows a receipt and the number that paid has a right to what it bought. A receipt that is
unknown here, or was paid from another number, is put to M-Pesa (`receipts_asked`): the guest hears
the same of both, so that nobody learns which receipts are real.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Connection, Select, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hotspot.bus.work import Work
from hotspot.contract.money import Money
from hotspot.contract.payments import AskAboutReceiptJob, ClaimPaymentJob
from hotspot.phone import mask
from payment_service.access import ENDED, PROVISIONING
from payment_service.claims.moving import Device, move_access
from payment_service.models import (
    COMPLETED,
    Access,
    AnyRow,
    Payment,
    Receipt,
    ReceiptClaim,
    change,
)
from payment_service.mpesa.results import HELD, Failure
from payment_service.settling import payers, serving
from payment_service.settling.credit import ArrivedMoney, Credited, credit
from payment_service.settling.settlement import Verdict

log = structlog.get_logger()

_RECEIPT = re.compile(r"[A-Z0-9]{8,12}", re.ASCII)

NOT_FOUND = Failure(
    status="failed",
    code="receipt_not_found",
    reason="M-Pesa does not know a payment to us with this code from this phone."
    " Check the code in M-Pesa's SMS, and enter the number that paid.",
)
UNANSWERED = Failure(
    status="failed",
    code="claim_unanswered",
    reason="M-Pesa did not answer in time. If you paid, your money is not lost: try again in a"
    " few minutes, or show M-Pesa's SMS to our staff.",
)
UNCLEAR = Failure(
    status="failed",
    code="claim_unclear",
    reason="M-Pesa's answer about this payment is not clear. Please show its SMS to our staff.",
)
UNAVAILABLE = Failure(
    status="failed",
    code="claim_unavailable",
    reason="This code cannot be checked right now. Please show M-Pesa's SMS to our staff.",
)


@dataclass(frozen=True, kw_only=True)
class Theirs:
    """The receipt paid for this payment, which is the guest's."""

    payment_id: UUID


@dataclass(frozen=True, kw_only=True)
class Held:
    """The receipt is in the books and has bought nothing yet; the guest's number fits its payer."""

    amount: Money
    paid_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Unknown:
    """Not in the books, or not this guest's as far as the books tell."""


Standing = Theirs | Held | Unknown


def receipt_in(typed: str) -> str | None:
    """The receipt that a guest typed: in any case, with blanks, or the whole SMS that begins so."""
    words = typed.upper().replace("-", " ").split()
    for text in ("".join(words), *words[:1]):
        if _RECEIPT.fullmatch(text):
            return text
    return None


def standing_of(receipt: AnyRow | None, phone: str) -> Standing:
    """What the books tell about a receipt (a row of `known`) and a guest's phone."""
    if receipt is None:
        return Unknown()
    is_payer = payers.is_same(receipt.payer, phone)
    if receipt.payment_id is not None:
        is_theirs = receipt.buyer == phone or is_payer
        return Theirs(payment_id=receipt.payment_id) if is_theirs else Unknown()
    if not is_payer or receipt.reversed_at is not None or receipt.amount is None:
        return Unknown()
    return Held(amount=Money(amount=receipt.amount), paid_at=receipt.paid_at)


def known(source: Connection | Session, receipt: str) -> AnyRow | None:
    """What the books have of a receipt, and who bought with it."""
    return source.execute(_known().where(Receipt.receipt == receipt)).first()


def claim_payment(job: ClaimPaymentJob, work: Work) -> None:
    """Give the guest what the receipt bought, or have M-Pesa asked about it."""
    claim = _record(job, work)
    if not settle_by_books(claim, work):
        ask = AskAboutReceiptJob(payment_id=job.payment_id, receipt=job.receipt)
        work.send(ask, correlation_id=job.payment_id)


def settle_by_books(claim: AnyRow, work: Work) -> bool:
    """End a claim by what the books tell; False where they tell nothing."""
    standing = standing_of(known(work.session, claim.receipt), claim.phone)
    if isinstance(standing, Theirs):
        show(claim, standing.payment_id, work)
    elif isinstance(standing, Held):
        # It came before anybody knew whose it is; now a guest with its payer's number asks.
        arrived = arrived_for(claim, standing.amount, standing.paid_at)
        credited(claim, credit(arrived, work), work)
    return not isinstance(standing, Unknown)


def credited(claim: AnyRow, done: Credited, work: Work) -> None:
    """End a claim by what its money bought."""
    if done.payment_id is None:
        fail(claim, HELD, work)
    elif _is_only_said(claim, work):
        fail(claim, UNCLEAR, work)
    else:
        show(claim, done.payment_id, work, is_new=done.verdict is Verdict.SETTLED)


def show(claim: AnyRow, payment_id: UUID, work: Work, *, is_new: bool = False) -> None:
    """Let the claim's page show this payment, and move its access to the guest's device."""
    work.session.execute(
        change(ReceiptClaim)
        .where(ReceiptClaim.id == claim.id)
        .values(
            found_payment_id=payment_id,
            answered_at=work.now,
            failure_code=None,
            failure_reason=None,
        )
    )
    payment = work.session.execute(
        select(Payment.status, Payment.reversed_at, Access.state, Access.until)
        .join(Access, Access.payment_id == Payment.id, isouter=True)
        .where(Payment.id == payment_id)
    ).one()
    log.info("claim answered", payment_id=str(payment_id), phone=mask(claim.phone))
    if payment.status != COMPLETED or payment.reversed_at is not None:
        return
    is_over = payment.state == ENDED or (payment.until is not None and payment.until <= work.now)
    if is_over:
        return
    device = Device(mac=claim.mac, router_id=claim.router_id, link_login_only=claim.link_login_only)
    if payment.state == PROVISIONING and not is_new:
        serving.ask_again(payment_id, work)
    move_access(payment_id, device, work, moved_at=claim.claimed_at, by_sms=not is_new)


def fail(claim: AnyRow, failure: Failure, work: Work) -> None:
    """Tell the claim's page why there is nothing. A success that comes later still wins."""
    failed = (
        change(ReceiptClaim)
        .where(ReceiptClaim.id == claim.id, ReceiptClaim.found_payment_id.is_(None))
        .values(answered_at=work.now, failure_code=failure.code, failure_reason=failure.reason)
        .returning(ReceiptClaim.id)
    )
    if work.session.execute(failed).first() is not None:
        # Whoever guesses leaves a trace; a whole number in a log would be one too many.
        log.warning("claim failed", code=failure.code, phone=mask(claim.phone))


def of_page(session: Session, payment_id: UUID, receipt: str) -> AnyRow | None:
    """The newest claim of a page for a receipt, locked."""
    wanted = (
        select(ReceiptClaim.__table__)
        .where(ReceiptClaim.payment_id == payment_id, ReceiptClaim.receipt == receipt)
        .order_by(ReceiptClaim.claimed_at.desc(), ReceiptClaim.id.desc())
        .limit(1)
    )
    return session.execute(wanted.with_for_update()).first()


def _is_only_said(claim: AnyRow, work: Work) -> bool:
    """Whether the receipt stands with another guest's payment on an unknown source's word alone."""
    receipt = known(work.session, claim.receipt)
    return receipt is not None and receipt.source == "stk_query" and receipt.buyer != claim.phone


def _record(job: ClaimPaymentJob, work: Work) -> AnyRow:
    row = {
        "id": work.envelope.message_id,
        "payment_id": job.payment_id,
        "receipt": job.receipt,
        "phone": job.phone,
        "mac": job.mac,
        "ip": job.ip,
        "router_id": job.router_id,
        "link_login_only": job.link_login_only,
        "claimed_at": job.claimed_at,
    }
    added = insert(ReceiptClaim).values(row).returning(*ReceiptClaim.__table__.c)
    return work.session.execute(added).one()


def arrived_for(
    claim: AnyRow, amount: Money, paid_at: datetime | None, payer_name: str | None = None
) -> ArrivedMoney:
    """Money that is a claimer's own."""
    return ArrivedMoney(
        source="claim",
        receipt=claim.receipt,
        amount=amount,
        paid_at=paid_at,
        phone=claim.phone,
        payer_name=payer_name,
        payment_id=claim.payment_id,
        mac=claim.mac,
        ip=claim.ip,
        router_id=claim.router_id,
        link_login_only=claim.link_login_only,
    )


def _known() -> Select[*tuple[Any, ...]]:
    return select(
        Receipt.payment_id,
        Receipt.amount,
        Receipt.paid_at,
        Receipt.payer,
        Receipt.source,
        Receipt.reversed_at,
        Payment.phone.label("buyer"),
        Payment.package,
        Payment.price,
        Payment.status,
    ).join(Payment, Payment.id == Receipt.payment_id, isouter=True)
