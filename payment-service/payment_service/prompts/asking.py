"""Payments that heard nothing: M-Pesa is asked what became of their prompts (STK query).

Each payment has one question under way. `payments.asks` counts those that were asked; a job with
another number was overtaken, and asks nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from hotspot.bus.work import Outside, Unclear, Work
from hotspot.contract.payments import AskAboutPaymentJob, AskAboutReceiptJob
from hotspot.contract.topology import delay_of
from hotspot.ids import new_id
from payment_service.models import COMPLETED, PENDING, AnyRow, Payment, change
from payment_service.mpesa import breaker
from payment_service.mpesa.api import Answered, Mpesa, NotYet
from payment_service.settling import confirming, hearsay

FIRST_ASKED_AFTER = timedelta(seconds=25)
GIVEN_UP_AFTER = timedelta(hours=24)
# At most one query each 20 s for a payment; less often for one that stays silent.
PACE = (timedelta(seconds=20), timedelta(seconds=20), timedelta(minutes=2), timedelta(minutes=10))
# While M-Pesa is down: soon enough after its return, seldom enough to weigh nothing.
PUT_OFF = timedelta(seconds=30)
# The prompt whose request M-Pesa has yet to name.
UNDER_WAY = ("waiting", "prompting")
_AT_ONCE = timedelta(0)


@dataclass(frozen=True, kw_only=True)
class Question:
    """The prompt to ask about."""

    checkout_request_id: str


def ask_about_payment(mpesa: Mpesa) -> Outside[AskAboutPaymentJob, Question, Answered | NotYet]:
    """The handler of AskAboutPaymentJob. Asking twice is harmless."""
    return Outside(
        prepare=prepare,
        act=lambda question: mpesa.query(question.checkout_request_id),
        record=record,
    )


def ask_first(payment_id: UUID, asks: int, work: Work) -> None:
    """Have M-Pesa asked, some time after it took the prompt; at once where somebody says that
    money came, and is not to be believed without."""
    told = hearsay.is_open(work.session, payment_id)
    _plan(payment_id, asks, work, after=_AT_ONCE if told else FIRST_ASKED_AFTER)


def ask_now(payment_id: UUID, work: Work) -> None:
    """Have M-Pesa asked as soon as the pace allows, unless that is about to happen."""
    wanted = select(
        Payment.checkout_request_id,
        Payment.prompt_state,
        Payment.asks,
        Payment.asked_at,
        Payment.next_ask_at,
    ).where(Payment.id == payment_id)
    payment = work.session.execute(wanted.with_for_update()).one()
    if payment.checkout_request_id is None:
        if payment.prompt_state not in UNDER_WAY:
            let_go(payment_id, work)
        return  # else see `ask_first`
    wait = _rest_of_pace(payment.asked_at, work.now)
    if payment.next_ask_at is None or payment.next_ask_at > work.now + wait:
        _plan(payment_id, payment.asks, work, after=wait)


def ask_for_receipt(receipt: str, work: Work) -> None:
    """Have M-Pesa asked for a receipt that an unknown source named (transaction status).

    What M-Pesa confirms is credited as if it had come by itself.
    """
    payment_id = new_id()  # of the payment that is made for it, where there is none
    job = AskAboutReceiptJob(payment_id=payment_id, receipt=receipt)
    work.send(job, correlation_id=payment_id)


def let_go(payment_id: UUID, work: Work) -> None:
    """M-Pesa named no request for a payment's prompt, and cannot be asked about it; but about the
    receipts that an unknown source named. Their money finds its payment again (`matching`)."""
    for receipt in hearsay.let_go(work.session, payment_id):
        ask_for_receipt(receipt, work)


def ask_again(payment_id: UUID, asks: int, work: Work) -> None:
    """Have M-Pesa asked in the place of a question that was lost."""
    _plan(payment_id, asks, work, after=_AT_ONCE)
    # One that only waits behind many others must not get company each minute.
    patient = change(Payment).where(Payment.id == payment_id)
    work.session.execute(patient.values(next_ask_at=work.now + PACE[-1]))


def prepare(job: AskAboutPaymentJob, work: Work) -> Question | None:
    """The question, where the payment is open, M-Pesa took its prompt, and it is time to ask."""
    wanted = select(
        Payment.id,
        Payment.status,
        Payment.checkout_request_id,
        Payment.requested_at,
        Payment.asks,
        Payment.asked_at,
    ).where(Payment.id == job.payment_id)
    payment = work.session.execute(wanted.with_for_update()).one_or_none()
    if payment is None or payment.asks != job.asked or not _is_open(payment, work):
        return None
    wait = _rest_of_pace(payment.asked_at, work.now)
    if not wait and breaker.pause("queries", work):
        wait = PUT_OFF
    if wait:
        _plan(job.payment_id, job.asked, work, after=wait)
        return None
    marked = change(Payment).where(Payment.id == job.payment_id)
    work.session.execute(
        marked.values(
            asks=job.asked + 1, asked_at=work.now, next_ask_at=work.now + _pause_after(job.asked)
        )
    )
    return Question(checkout_request_id=payment.checkout_request_id)


def record(
    job: AskAboutPaymentJob,
    question: Question,
    answer: Answered | NotYet | Unclear,
    work: Work,
) -> None:
    """Settle by a final answer; after any other, ask again later."""
    if isinstance(answer, Answered):
        confirming.answered(job.payment_id, question.checkout_request_id, answer.result_code, work)
    else:
        _plan(job.payment_id, job.asked + 1, work, after=_pause_after(job.asked))
    if isinstance(answer, Unclear) or (isinstance(answer, NotYet) and answer.daraja_is_down):
        breaker.fails("queries", answer.reason, work)
    else:
        breaker.works("queries", work)


def _is_open(payment: AnyRow, work: Work) -> bool:
    if payment.checkout_request_id is None or payment.status == COMPLETED:
        return False
    if payment.status == PENDING and work.now - payment.requested_at <= GIVEN_UP_AFTER:
        return True
    return hearsay.is_open(work.session, payment.id)


def _plan(payment_id: UUID, asks: int, work: Work, *, after: timedelta) -> None:
    """Send the next question on its way, and note when it should come (`reconciling` looks)."""
    job = AskAboutPaymentJob(payment_id=payment_id, asked=asks)
    work.send(job, correlation_id=payment_id, after=after)
    due = work.now + (timedelta(seconds=delay_of(after).seconds) if after else after)
    planned = change(Payment).where(Payment.id == payment_id)
    work.session.execute(planned.values(next_ask_at=due))


def _pause_after(asked: int) -> timedelta:
    return PACE[min(asked, len(PACE) - 1)]


def _rest_of_pace(asked_at: datetime | None, now: datetime) -> timedelta:
    if asked_at is None:
        return _AT_ONCE
    return max(_AT_ONCE, asked_at + PACE[0] - now)
