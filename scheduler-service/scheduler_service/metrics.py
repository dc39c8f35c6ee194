"""Figures over time: a snapshot a minute, quarters of an hour for what is older."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Connection, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import INTERVAL, insert
from sqlalchemy.orm import Session

from scheduler_service.figures import Figures
from scheduler_service.models import Quarter, Snapshot

QUARTER: Final = timedelta(minutes=15)
MINUTE: Final = timedelta(minutes=1)
RAW_KEPT_DAYS: Final = 2
KEPT_DAYS: Final = 30

_ORIGIN = datetime(2026, 1, 1, tzinfo=UTC)

_ROLL_UP = text(
    """
    INSERT INTO quarters (at, figures)
    SELECT at, jsonb_object_agg(name, jsonb_build_object('avg', avg, 'max', max, 'n', n))
    FROM (
        SELECT date_bin('15 minutes', at, :origin) AS at, name,
            avg(value::float8) AS avg, max(value::float8) AS max, count(*) AS n
        FROM snapshots, jsonb_each_text(figures) AS figure (name, value)
        WHERE at >= :since AND at < :until
        GROUP BY 1, 2
    ) AS each
    GROUP BY at
    ON CONFLICT (at) DO NOTHING
    """
)

# One condition on `at` for each table: what is rolled up is read once.
_SERIES = text(
    """
    SELECT date_bin(:step, at, :origin) AS at, sum(avg * n) / sum(n) AS avg, max(max) AS max
    FROM (
        SELECT at, (figures ->> :name)::float8 AS avg, (figures ->> :name)::float8 AS max, 1 AS n
        FROM snapshots WHERE at >= :since AND at >= :raw_from AND figures ? :name
        UNION ALL
        SELECT at, (figures -> :name ->> 'avg')::float8, (figures -> :name ->> 'max')::float8,
            (figures -> :name ->> 'n')::int
        FROM quarters WHERE at >= :since AND at < :raw_from AND figures ? :name
    ) AS point
    GROUP BY 1 ORDER BY 1
    """
).bindparams(bindparam("step", type_=INTERVAL))


@dataclass(frozen=True, kw_only=True)
class Point:
    """A figure over one step of time, which begins at `at`."""

    at: datetime
    avg: float
    max: float


def keep(session: Session, figures: Figures, now: datetime) -> None:
    """Keep what was measured; and what a whole quarter of an hour measured, together."""
    row = insert(Snapshot).values(at=now, figures=dict(figures))
    session.execute(row.on_conflict_do_nothing())
    done = session.scalar(select(func.max(Quarter.at)))
    since = done + QUARTER if done else _quarter_of(now) - timedelta(days=RAW_KEPT_DAYS)
    if since + QUARTER <= now:
        session.execute(_ROLL_UP, {"origin": _ORIGIN, "since": since, "until": _quarter_of(now)})


def of_minutes_ago(session: Session, minutes: int, now: datetime) -> Figures:
    """The oldest figures that are not older than that; none where nothing was measured."""
    wanted = (
        select(Snapshot.figures)
        .where(Snapshot.at >= now - timedelta(minutes=minutes), Snapshot.at < now)
        .order_by(Snapshot.at)
        .limit(1)
    )
    return session.scalar(wanted) or {}


def latest(connection: Connection) -> tuple[datetime, Figures] | None:
    """What was measured last."""
    row = connection.execute(
        select(Snapshot.at, Snapshot.figures).order_by(Snapshot.at.desc()).limit(1)
    ).first()
    return (row.at, row.figures) if row else None


def series(
    connection: Connection, name: str, *, since: datetime, step: timedelta
) -> Sequence[Point]:
    """A figure from `since` on, averages and maxima by step; where nothing was measured, nothing.

    What is older than two days is known by quarters of an hour, however small the step.
    """
    if step < QUARTER:
        raw_from = connection.scalar(select(func.min(Snapshot.at)))
    else:
        done = connection.scalar(select(func.max(Quarter.at)))
        raw_from = done + QUARTER if done else None
    rows = connection.execute(
        _SERIES,
        {
            "name": name,
            "since": since,
            "step": step,
            "origin": _ORIGIN,
            "raw_from": raw_from or _ORIGIN,
        },
    )
    return [Point(at=row.at, avg=row.avg, max=row.max) for row in rows]


def _quarter_of(moment: datetime) -> datetime:
    return moment - (moment - _ORIGIN) % QUARTER
