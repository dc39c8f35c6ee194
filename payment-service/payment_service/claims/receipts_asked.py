"""Receipts that are unknown here: M-Pesa is asked for them, and answers later (transaction status).

Asked for a guest's claim, or to prove what an unknown source said of money (`hearsay`). What comes
of it is in `receipts_answered`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from hotspot.bus.work import Outside, Unclear, Work
from hotspot.contract.payments import AskAboutReceiptJob
from hotspot.ids import new_id
from payment_service.alarms import raise_alarm
from payment_service.claims import claiming
from payment_service.models import AnyRow, ReceiptQuestion, change
from payment_service.mpesa import breaker
from payment_service.mpesa.api import NotYet
from payment_service.mpesa.daraja_requests import Requests, Taken
from payment_service.mpesa.initiator import NEEDED
from payment_service.mpesa.results import NOT_ALLOWED, Failure
from payment_service.settling import hearsay

log = structlog.get_logger()

# After each question that stays without an answer: results get lost, and are never repeated.
PAUSES: Final = tuple(timedelta(seconds=seconds) for seconds in (30, 30, 120, 120, 600))
# A guest stands there and waits; what nobody waits for may take a day.
GUEST_WAITS = timedelta(minutes=15)
NOBODY_WAITS = timedelta(hours=24)
ALARM: Final = "mpesa_initiator"
# What M-Pesa does not know may only be too new: a guest is told so at once, and asked for again.
TOO_NEW_ONCE = 2


@dataclass(frozen=True, kw_only=True)
class Question:
    """The receipt to ask for. `id` names the URL of the result; `earlier` counts those before."""

    id: UUID
    receipt: str
    earlier: int


@dataclass(frozen=True, kw_only=True)
class Asked:
    """How often M-Pesa was asked; when last, where that has no answer yet, else its code."""

    times: int = 0
    waiting_since: datetime | None = None
    result_code: str | None = None


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Who wants to know, since when: a claim, or nobody who waits (hearsay)."""

    claim: AnyRow | None
    since: datetime

    @property
    def patience(self) -> timedelta:
        """For how long M-Pesa is asked."""
        return GUEST_WAITS if self.claim is not None else NOBODY_WAITS


Outcome = Taken | NotYet


def ask_about_receipt(requests: Requests) -> Outside[AskAboutReceiptJob, Question, Outcome]:
    """The handler of AskAboutReceiptJob. Asking twice is harmless: nobody is charged for it."""
    return Outside(
        prepare=lambda job, work: prepare(job, work, may_ask=requests.may_ask),
        act=lambda question: requests.status(question.id, question.receipt),
        record=record,
    )


def prepare(job: AskAboutReceiptJob, work: Work, *, may_ask: bool) -> Question | None:
    """The question, written down before it is asked: its result may come before its reply."""
    asked = _asked(job, work)
    subject = _subject(job, asked, work)
    if subject is None or _is_settled(subject, work, may_ask=may_ask):
        return None
    waiting_since = asked.waiting_since
    if waiting_since is not None and waiting_since + _pause(asked.times - 1) > work.now:
        return None  # that question's own job comes again
    put_off = breaker.pause("requests", work)
    if put_off:
        work.send(job, correlation_id=job.payment_id, after=PAUSES[0])
        return None
    question = Question(id=new_id(), receipt=job.receipt, earlier=asked.times)
    work.session.execute(
        insert(ReceiptQuestion).values(
            id=question.id, subject=job.payment_id, receipt=job.receipt, asked_at=work.now
        )
    )
    # In case that no result comes, or that this worker dies before it has asked.
    work.send(job, correlation_id=job.payment_id, after=_pause(question.earlier))
    return question


def record(
    job: AskAboutReceiptJob, question: Question, outcome: Outcome | Unclear, work: Work
) -> None:
    """Note the conversation that the result will name, or why there will be none."""
    if isinstance(outcome, Taken):
        taken = change(ReceiptQuestion).where(ReceiptQuestion.id == question.id)
        work.session.execute(
            taken.values(
                conversation_id=outcome.conversation_id,
                originator_conversation_id=outcome.originator_conversation_id,
            )
        )
        breaker.works("requests", work)
        return
    log.warning("receipt not asked about", reason=outcome.reason)
    if isinstance(outcome, Unclear) or outcome.daraja_is_down:
        breaker.fails("requests", outcome.reason, work)
        return
    # Refused: so will be the next one, until a person repairs it.
    refused_initiator(outcome.reason, work)
    claim = claiming.of_page(work.session, job.payment_id, job.receipt)
    if claim is not None:
        claiming.fail(claim, claiming.UNAVAILABLE, work)


def refused_initiator(words: str, work: Work) -> None:
    """A wrong name, credential or right is for a person to repair, and to hear of once."""
    log.error("mpesa refuses our initiator", said=words)
    said = f"M-Pesa refuses our initiator: {words}"
    raise_alarm(work, alarm=ALARM, subject=work.service, said=said)


def _asked(job: AskAboutReceiptJob, work: Work) -> Asked:
    questions = (
        select(
            func.count().over().label("times"),
            ReceiptQuestion.asked_at,
            ReceiptQuestion.answered_at,
            ReceiptQuestion.result_code,
        )
        .where(ReceiptQuestion.subject == job.payment_id, ReceiptQuestion.receipt == job.receipt)
        .order_by(ReceiptQuestion.asked_at.desc(), ReceiptQuestion.id.desc())
        .limit(1)
    )
    last = work.session.execute(questions).first()
    if last is None:
        return Asked()
    return Asked(
        times=last.times,
        waiting_since=None if last.answered_at else last.asked_at,
        result_code=last.result_code,
    )


def _subject(job: AskAboutReceiptJob, asked: Asked, work: Work) -> Subject | None:
    """Who still wants to know; None where nobody does."""
    claim = claiming.of_page(work.session, job.payment_id, job.receipt)
    if claim is None:
        since = hearsay.open_since(work.session, job.receipt)
        is_futile = asked.result_code in NOT_ALLOWED
        return None if since is None or is_futile else Subject(claim=None, since=since)
    may_be_too_new = claim.failure_code == claiming.NOT_FOUND.code and asked.times < TOO_NEW_ONCE
    is_open = claim.found_payment_id is None and (claim.answered_at is None or may_be_too_new)
    return Subject(claim=claim, since=claim.claimed_at) if is_open else None


def _is_settled(subject: Subject, work: Work, *, may_ask: bool) -> bool:
    """Whether M-Pesa need not be asked, or must not, or was asked for long enough."""
    if subject.claim is not None and claiming.settle_by_books(subject.claim, work):
        return True
    if not may_ask:
        log.error("a receipt cannot be checked", needed=NEEDED)
        _give_up(subject, claiming.UNAVAILABLE, work)
        return True
    if work.now - subject.since > subject.patience:
        _give_up(subject, claiming.UNANSWERED, work)
        return True
    return False


def _give_up(subject: Subject, failure: Failure, work: Work) -> None:
    if subject.claim is not None:
        claiming.fail(subject.claim, failure, work)


def _pause(earlier: int) -> timedelta:
    return PAUSES[min(earlier, len(PAUSES) - 1)]
