"""The bus's rows: which messages were handled, which wait to be sent, which were given up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hotspot.bus.envelope import Envelope, Parcel
from hotspot.bus.tables import failed_jobs, inbox, outbox, restarts

SWEEP_AT_MOST = 200


def mark_handled(session: Session, queue: str, message_ids: Sequence[UUID]) -> set[UUID]:
    """Mark messages as handled; answers those that were not handled before.

    A concurrent run of the same message waits here until the other has committed or given up.
    """
    rows = [{"message_id": one, "queue": queue} for one in sorted(set(message_ids))]
    marked = insert(inbox).on_conflict_do_nothing().returning(inbox.c.message_id)
    return set(session.scalars(marked, rows).all())


def count_restart(session: Session, queue: str, message_id: UUID) -> int:
    """Count that a redelivered message is begun once more; answers how often that was."""
    begun = (
        insert(restarts)
        .values(message_id=message_id, queue=queue)
        .on_conflict_do_update(
            index_elements=[restarts.c.message_id, restarts.c.queue],
            set_={"begun": restarts.c.begun + 1, "last_begun_at": func.now()},
        )
        .returning(restarts.c.begun)
    )
    return int(session.execute(begun).scalar_one())


def forget_restarts(session: Session, queue: str, message_id: UUID) -> None:
    """The message ended: it needs no counting any more."""
    session.execute(
        delete(restarts).where(restarts.c.message_id == message_id, restarts.c.queue == queue)
    )


def forget_failures(session: Session, message_ids: Sequence[UUID]) -> None:
    """A retried job succeeded: it is no failed job any more."""
    session.execute(delete(failed_jobs).where(failed_jobs.c.message_id.in_(message_ids)))


def put_in_outbox(session: Session, parcels: Sequence[Parcel]) -> None:
    """Record what is sent once this transaction commits."""
    if parcels:
        session.execute(insert(outbox), [_outbox_row(parcel) for parcel in parcels])


def clear_outbox(connection: Connection, message_ids: Sequence[UUID]) -> None:
    """Forget what the broker confirmed. Need not survive a crash: sending twice is harmless."""
    connection.execute(text("SET LOCAL synchronous_commit TO OFF"))
    connection.execute(delete(outbox).where(outbox.c.message_id.in_(message_ids)))


def lock_stale_outbox(connection: Connection, now: datetime, age: timedelta) -> list[Parcel]:
    """Rows that nobody sent for a while, locked against other sweepers."""
    stale = (
        select(outbox)
        .where(outbox.c.recorded_at < now - age)
        .order_by(outbox.c.recorded_at)
        .limit(SWEEP_AT_MOST)
        .with_for_update(skip_locked=True)
    )
    return [
        Parcel(
            exchange=row.exchange,
            routing_key=row.routing_key,
            envelope=envelope_in(row, was_failed=row.was_failed),
        )
        for row in connection.execute(stale)
    ]


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why and when a message was given up."""

    queue: str
    reason: str
    exception: str
    traceback: str
    failed_at: datetime


def record_failure(session: Session, envelope: Envelope, failure: Failure) -> bool:
    """One row a message: a job that fails again after a retry adds to its row.

    False where this very failure is recorded already.
    """
    row = {
        **_columns_of(envelope),
        "queue": failure.queue,
        "reason": failure.reason,
        "exception": failure.exception,
        "traceback": failure.traceback,
        "attempts": envelope.attempt,
        "first_failed_at": failure.failed_at,
        "last_failed_at": failure.failed_at,
    }
    recorded = insert(failed_jobs).values(row)
    changes = {
        "queue": recorded.excluded.queue,
        "reason": recorded.excluded.reason,
        "exception": recorded.excluded.exception,
        "traceback": recorded.excluded.traceback,
        "attempts": failed_jobs.c.attempts + recorded.excluded.attempts,
        "failures": failed_jobs.c.failures + 1,
        "last_failed_at": recorded.excluded.last_failed_at,
        "retried_at": None,
    }
    added = session.execute(
        recorded.on_conflict_do_update(
            index_elements=[failed_jobs.c.message_id],
            set_=changes,
            where=failed_jobs.c.last_failed_at < recorded.excluded.last_failed_at,
        ).returning(failed_jobs.c.message_id)
    )
    return added.first() is not None


def envelope_in(row: Row[Any], *, was_failed: bool) -> Envelope:
    """The envelope that a row of the outbox or of the failed jobs keeps."""
    return Envelope(
        message_id=row.message_id,
        name=row.name,
        version=row.version,
        correlation_id=row.correlation_id,
        causation_id=row.causation_id,
        sent_at=row.sent_at,
        sender=row.sender,
        body=row.body,
        was_failed=was_failed,
    )


def _columns_of(envelope: Envelope) -> dict[str, object]:
    """What `envelope_in` needs to make it again."""
    return {
        "message_id": envelope.message_id,
        "name": envelope.name,
        "version": envelope.version,
        "correlation_id": envelope.correlation_id,
        "causation_id": envelope.causation_id,
        "sender": envelope.sender,
        "sent_at": envelope.sent_at,
        "body": envelope.body,
    }


def _outbox_row(parcel: Parcel) -> dict[str, object]:
    return {
        **_columns_of(parcel.envelope),
        "exchange": parcel.exchange,
        "routing_key": parcel.routing_key,
        "was_failed": parcel.envelope.was_failed,
    }
