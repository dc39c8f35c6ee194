"""The dashboard's figures: counted as events arrive, so that reading them costs the same always."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, cast

from sqlalchemy import Table, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from gateway import events
from gateway.models import DashboardStats, DayFigure
from hotspot.clock import NAIROBI
from hotspot.contract.access import HotspotUserCreated
from hotspot.contract.message import Message
from hotspot.contract.operations import JobFailed
from hotspot.contract.payments import (
    PaymentCompleted,
    PaymentFailed,
    PaymentRequested,
    PaymentReversed,
)
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
REVERSED, SENT_BACK = "payments_reversed", "sent_back"
SESSIONS = COUNTED[SessionStarted]
FIGURES = (*COUNTED.values(), COMPLETED, FAILED, REVENUE, REVERSED, SENT_BACK)
# What is counted for each router too, as "<figure>@<router>"; a session's is its NAS's address.
BY_ROUTER = (COMPLETED, REVENUE, SESSIONS)
DAYS_SHOWN = 30
BUSIEST_SHOWN = 50


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
    counted: dict[str, Any] = {row.figure: row.value for row in rows if "@" not in row.figure}
    counted["days"] = _days(session, today)
    counted["routers"] = _routers({row.figure: row.value for row in rows if "@" in row.figure})
    shown = {"as_of": now, "day": today, "figures": counted}
    session.execute(
        insert(DashboardStats)
        .values(id=1, **shown)
        .on_conflict_do_update(index_elements=[DashboardStats.id], set_=shown)
    )


def shown(kept: Mapping[str, Any]) -> dict[str, Any]:
    """Kept figures as operators see them: 0 where nothing was counted, money as money."""
    counted = {name: kept.get(name, 0) for name in FIGURES}
    lists = {name: [_with_money(row) for row in kept.get(name, ())] for name in ("days", "routers")}
    for day in lists["days"]:
        day["day"] = date.fromisoformat(day["day"])
    return _with_money(counted) | lists


def _with_money(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {"amount": value, "currency": "KES"} if name in (REVENUE, SENT_BACK) else value
        for name, value in row.items()
    }


def day_of(moment: datetime) -> date:
    """The day in Nairobi, where the provider's day begins and ends."""
    return moment.astimezone(NAIROBI).date()


def _days(session: Session, today: date) -> list[dict[str, Any]]:
    """The last 30 days, oldest first; also those on which nothing happened."""
    first = today - timedelta(days=DAYS_SHOWN - 1)
    drawn = (REVENUE, COMPLETED, FAILED, SESSIONS)
    wanted = select(DayFigure.day, DayFigure.figure, DayFigure.value).where(
        DayFigure.day >= first, DayFigure.figure.in_(drawn)
    )
    counted = {(row.day, row.figure): row.value for row in session.execute(wanted)}
    days = [first + timedelta(days=at) for at in range(DAYS_SHOWN)]
    return [
        {"day": day.isoformat(), **{name: counted.get((day, name), 0) for name in drawn}}
        for day in days
    ]


def _routers(counted: dict[str, int]) -> list[dict[str, Any]]:
    """Today by router, the busiest first."""
    found: dict[str, dict[str, Any]] = defaultdict(lambda: dict.fromkeys(BY_ROUTER, 0))
    for name, value in counted.items():
        figure, _, router = name.partition("@")
        found[router][figure] = value
    rows = [{"router": router, **numbers} for router, numbers in found.items()]
    rows.sort(key=lambda row: (-row[REVENUE], -row[SESSIONS], row["router"]))
    return rows[:BUSIEST_SHOWN]


def _changes(session: Session, event: Message, at: datetime) -> list[tuple[date, str, int]]:
    """Which figures of which days an event changes, and by how much."""
    day = day_of(at)
    if isinstance(event, PaymentCompleted):
        failures = events.times_of(session, PaymentFailed.NAME, event.payment_id)
        # A success that came late wins: what was counted as failed was not.
        undone = [(day_of(failures[0]), FAILED, -1)] if failures else []
        amount = event.amount.amount
        added = [(day, COMPLETED, 1), (day, REVENUE, amount)]
        if event.router_id:
            added += [
                (day, f"{COMPLETED}@{event.router_id}", 1),
                (day, f"{REVENUE}@{event.router_id}", amount),
            ]
        return added + undone
    if isinstance(event, PaymentFailed):
        failures = events.times_of(session, PaymentFailed.NAME, event.payment_id)
        completed = events.times_of(session, PaymentCompleted.NAME, event.payment_id)
        return [(day, FAILED, 1)] if len(failures) == 1 and not completed else []
    if isinstance(event, PaymentReversed):
        return [(day, REVERSED, 1), (day, SENT_BACK, event.amount.amount)]
    if isinstance(event, SessionStarted):
        return [(day, SESSIONS, 1), (day, f"{SESSIONS}@{event.nas}", 1)]
    figure = COUNTED.get(type(event))
    return [(day, figure, 1)] if figure else []
