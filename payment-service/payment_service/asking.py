"""Payments that heard nothing: M-Pesa is asked what became of their prompts (STK query)."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from hotspot.bus.work import Outside, Unclear, Work
from hotspot.contract.payments import AskAboutPaymentJob
from payment_service.models import PENDING, Payment
from payment_service.mpesa import Answered, Mpesa, NotYet
from payment_service.results import PAID, failure_of
from payment_service.settlement import NotPaid, Paid, settle

FIRST_ASKED_AFTER = timedelta(seconds=25)
GIVEN_UP_AFTER = timedelta(hours=24)
# At most one query each 20 s for a payment; less often for one that stays silent.
PACE = (timedelta(seconds=20), timedelta(seconds=20), timedelta(minutes=2), timedelta(minutes=10))


@dataclass(frozen=True, kw_only=True)
class Question:
    """The prompt to ask about."""

    checkout_request_id: str


def ask_about_payment(mpesa: Mpesa) -> Outside[AskAboutPaymentJob, Question, Answered | NotYet]:
    """The handler of AskAboutPaymentJob. Asking twice is harmless: nothing is marked before."""
    return Outside(
        prepare=prepare,
        act=lambda question: mpesa.query(question.checkout_request_id),
        record=record,
    )


def prepare(job: AskAboutPaymentJob, work: Work) -> Question | None:
    """The question, where the payment is still open and M-Pesa took its prompt."""
    wanted = select(Payment.status, Payment.checkout_request_id, Payment.requested_at)
    payment = work.session.execute(wanted.where(Payment.id == job.payment_id)).one_or_none()
    if payment is None or payment.status != PENDING or payment.checkout_request_id is None:
        return None
    if work.now - payment.requested_at > GIVEN_UP_AFTER:
        return None
    return Question(checkout_request_id=payment.checkout_request_id)


def record(
    job: AskAboutPaymentJob,
    _question: Question,
    answer: Answered | NotYet | Unclear,
    work: Work,
) -> None:
    """Settle by a final answer; after any other, ask again later."""
    if not isinstance(answer, Answered):
        pause = PACE[min(job.asked, len(PACE) - 1)]
        again = AskAboutPaymentJob(payment_id=job.payment_id, asked=job.asked + 1)
        work.send(again, after=pause)
    elif answer.result_code == PAID:
        settle(job.payment_id, Paid(source="stk_query"), work)
    else:
        failure = failure_of(answer.result_code)
        settle(job.payment_id, NotPaid(source="stk_query", failure=failure), work)
