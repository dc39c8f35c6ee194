"""The prompt on the payer's phone: at most one for each payment, whatever crashes when."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import select

from hotspot.bus.outcome import Reject
from hotspot.bus.work import Outside, Unclear, Work
from hotspot.contract.payments import PromptPhoneJob
from payment_service.callbacks import journal
from payment_service.models import PENDING, Payment, change
from payment_service.mpesa import breaker, results
from payment_service.mpesa.api import Accepted, DoNotRepeat, Mpesa, PromptRequest, TryLater
from payment_service.mpesa.results import Failure
from payment_service.packages import terms
from payment_service.prompts.asking import ask_first
from payment_service.settling.settlement import NotPaid, hold, settle

log = structlog.get_logger()

# A phone that asks for a PIN long after its owner gave up and left frightens people.
PROMPT_WITHIN = timedelta(minutes=10)
LONGEST_REFERENCE = 12
LONGEST_DESCRIPTION = 13

Outcome = Accepted | Failure


@dataclass(frozen=True, kw_only=True)
class Intent:
    """A prompt that is about to be asked for. `last_try`: no Retry will be granted any more."""

    request: PromptRequest
    last_try: bool


def prompt_phone(
    mpesa: Mpesa, callback_url: Callable[[UUID], str]
) -> Outside[PromptPhoneJob, Intent, Outcome]:
    """The handler of PromptPhoneJob."""
    return Outside(
        prepare=lambda job, work: prepare(job, work, callback_url),
        act=lambda intent: act(intent, mpesa),
        record=record,
    )


def prepare(job: PromptPhoneJob, work: Work, callback_url: Callable[[UUID], str]) -> Intent | None:
    """Mark that Daraja is about to be asked; None where there is nothing to ask, or no more."""
    wanted = (
        select(
            Payment.status,
            Payment.phone,
            Payment.package,
            Payment.requested_at,
            Payment.prompt_state,
            Payment.prompt_attempt,
        )
        .where(Payment.id == job.payment_id)
        .with_for_update()
    )
    payment = work.session.execute(wanted).one_or_none()
    if payment is None:
        raise Reject(f"there is no payment {job.payment_id}")
    attempt = work.envelope.attempt
    if payment.status != PENDING or payment.prompt_state not in ("waiting", "prompting"):
        return None
    if payment.prompt_state == "prompting" and payment.prompt_attempt >= attempt:
        # Our own mark: a worker died between here and the end. Perhaps the phone was prompted.
        _unclear(job.payment_id, "a worker died while it asked for the prompt", work)
        return None
    if work.now - payment.requested_at > PROMPT_WITHIN:
        settle(job.payment_id, NotPaid(source="stk_prompt", failure=results.TOO_LATE), work)
        return None
    marked = change(Payment).where(Payment.id == job.payment_id)
    work.session.execute(marked.values(prompt_state="prompting", prompt_attempt=attempt))
    sold = terms.from_json(payment.package)
    request = PromptRequest(
        phone=payment.phone,
        shillings=sold.price.amount // 100,  # whole, by a CHECK on packages
        reference=reference_of(job.payment_id),
        description=description_of(sold.name),
        callback_url=callback_url(job.payment_id),
    )
    return Intent(request=request, last_try=work.last_try)


def act(intent: Intent, mpesa: Mpesa) -> Outcome:
    """Ask Daraja. Raises TryLater (a Retry) only where certainly nothing was sent."""
    try:
        return mpesa.prompt(intent.request)
    except DoNotRepeat as refusal:
        log.warning("prompt refused", code=refusal.failure.code, said=refusal.said)
        return refusal.failure
    except TryLater as error:
        if not intent.last_try:
            raise
        log.warning("mpesa given up", reason=str(error))
        return results.UNREACHABLE


def record(job: PromptPhoneJob, _intent: Intent, outcome: Outcome | Unclear, work: Work) -> None:
    """Write down how it went. An unclear prompt stays pending: its callback may still come."""
    if isinstance(outcome, Unclear):
        _unclear(job.payment_id, outcome.reason, work)
        breaker.fails("prompts", outcome.reason, work)
        return
    if isinstance(outcome, Failure):
        refused = change(Payment).where(Payment.id == job.payment_id)
        work.session.execute(refused.values(prompt_state="refused"))
        settle(job.payment_id, NotPaid(source="stk_prompt", failure=outcome), work)
        if outcome == results.UNREACHABLE:
            breaker.fails("prompts", "it cannot be reached", work)
        return
    _prompted(job.payment_id, outcome, work)


def reference_of(payment_id: UUID) -> str:
    """AccountReference: unlike for each payment, so that a C2B confirmation of the same money
    (BillRefNumber) finds its payment also when it comes before the callback."""
    return payment_id.hex[-LONGEST_REFERENCE:].upper()


def description_of(package_name: str) -> str:
    """TransactionDesc: 1 to 13 plain characters."""
    plain = package_name.encode("ascii", "ignore").decode()[:LONGEST_DESCRIPTION].strip()
    return plain or "WiFi"


def _prompted(payment_id: UUID, accepted: Accepted, work: Work) -> None:
    wanted = select(Payment.checkout_request_id, Payment.asks).where(Payment.id == payment_id)
    known, asks = work.session.execute(wanted.with_for_update()).one()
    if known is not None and known != accepted.checkout_request_id:
        # A callback came first, and named another request than the one that M-Pesa now confirms.
        hold(work.session, payment_id, "an earlier callback named another request")
    work.session.execute(
        change(Payment)
        .where(Payment.id == payment_id)
        .values(
            prompt_state="prompted",
            prompted_at=work.now,
            checkout_request_id=accepted.checkout_request_id,
            merchant_request_id=accepted.merchant_request_id,
        )
    )
    _keep_reply(payment_id, accepted.said, None, work)
    breaker.works("prompts", work)
    ask_first(payment_id, asks, work)


def _unclear(payment_id: UUID, reason: str, work: Work) -> None:
    unclear = change(Payment).where(Payment.id == payment_id)
    work.session.execute(unclear.values(prompt_state="unclear"))
    _keep_reply(payment_id, reason, "whether the phone was prompted is not known", work)


def _keep_reply(payment_id: UUID, said: str, problem: str | None, work: Work) -> None:
    heard = journal.Heard(
        id=work.envelope.message_id,
        kind="stk_reply",
        payment_id=payment_id,
        body=said,
        received_at=work.now,
        problem=problem,
    )
    journal.keep(heard, work.session)
