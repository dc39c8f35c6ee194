"""Failed jobs: recorded, looked at, sent again, forgotten."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select, true, update
from sqlalchemy.orm import Session

from hotspot.bus import ledger
from hotspot.bus.envelope import Envelope, Headers, Parcel, enclose
from hotspot.bus.handling import Handling
from hotspot.bus.ledger import Failure
from hotspot.bus.outcome import GiveUp
from hotspot.bus.tables import failed_jobs
from hotspot.bus.transport import Delivery
from hotspot.bus.work import Handlers, Work
from hotspot.contract.message import utc_text
from hotspot.contract.operations import FlushFailedJobsJob, JobFailed, RetryFailedJobsJob


def notes_of(outcome: GiveUp, queue: str, now: datetime) -> Headers:
    """Why a message is parked, as headers that travel with it."""
    return {
        "parked_from": queue,
        "reason": outcome.reason,
        "exception": outcome.exception,
        "traceback": outcome.traceback,
        "failed_at": utc_text(now),
    }


def is_stale(delivery: Delivery) -> bool:
    """Whether a parked message is no failure: it waited until nobody wanted it any more."""
    death = delivery.properties.death()
    return death is not None and death.is_of_age and "failed_at" not in delivery.properties.headers


def failure_of_parked(delivery: Delivery, now: datetime) -> Failure:
    """Why a parked message is there: our own notes, or the broker's own reason."""
    headers = delivery.properties.headers
    if "failed_at" in headers:
        return Failure(
            queue=str(headers.get("parked_from")),
            reason=str(headers.get("reason")),
            exception=str(headers.get("exception")),
            traceback=str(headers.get("traceback")),
            failed_at=datetime.fromisoformat(str(headers["failed_at"])),
        )
    death = delivery.properties.death()
    return Failure(
        queue=death.queue if death else delivery.queue,
        reason=f"the broker gave it up: {death.reason if death else 'unknown'}",
        exception="WorkerKeepsDying",
        traceback="",
        failed_at=now,
    )


def record_parked(handling: Handling, envelope: Envelope, failure: Failure) -> list[Parcel]:
    """Keep a parked message as a failed job, and tell the dashboard."""
    told = JobFailed(
        service=handling.service,
        message_id=envelope.message_id,
        message=envelope.name,
        queue=failure.queue,
        reason=failure.reason,
        attempts=envelope.attempt,
        failed_at=failure.failed_at,
    )
    with Session(handling.engine) as session:
        if not ledger.record_failure(session, envelope, failure):
            return []
        ledger.forget_restarts(session, failure.queue, envelope.message_id)
        parcel = Parcel.of(
            told,
            enclose(
                told,
                sender=handling.service,
                now=handling.clock(),
                correlation_id=envelope.correlation_id,
                causation_id=envelope.message_id,
            ),
        )
        ledger.put_in_outbox(session, [parcel])
        session.commit()
    return [parcel]


def retry_failed_jobs(job: RetryFailedJobsJob, work: Work) -> None:
    """Send failed jobs again, each to its queue, with the ids that it had."""
    chosen = select(failed_jobs).where(_chosen(job.message_ids)).with_for_update()
    for row in work.session.execute(chosen).all():
        envelope = ledger.envelope_in(row, was_failed=True)
        work.sent.append(Parcel(exchange="", routing_key=row.queue, envelope=envelope))
    work.session.execute(
        update(failed_jobs).where(_chosen(job.message_ids)).values(retried_at=work.now)
    )


def flush_failed_jobs(job: FlushFailedJobsJob, work: Work) -> None:
    """Forget failed jobs: an operator decided that they need not be done."""
    work.session.execute(delete(failed_jobs).where(_chosen(job.message_ids)))


# Every service handles these two: its own workers added them to the service's table.
FAILED_JOBS_HANDLERS: Handlers = {
    RetryFailedJobsJob: retry_failed_jobs,
    FlushFailedJobsJob: flush_failed_jobs,
}


def _chosen(message_ids: tuple[UUID, ...]) -> ColumnElement[bool]:
    return failed_jobs.c.message_id.in_(message_ids) if message_ids else true()
