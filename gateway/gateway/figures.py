"""The dashboard's figures: counted as events arrive, so that reading them costs the same always."""

from datetime import date, datetime
from typing import cast

from sqlalchemy import Table, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from gateway import events
from gateway.models import DashboardStats, DayFigure
from hotspot.clock import NAIROBI
from hotspot.contract.access import HotspotUserCreated
from hotspot.contract.message import Message
from hotspot.contract.operations import JobFailed
from hotspot.contract.payments import PaymentCompleted, PaymentFailed, PaymentRequested
from hotspot.contract.sessions import SessionStarted
from hotspot.contract.sms import SmsDelivered, SmsFailed, SmsSent

# Events that simply count: each adds one to a figure of the day it happened on.
COUNTED: dict[type[Message], str] = {
    PaymentRequested: "payments_requested",
    HotspotUserCreated: "users_served",
    SessionStarted: "sessions_started",
    SmsSent: "sms_sent",
    SmsDelivered: "sms_delivered",
    SmsFailed: "sms_failed",
    JobFailed: "jobs_failed",
}
COMPLETED, FAILED, REVENUE = "payments_completed", "payments_failed", "revenue"
FIGURES = (*COUNTED.values(), COMPLETED, FAILED, REVENUE)


# Made once: building a statement costs more than running it.
_TABLE = cast(Table, DayFigure.__table__)
_ADDED = insert(_TABLE)
_ADD = _ADDED.on_conflict_do_update(
    index_elements=[_TABLE.c.day, _TABLE.c.figure],
    set_={"value": _TABLE.c.value + _ADDED.excluded.value},
)


def count(session: Session, event: Message, at: datetime) -> None:
    """Add an event, just recorded for the first time, to the figures of its day."""
    changes = [
        {"day": day, "figure": figure, "value": by}
        for day, figure, by in _changes(session, event, at)
    ]
    if changes:
        session.execute(_ADD, changes)


def work_out(session: Session, now: datetime) -> None:
    """Replace what the dashboard shows by the figures of today."""
    today = day_of(now)
    rows = session.execute(
        select(DayFigure.figure, DayFigure.value).where(DayFigure.day == today)
    ).all()
    shown = {"as_of": now, "day": today, "figures": {row.figure: row.value for row in rows}}
    session.execute(
        insert(DashboardStats)
        .values(id=1, **shown)
        .on_conflict_do_update(index_elements=[DashboardStats.id], set_=shown)
    )


def day_of(moment: datetime) -> date:
    """The day in Nairobi, where the provider's day begins and ends."""
    return moment.astimezone(NAIROBI).date()


def _changes(session: Session, event: Message, at: datetime) -> list[tuple[date, str, int]]:
    """Which figures of which days an event changes, and by how much."""
    day = day_of(at)
    if isinstance(event, PaymentCompleted):
        failures = events.times_of(session, PaymentFailed.NAME, event.payment_id)
        # A success that came late wins: what was counted as failed was not.
        undone = [(day_of(failures[0]), FAILED, -1)] if failures else []
        return [(day, COMPLETED, 1), (day, REVENUE, event.amount.amount), *undone]
    if isinstance(event, PaymentFailed):
        failures = events.times_of(session, PaymentFailed.NAME, event.payment_id)
        completed = events.times_of(session, PaymentCompleted.NAME, event.payment_id)
        return [(day, FAILED, 1)] if len(failures) == 1 and not completed else []
    figure = COUNTED.get(type(event))
    return [(day, figure, 1)] if figure else []
