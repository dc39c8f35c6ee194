"""One message on its way: written down before it is sent, and what became of it after."""

from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hotspot.bus.envelope import Envelope
from hotspot.bus.outcome import Retry
from hotspot.bus.work import Unclear, Work
from hotspot.contract.sms import SmsFailed, SmsSent
from hotspot.ids import new_id
from hotspot.vault import Vault
from notification_service.gateways import Accepted, Refused, clean
from notification_service.models import Sms
from notification_service.wording import Words

log = structlog.get_logger()

Result = Accepted | Refused


class AnotherAttemptIsUnderWay(Retry):
    """A later attempt of the same job is sending: this one must not."""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A message that is about to be written down."""

    kind: str
    phone: str
    words: Words
    payment_id: UUID | None = None
    resend_of: UUID | None = None
    sms_id: UUID = field(default_factory=new_id)


@dataclass(frozen=True, kw_only=True)
class Intent:
    """A message that is sent next."""

    sms_id: UUID
    phone: str
    text: str = field(repr=False)


def begin(draft: Draft, work: Work, *, provider: str, vault: Vault) -> Intent | None:
    """Write down that a message is about to be sent. None where it must not be sent (again)."""
    if _written_down(draft, work, provider=provider, vault=vault):
        return Intent(sms_id=draft.sms_id, phone=draft.phone, text=draft.words.full)
    sms = locked(work.session, Sms.job_id == work.envelope.message_id)
    if sms is None:
        log.info("the credentials of this payment were sent by another job")
        return None
    step = next_step(sms.state, sms.attempt, work.envelope)
    if step == "wait":
        raise AnotherAttemptIsUnderWay(f"attempt {sms.attempt} of this job is sending")
    if step == "send":
        sms.state, sms.attempt, sms.reason = "sending", work.envelope.attempt, None
        return Intent(sms_id=sms.id, phone=sms.phone, text=vault.open(sms.sealed_text))
    if step == "unclear":
        _leave_unclear(sms, "the worker stopped while it was sending", work)
    return None


def next_step(
    state: str, began: int, envelope: Envelope
) -> Literal["send", "unclear", "wait", "nothing"]:
    """What a message that is written down already needs, when its job runs again.

    A Retry raises the attempt, and says that nothing was sent. The attempt that began last, here
    again, was cut off in the middle: the gateway may have the message. An operator's retry from
    the failed jobs counts from 1 anew.
    """
    if state == "failed" and envelope.was_failed:
        return "send"
    if state != "sending":
        return "nothing"
    if envelope.attempt == began:
        return "unclear"
    anew = envelope.was_failed and envelope.attempt == 1
    return "send" if envelope.attempt > began or anew else "wait"


def finish(intent: Intent, result: Result | Unclear, work: Work) -> None:
    """Write down what became of a message, and tell."""
    sms = locked(work.session, Sms.id == intent.sms_id)
    if sms is None:
        raise LookupError(f"message {intent.sms_id} was sent and is gone")
    if isinstance(result, Accepted):
        _take_as_sent(sms, result, work)
    elif isinstance(result, Refused):
        fail(sms, result.reason, work)
    elif sms.state == "sending":
        _leave_unclear(sms, result.reason, work)


def fail(sms: Sms, reason: str, work: Work) -> None:
    """The message did not arrive, and why."""
    sms.state, sms.reason, sms.failed_at = "failed", clean(reason), work.now
    _tell_failed(sms, clean(reason), work)


def first_credentials(session: Session, payment_id: UUID) -> UUID | None:
    """The message with a payment's credentials that the buyer has lost, if one was written."""
    return session.scalar(
        select(Sms.id).where(
            Sms.payment_id == payment_id, Sms.kind == "credentials", Sms.resend_of.is_(None)
        )
    )


def locked(session: Session, condition: object) -> Sms | None:
    """The message, as it is now, held until the transaction ends."""
    return session.scalar(
        select(Sms)
        .where(condition)  # type: ignore[arg-type]
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def _written_down(draft: Draft, work: Work, *, provider: str, vault: Vault) -> bool:
    written = (
        insert(Sms)
        .values(
            id=draft.sms_id,
            job_id=work.envelope.message_id,
            correlation_id=work.envelope.correlation_id,
            kind=draft.kind,
            phone=draft.phone,
            text=draft.words.shown,
            sealed_text=vault.seal(draft.words.full),
            state="sending",
            attempt=work.envelope.attempt,
            provider=provider,
            payment_id=draft.payment_id,
            resend_of=draft.resend_of,
            created_at=work.now,
        )
        .on_conflict_do_nothing()
        .returning(Sms.id)
    )
    return work.session.scalar(written) is not None


def _take_as_sent(sms: Sms, accepted: Accepted, work: Work) -> None:
    if sms.state != "delivered":
        sms.state = "sent"
    sms.reason = sms.failed_at = None
    sms.sent_at = work.now
    sms.provider_message_id = accepted.provider_message_id
    if accepted.cost is not None:
        sms.cost_amount, sms.cost_currency = accepted.cost.amount, accepted.cost.currency
    work.send(
        SmsSent(
            sms_id=sms.id,
            phone=sms.phone,
            provider=sms.provider,
            sent_at=work.now,
            payment_id=sms.payment_id,
        )
    )


def _leave_unclear(sms: Sms, reason: str, work: Work) -> None:
    """Nobody knows whether it was sent: it is not sent again by itself, an operator may."""
    sms.state, sms.reason = "unclear", clean(reason)
    _tell_failed(sms, f"unclear whether it was sent: {clean(reason)}", work)


def _tell_failed(sms: Sms, reason: str, work: Work) -> None:
    work.send(
        SmsFailed(
            sms_id=sms.id,
            phone=sms.phone,
            reason=reason,
            failed_at=work.now,
            payment_id=sms.payment_id,
        ),
        # A delivery report begins a correlation of its own: the payment's timeline has the other.
        correlation_id=sms.correlation_id,
    )
