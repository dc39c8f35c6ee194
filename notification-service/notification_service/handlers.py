"""Messages about SMS: one short function each."""

from dataclasses import dataclass

import structlog
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from hotspot.bus.outcome import Reject, Retry
from hotspot.bus.work import Unclear, Work
from hotspot.contract import table
from hotspot.contract.message import Message
from hotspot.contract.operations import JobFailed
from hotspot.contract.payments import PaymentCompleted
from hotspot.contract.sms import (
    RecordDeliveryReportJob,
    ResendSMSJob,
    SendCredentialsSMSJob,
    SendTextSMSJob,
    SmsDelivered,
)
from hotspot.vault import Vault
from notification_service import reports, sending
from notification_service.gateways import SmsGateway
from notification_service.models import Receipt, Sms
from notification_service.sending import Draft, Intent, Result
from notification_service.subscribers import waits_for_day
from notification_service.wording import Credentials, Wording, Words

log = structlog.get_logger()


class ReportCameFirst(Retry):
    """A report about a message whose id we do not know: its reply may still be on the way."""


@dataclass(frozen=True, kw_only=True)
class Desk:
    """What it takes to write a message and to send it."""

    gateway: SmsGateway
    vault: Vault
    wording: Wording


def prepare_credentials(job: SendCredentialsSMSJob, work: Work, *, desk: Desk) -> Intent | None:
    """Write down the SMS with username and password."""
    receipt = work.session.scalar(
        select(Receipt.receipt).where(Receipt.payment_id == job.payment_id)
    )
    told = Credentials(
        username=job.username,
        password=desk.vault.open(job.sealed_password),
        package=job.package_name,
        until=job.until,
        receipt=receipt,
    )
    draft = Draft(
        kind="credentials",
        phone=job.phone,
        words=desk.wording.credentials(work.session, told),
        payment_id=job.payment_id,
        resend_of=sending.first_credentials(work.session, job.payment_id) if job.again else None,
    )
    return sending.begin(draft, work, provider=desk.gateway.provider, vault=desk.vault)


def prepare_text(job: SendTextSMSJob, work: Work, *, desk: Desk) -> Intent | None:
    """Write down an SMS without secrets. None is sent that must wait for the day."""
    if waits_for_day(job, work):
        return None
    words = Words(full=job.text, shown=job.text)
    draft = Draft(kind=job.kind, phone=job.phone, words=words)
    return sending.begin(draft, work, provider=desk.gateway.provider, vault=desk.vault)


def prepare_resend(job: ResendSMSJob, work: Work, *, desk: Desk) -> Intent | None:
    """Write down a message anew: the old one keeps its own fate."""
    first = work.session.get(Sms, job.sms_id)
    if first is None:
        raise Reject(f"there is no message {job.sms_id}")
    draft = Draft(
        kind=first.kind,
        phone=first.phone,
        words=Words(full=desk.vault.open(first.sealed_text), shown=first.text),
        payment_id=first.payment_id,
        resend_of=first.id,
        sms_id=job.as_sms_id,
    )
    return sending.begin(draft, work, provider=desk.gateway.provider, vault=desk.vault)


def hand_over(intent: Intent, *, desk: Desk) -> Result:
    """Give a message to the gateway. Outside of any transaction."""
    return desk.gateway.send(intent.phone, intent.text)


def record_sms(_job: Message, intent: Intent, result: Result | Unclear, work: Work) -> None:
    """Write down what became of it."""
    sending.finish(intent, result, work)


def fail_given_up(event: JobFailed, work: Work) -> None:
    """A job that was to send a message was given up: the message says so too.

    Until an operator retries the job, which is among the failed jobs with the same reason.
    """
    if event.service != table.NOTIFICATION.name:
        return
    sms = sending.locked(work.session, Sms.job_id == event.message_id)
    if sms is not None and sms.state == "sending" and sms.attempt == event.attempts:
        sending.fail(sms, event.reason, work)


def record_delivery_report(job: RecordDeliveryReportJob, work: Work) -> None:
    """Keep what the gateway reported, and change the message where that is news."""
    sms = sending.locked(
        work.session,
        (Sms.provider == job.provider) & (Sms.provider_message_id == job.provider_message_id),
    )
    if sms is None and not work.last_try:
        raise ReportCameFirst(f"no message is known to {job.provider} as this yet")
    work.session.add(reports.row_of(job, sms.id if sms else None))
    if sms is None:
        log.warning("delivery report about no known message", status=job.status)
        return
    change = reports.change_of(sms.state, job.status)
    if change == "failed":
        sending.fail(sms, job.failure_reason or job.status, work)
    elif change == "delivered":
        sms.state, sms.reason, sms.failed_at = "delivered", None, None
        sms.delivered_at = job.received_at
        work.send(
            SmsDelivered(
                sms_id=sms.id,
                phone=sms.phone,
                delivered_at=job.received_at,
                payment_id=sms.payment_id,
            ),
            correlation_id=sms.correlation_id,
        )


def note_receipt(event: PaymentCompleted, work: Work) -> None:
    """Keep the receipt, so that the SMS with the credentials can name it."""
    work.session.execute(
        insert(Receipt)
        .values(payment_id=event.payment_id, receipt=event.receipt, completed_at=event.completed_at)
        .on_conflict_do_nothing()
    )
