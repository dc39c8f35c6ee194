"""What M-Pesa answers about a receipt (transaction status), and what follows from it.

Money to us that M-Pesa confirms is credited, whoever asked: to the guest who claims it, where the
payer's number is the guest's, else to its payer.
"""

from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import select

from hotspot.bus.work import Work
from hotspot.contract.payments import AskAboutReceiptJob
from payment_service.alarms import clear_alarm
from payment_service.claims import claiming
from payment_service.claims.receipts_asked import ALARM, refused_initiator
from payment_service.models import AnyRow, ReceiptQuestion, change
from payment_service.mpesa.daraja_results import Movement, Result, movement_of
from payment_service.mpesa.results import NOT_ALLOWED, PAID, Failure
from payment_service.settling import hearsay, payers
from payment_service.settling.credit import ArrivedMoney, credit

_NO_SUCH_RECEIPT = "2032"


class Answer(StrEnum):
    """What a result means. OTHERS: real money, and none of ours. UNCLEAR: for a person to read."""

    OURS = "ours"
    OTHERS = "others"
    UNKNOWN = "unknown"
    NOT_ALLOWED = "not allowed"
    UNCLEAR = "unclear"
    NONE = "none"


_FAILURES: Final[dict[Answer, Failure]] = {
    Answer.UNKNOWN: claiming.NOT_FOUND,
    Answer.OTHERS: claiming.NOT_FOUND,
    Answer.UNCLEAR: claiming.UNCLEAR,
    Answer.NOT_ALLOWED: claiming.UNAVAILABLE,
}
_FOR_A_PERSON = (Answer.UNCLEAR, Answer.NOT_ALLOWED)


def decide(result: Result, receipt: str, ours: frozenset[str]) -> Answer:
    """What a result means for the receipt that was asked for; `ours` are our shortcodes."""
    if result.code == _NO_SUCH_RECEIPT:
        return Answer.UNKNOWN
    if result.code in NOT_ALLOWED:
        return Answer.NOT_ALLOWED
    if result.code != PAID:
        return Answer.NONE
    told = movement_of(result.values)
    if told.receipt != receipt or told.taker is None or told.giver is None:
        return Answer.UNCLEAR
    # The other way round it left us: what was sent back has a receipt of its own.
    came_to_us = told.taker.number in ours and told.giver.number not in ours
    if not came_to_us or told.status != "completed":
        return Answer.OTHERS
    return Answer.OURS if told.amount and told.payer.told else Answer.UNCLEAR


def hear(
    question: AnyRow, result: Result, ours: frozenset[str], work: Work, *, needs_proof: bool
) -> str | None:
    """Act upon a result; answers what a person should know of it, if anything.

    From an unknown source, money counts once the result of another question, with another
    unguessable URL, says the same: M-Pesa has no other way to be asked.
    """
    answer = decide(result, question.receipt, ours)
    if not _is_first(question.id, result, answer, work):
        return None
    _tell_of_initiator(answer, result, work)
    job = AskAboutReceiptJob(payment_id=question.subject, receipt=question.receipt)
    if answer is Answer.OURS and needs_proof and not _is_said_twice(question, work):
        work.send(job, correlation_id=question.subject)
        return None
    claim = claiming.of_page(work.session, job.payment_id, job.receipt)
    if answer is Answer.OURS:
        _credit(job, claim, movement_of(result.values), work)
    elif claim is not None and answer in _FAILURES:
        claiming.fail(claim, _FAILURES[answer], work)
    elif answer in (Answer.UNKNOWN, Answer.OTHERS):
        hearsay.deny(work.session, question.receipt, result.code, work.now)
    return f"{answer}: {result.words}" if answer in _FOR_A_PERSON else None


def _credit(job: AskAboutReceiptJob, claim: AnyRow | None, told: Movement, work: Work) -> None:
    """Money that M-Pesa confirms is never dropped, whoever asked for it."""
    assert told.amount is not None  # else it would not be OURS
    name = told.giver.name if told.giver else None
    if claim is not None and payers.is_same(told.payer.told, claim.phone):
        arrived = claiming.arrived_for(claim, told.amount, told.paid_at, name)
        claiming.credited(claim, credit(arrived, work), work)
        return
    payers_own = ArrivedMoney(
        source="c2b_confirmation" if claim is None else "claim",
        receipt=job.receipt,
        amount=told.amount,
        paid_at=told.paid_at,
        phone=told.payer.phone,
        masked_phone=told.payer.masked,
        payer_name=name,
        payment_id=job.payment_id if claim is None else None,
    )
    credit(payers_own, work)
    if claim is not None:
        claiming.fail(claim, claiming.NOT_FOUND, work)


def _is_first(question_id: UUID, result: Result, answer: Answer, work: Work) -> bool:
    """Note what came of a question. False where it was answered before: results come twice."""
    told = movement_of(result.values)
    said = f"{answer} {told.status} {told.amount} {told.giver} {told.taker}"
    noted = (
        change(ReceiptQuestion)
        .where(ReceiptQuestion.id == question_id, ReceiptQuestion.answered_at.is_(None))
        .values(answered_at=work.now, result_code=result.code, answer=said)
        .returning(ReceiptQuestion.id)
    )
    return work.session.execute(noted).first() is not None


def _is_said_twice(question: AnyRow, work: Work) -> bool:
    this = select(ReceiptQuestion.answer).where(ReceiptQuestion.id == question.id)
    same = select(ReceiptQuestion.id).where(
        ReceiptQuestion.receipt == question.receipt,
        ReceiptQuestion.id != question.id,
        ReceiptQuestion.answer == this.scalar_subquery(),
    )
    return work.session.execute(same.limit(1)).first() is not None


def _tell_of_initiator(answer: Answer, result: Result, work: Work) -> None:
    if answer is Answer.NOT_ALLOWED:
        refused_initiator(f"{result.words or 'no reason'} (code {result.code})", work)
    elif answer is not Answer.NONE:
        clear_alarm(work, alarm=ALARM, subject=work.service)
