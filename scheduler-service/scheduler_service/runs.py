"""Runs of the schedule: each due time is recorded once, then published until it is confirmed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.postgresql import insert

from hotspot.bus.envelope import Parcel, enclose
from hotspot.contract.message import Message
from hotspot.contract.table import SCHEDULER
from hotspot.ids import new_id
from scheduler_service.models import Run


@dataclass(frozen=True, kw_only=True)
class Due:
    """A run that was recorded and is not known to have been published."""

    message_id: UUID
    job: str


def record(connection: Connection, job: str, due_at: datetime, *, now: datetime, by: str) -> bool:
    """Record that a job is due; False where this due time is recorded already.

    Older runs of the job that could not be published are given up for this one.
    """
    row = insert(Run).values(
        message_id=new_id(), job=job, due_at=due_at, recorded_at=now, recorded_by=by
    )
    added = connection.execute(row.on_conflict_do_nothing().returning(Run.message_id)).first()
    if added is None:
        return False
    connection.execute(
        update(Run)
        .where(Run.job == job, Run.published_at.is_(None), Run.due_at < due_at, ~Run.superseded)
        .values(superseded=True)
    )
    return True


def to_publish(connection: Connection) -> Sequence[Due]:
    """What is still to be published, oldest first."""
    wanted = (
        select(Run.message_id, Run.job)
        .where(Run.published_at.is_(None), ~Run.superseded)
        .order_by(Run.due_at)
    )
    return [Due(message_id=row.message_id, job=row.job) for row in connection.execute(wanted)]


def note_published(connection: Connection, published: Sequence[Due], now: datetime) -> None:
    """They were confirmed by the broker."""
    ids = [due.message_id for due in published]
    connection.execute(update(Run).where(Run.message_id.in_(ids)).values(published_at=now))


def parcel_of(due: Due, message: Message, now: datetime) -> Parcel:
    """The message of a run. Sent again, it has the same id, and its listeners ignore it."""
    envelope = enclose(message, sender=SCHEDULER.name, now=now, correlation_id=due.message_id)
    return Parcel.of(message, replace(envelope, message_id=due.message_id))
