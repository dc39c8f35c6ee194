"""Money that an owner wants sent back: M-Pesa is asked once, and answers later.

M-Pesa sends a receipt's money back whole, and once. An outcome that is unclear is never repeated
by itself: it stands in front of a person, who may ask again; what was done after all is then
refused as done before, which is good news.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal
from uuid import UUID

import structlog
from sqlalchemy import case, exists, func, select
from sqlalchemy.dialects.postgresql import insert

from hotspot.bus.outcome import Reject
from hotspot.bus.work import Outside, Unclear, Work
from hotspot.contract.access import EndAccessJob
from hotspot.contract.money import Money
from hotspot.contract.payments import (
    CheckReversalJob,
    PaymentReversed,
    ReversePaymentJob,
    ReverseReceiptJob,
)
from payment_service import access
from payment_service.models import COMPLETED, AnyRow, Payment, Receipt, Reversal, change
from payment_service.mpesa.api import DoNotRepeat, TryLater
from payment_service.mpesa.daraja_requests import Requests, Taken
from payment_service.mpesa.daraja_results import Result, original_of
from payment_service.reversals.decisions import (
    ASKED,
    ASKING,
    DONE,
    FAILED,
    OPEN,
    REFUSED,
    UNCLEAR,
    find,
    is_done,
    objection,
    without,
    words_of,
)
from payment_service.settling.settlement import hold

log = structlog.get_logger()

# A result that was lost is never sent again.
SILENT_AFTER = timedelta(minutes=10)
LOOK = "look in M-Pesa's portal whether it went back, and ask again if it did not"

Job = ReversePaymentJob | ReverseReceiptJob
End = Literal["refused", "failed", "unclear"]


@dataclass(frozen=True, kw_only=True)
class Intent:
    """A reversal that is about to be asked for. `last_try`: no Retry will be granted any more."""

    reversal: AnyRow
    last_try: bool


@dataclass(frozen=True, kw_only=True)
class Refused:
    """M-Pesa does not take the request: nothing was sent back."""

    words: str


Outcome = Taken | Refused


def reverse_payment(requests: Requests) -> Outside[ReversePaymentJob, Intent, Outcome]:
    """The handler of ReversePaymentJob: the money that completed a payment."""

    def prepare(job: ReversePaymentJob, work: Work) -> Intent | None:
        paid_by = select(Payment.receipt).where(Payment.id == job.payment_id).scalar_subquery()
        return mark(job, find(work.session, Receipt.receipt == paid_by), work)

    return Outside(prepare=prepare, act=lambda intent: act(intent, requests), record=record)


def reverse_receipt(requests: Requests) -> Outside[ReverseReceiptJob, Intent, Outcome]:
    """The handler of ReverseReceiptJob: any money, above all what bought nothing."""

    def prepare(job: ReverseReceiptJob, work: Work) -> Intent | None:
        return mark(job, find(work.session, Receipt.receipt == job.receipt), work)

    return Outside(prepare=prepare, act=lambda intent: act(intent, requests), record=record)


def mark(job: Job, receipt: AnyRow | None, work: Work) -> Intent | None:
    """Write down that M-Pesa is about to be asked; None where that must not happen (again)."""
    marked = _locked(work)
    if marked is None:
        _begin(job, receipt, work)
    elif marked.state != ASKING:
        return None
    elif marked.attempt >= work.envelope.attempt:
        # Our own mark: a worker died between here and the end. Perhaps the money went back.
        _end(marked, UNCLEAR, f"a worker died while it asked - {LOOK}", work)
        return None
    else:
        mine = change(Reversal).where(Reversal.id == marked.id)
        work.session.execute(mine.values(attempt=work.envelope.attempt))
    marked = _locked(work)
    return None if marked is None else Intent(reversal=marked, last_try=work.last_try)


def act(intent: Intent, requests: Requests) -> Outcome:
    """Ask M-Pesa. Raises TryLater (a Retry) only where certainly nothing was sent."""
    wanted = intent.reversal
    amount = Money(amount=wanted.amount)
    try:
        return requests.reverse(wanted.id, wanted.receipt, amount, wanted.reason)
    except DoNotRepeat as refusal:
        return Refused(words=refusal.said)
    except TryLater as error:
        if not intent.last_try:
            raise
        return Refused(words=f"M-Pesa cannot be reached: {error}")


def record(_job: Job, intent: Intent, outcome: Outcome | Unclear, work: Work) -> None:
    """Write down how it went. The result may be there already."""
    reversal = _locked(work)
    if reversal is None:
        raise Reject(f"reversal {intent.reversal.id} is gone")
    if isinstance(outcome, Taken):
        taken = change(Reversal).where(Reversal.id == reversal.id)
        work.session.execute(
            taken.values(
                state=case((Reversal.state == ASKING, ASKED), else_=Reversal.state),
                asked_at=work.now,
                conversation_id=outcome.conversation_id,
                originator_conversation_id=outcome.originator_conversation_id,
            )
        )
        work.send(CheckReversalJob(reversal_id=reversal.id), after=SILENT_AFTER)
    elif reversal.state == ASKING and isinstance(outcome, Refused):
        _end(reversal, REFUSED, outcome.words, work)
    elif reversal.state == ASKING and isinstance(outcome, Unclear):
        _end(reversal, UNCLEAR, f"{outcome.reason} - {LOOK}", work)


def check_reversal(job: CheckReversalJob, work: Work) -> None:
    """No result for so long: it was lost, and a person must look."""
    wanted = select(Reversal.__table__).where(Reversal.id == job.reversal_id)
    reversal = work.session.execute(wanted.with_for_update()).one_or_none()
    if reversal is not None and reversal.state in OPEN:
        _end(reversal, UNCLEAR, f"M-Pesa did not say what came of it - {LOOK}", work)


def timed_out(reversal: AnyRow, work: Work) -> str | None:
    """M-Pesa let the request wait for too long; whether it is done later is not known."""
    if reversal.state in OPEN:
        _end(reversal, UNCLEAR, f"it waited at M-Pesa for too long - {LOOK}", work)
    return None


def doubt(reversal: AnyRow, work: Work) -> str:
    """Someone says what came of it, and nothing shows that it was M-Pesa."""
    if reversal.state in OPEN:
        _end(reversal, UNCLEAR, f"an unknown source tells what came of it - {LOOK}", work)
    return "from an unknown source, and names no conversation of ours"


def hear(reversal: AnyRow, result: Result, work: Work) -> str | None:
    """Act upon a result; answers what a person should know of it, if anything.

    A success always wins; a failure never overwrites one.
    """
    original = original_of(result.values)
    if original not in (None, reversal.receipt):
        return f"a result that names receipt {original} instead of {reversal.receipt}"
    if is_done(result.code):
        _sent_back(reversal, result, work)
    elif reversal.state not in (DONE, FAILED):
        _end(reversal, FAILED, words_of(result.code, result.words), work, code=result.code)
    return None


def _begin(job: Job, receipt: AnyRow | None, work: Work) -> None:
    problem = objection(receipt)
    if receipt is None or problem is not None:
        raise Reject(problem)
    begun = insert(Reversal).values(
        id=work.envelope.message_id,
        receipt=receipt.receipt,
        payment_id=receipt.payment_id,
        amount=receipt.amount,
        reason=job.reason,
        requested_by=job.requested_by,
        requested_at=job.requested_at,
        state=ASKING,
        attempt=work.envelope.attempt,
    )
    # Two owners at once: the database lets one of them ask.
    once = begun.on_conflict_do_nothing().returning(Reversal.id)
    if work.session.execute(once).first() is None:
        raise Reject(f"the reversal of {receipt.receipt} was asked for by somebody else just now")


def _locked(work: Work) -> AnyRow | None:
    """The reversal of the message in hand, whose id it has."""
    wanted = select(Reversal.__table__).where(Reversal.id == work.envelope.message_id)
    return work.session.execute(wanted.with_for_update()).one_or_none()


def _end(reversal: AnyRow, state: End, words: str, work: Work, code: str | None = None) -> None:
    """Nothing went back, as far as is known; a person hears why."""
    work.session.execute(
        change(Reversal)
        .where(Reversal.id == reversal.id)
        .values(state=state, finished_at=work.now, result=words, result_code=code)
    )
    said = f"the reversal of {reversal.receipt} is {state}: {words}".replace("; ", ", ")
    log.warning("reversal ended", receipt=reversal.receipt, state=state, words=words)
    if reversal.payment_id is not None:
        hold(work.session, reversal.payment_id, said)
    else:
        held = change(Receipt).where(Receipt.receipt == reversal.receipt)
        work.session.execute(held.values(held=func.concat_ws("; ", Receipt.held, said)))


def _sent_back(reversal: AnyRow, result: Result, work: Work) -> None:
    """The money is back where it came from: what it bought ends, once."""
    # The payment first, as settlement locks them: the other way round two could wait for ever.
    payment = _payment_of(reversal.receipt, work)
    held = work.session.scalar(select(Receipt.held).where(Receipt.receipt == reversal.receipt))
    gone = change(Receipt).where(Receipt.receipt == reversal.receipt, Receipt.reversed_at.is_(None))
    news = gone.values(reversed_at=work.now, held=None, left_over=0).returning(Receipt.receipt)
    if work.session.execute(news).first() is None:
        return
    mine = change(Reversal).where(Reversal.receipt == reversal.receipt)
    # Another that a person asked for meanwhile: M-Pesa will say that it was done before.
    others = mine.where(Reversal.id != reversal.id, Reversal.state.in_(OPEN))
    work.session.execute(others.values(state=UNCLEAR))
    work.session.execute(
        mine.where(Reversal.id == reversal.id).values(
            state=DONE, finished_at=work.now, result_code=result.code, result=result.words
        )
    )
    log.info("money sent back", receipt=reversal.receipt)
    if payment is not None:
        _end_payment(payment, reversal, held, work)


def _payment_of(receipt: str, work: Work) -> AnyRow | None:
    paid = select(Receipt.payment_id).where(Receipt.receipt == receipt).scalar_subquery()
    wanted = select(Payment.id, Payment.status, Payment.receipt, Payment.needs_attention)
    locked = wanted.where(Payment.id == paid).with_for_update()
    return work.session.execute(locked).one_or_none()


def _end_payment(payment: AnyRow, reversal: AnyRow, held: str | None, work: Work) -> None:
    """What becomes of the payment that the money was for, or was held beside."""
    is_bought = payment.status == COMPLETED
    is_its_money = is_bought and payment.receipt == reversal.receipt
    of_payment = (Receipt.payment_id == payment.id, Receipt.reversed_at.is_(None))
    has_money = work.session.scalar(select(exists().where(*of_payment)))
    values: dict[str, object] = {
        "needs_attention": without(payment.needs_attention, reversal.receipt, held)
    }
    if is_its_money or not (is_bought or has_money):
        values["reversed_at"] = work.now
    work.session.execute(change(Payment).where(Payment.id == payment.id).values(values))
    if is_its_money:
        _end_access(reversal, payment.id, work)


def _end_access(reversal: AnyRow, payment_id: UUID, work: Work) -> None:
    access.end(payment_id, "reversed", work.now, work)
    work.send(
        PaymentReversed(
            payment_id=payment_id,
            receipt=reversal.receipt,
            amount=Money(amount=reversal.amount),
            reversed_at=work.now,
        ),
        correlation_id=payment_id,
    )
    end = EndAccessJob(payment_id=payment_id, reason="reversed", ended_at=work.now)
    work.send(end, correlation_id=payment_id)
