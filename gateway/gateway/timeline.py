"""The timeline of a payment: every event and job under its id, in the order of time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Connection, Row, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from gateway.models import RecordedEvent, RecordedStep
from hotspot.contract.operations import Step
from hotspot.contract.rows import Event, Job
from hotspot.contract.table import GATEWAY
from hotspot.contract.topology import UnknownMessage, row_named

# More than any payment has; a correlation may be a nightly job over thousands of rows.
AT_MOST = 1_000

Kind = Literal["event", "job"]


@dataclass(frozen=True, kw_only=True)
class Item:
    """One line: a fact when it was published, or a message when a service handled it.

    A published fact has the outcome "published" and was not waited for: no start, no duration.
    """

    at: datetime
    kind: Kind
    message: str
    service: str
    attempt: int
    sent_at: datetime
    queued_ms: float | None
    started_at: datetime | None
    duration_ms: float | None
    outcome: str
    error: str | None
    message_id: UUID
    causation_id: UUID | None


@dataclass(frozen=True, kw_only=True)
class Trace:
    """All that is known under one id. `truncated`: there is more than is shown."""

    id: UUID
    correlation_id: UUID
    items: Sequence[Item]
    truncated: bool


def record_steps(session: Session, service: str, steps: Sequence[Step]) -> None:
    """Keep what a worker handled. A step that is kept already stays as it is."""
    rows = [
        {
            "message_id": step.message_id,
            "service": service,
            "attempt": step.attempt,
            "started_at": step.started_at,
            "message": step.message,
            "correlation_id": step.correlation_id,
            "causation_id": step.causation_id,
            "sent_at": step.sent_at,
            "duration_ms": step.duration_ms,
            "outcome": step.outcome,
            "error": step.error,
        }
        # In one order, so that two groups with the same steps never wait for each other.
        for step in sorted(steps, key=lambda step: (step.message_id, step.attempt))
    ]
    if rows:
        session.execute(insert(RecordedStep).on_conflict_do_nothing(), rows)


def trace(connection: Connection, wanted: UUID) -> Trace | None:
    """The timeline of a payment or of a correlation; None where nothing is known of it."""
    facts = connection.execute(
        select(RecordedEvent.__table__)
        .where(or_(RecordedEvent.correlation_id == wanted, RecordedEvent.payment_id == wanted))
        .order_by(RecordedEvent.seq)
        .limit(AT_MOST + 1)
    ).all()
    # A session may end in a nightly check's correlation: its event belongs to the payment too,
    # and so do the steps of those who heard it.
    elsewhere = [fact.message_id for fact in facts if fact.correlation_id != wanted]
    steps = connection.execute(
        select(RecordedStep.__table__)
        .where(
            or_(RecordedStep.correlation_id == wanted, RecordedStep.message_id.in_(elsewhere)),
        )
        .order_by(RecordedStep.started_at)
        .limit(AT_MOST + 1)
    ).all()
    if not facts and not steps:
        return None
    items = [_published(fact) for fact in facts]
    items += _facts_behind(steps)
    items += [item for item in map(_handled, steps) if not _is_our_own_listening(item)]
    items.sort(key=_place)
    ids = [*(fact.correlation_id for fact in facts), *(step.correlation_id for step in steps)]
    return Trace(
        id=wanted,
        correlation_id=wanted if wanted in ids else ids[0],
        items=items[:AT_MOST],
        truncated=len(facts) > AT_MOST or len(steps) > AT_MOST or len(items) > AT_MOST,
    )


def _published(fact: Row[Any]) -> Item:
    return _fact(fact.name, fact.service, fact.at, fact.message_id, fact.causation_id)


def _facts_behind(steps: Sequence[Row[Any]]) -> list[Item]:
    """Events that are handled as a job: the dashboard does not hear them, but they were facts."""
    found: dict[UUID, Item] = {}
    for step in steps:
        row = _row_of(step.message)
        if isinstance(row, Event) and row.as_job and row.sent_by:
            found[step.message_id] = _fact(
                step.message, row.sent_by.name, step.sent_at, step.message_id, step.causation_id
            )
    return list(found.values())


def _fact(
    name: str, service: str, at: datetime, message_id: UUID, causation_id: UUID | None
) -> Item:
    return Item(
        at=at,
        kind="event",
        message=name,
        service=service,
        attempt=1,
        sent_at=at,
        queued_ms=None,
        started_at=None,
        duration_ms=None,
        outcome="published",
        error=None,
        message_id=message_id,
        causation_id=causation_id,
    )


def _handled(step: Row[Any]) -> Item:
    kind, name = _kind_and_name(step.message)
    waited = (step.started_at - step.sent_at).total_seconds() * 1000
    return Item(
        at=step.started_at,
        kind=kind,
        message=name,
        service=step.service,
        attempt=step.attempt,
        sent_at=step.sent_at,
        queued_ms=round(max(waited, 0.0), 3),
        started_at=step.started_at,
        duration_ms=step.duration_ms,
        outcome=step.outcome,
        error=step.error,
        message_id=step.message_id,
        causation_id=step.causation_id,
    )


def _kind_and_name(message: str) -> tuple[Kind, str]:
    """An event that is handled as a job reads as that job."""
    row = _row_of(message)
    if row is None:
        return "job", message
    is_fact = isinstance(row, Event) and row.as_job is None
    return ("event" if is_fact else "job"), row.handled_as.NAME


def _row_of(message: str) -> Job | Event | None:
    try:
        return row_named(message)
    except UnknownMessage:  # from a service that is newer than this gateway
        return None


def _is_our_own_listening(item: Item) -> bool:
    """That the gateway heard an event says no more than that it was published."""
    return item.service == GATEWAY.name and item.kind == "event" and item.outcome == "done"


def _place(item: Item) -> tuple[datetime, bool, UUID]:
    """By time; what a handler publishes bears the time of its own start, and comes after it."""
    return item.at, item.outcome == "published", item.message_id
