"""Figures over time, by minute and by quarter of an hour."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, delete, func, select
from sqlalchemy.orm import Session

from hotspot.testing.handling import NOON
from scheduler_service import metrics
from scheduler_service.metrics import Point
from scheduler_service.models import Quarter, Snapshot

MINUTE = timedelta(minutes=1)


def measure(engine: Engine, begin: datetime, values: list[float]) -> None:
    """One value a minute."""
    with Session(engine) as session, session.begin():
        for minute, value in enumerate(values):
            metrics.keep(session, {"load": value}, begin + minute * MINUTE)


def series(engine: Engine, since: datetime, step: timedelta) -> list[Point]:
    with engine.connect() as connection:
        return list(metrics.series(connection, "load", since=since, step=step))


def test_nothing_measured_is_an_empty_series(engine: Engine) -> None:
    assert series(engine, NOON, MINUTE) == []


def test_minutes_are_shown_as_they_were_measured(engine: Engine) -> None:
    measure(engine, NOON, [1, 5, 3])

    assert [(point.avg, point.max) for point in series(engine, NOON + MINUTE, MINUTE)] == [
        (5, 5),
        (3, 3),
    ]


def test_a_longer_step_has_the_average_and_the_highest(engine: Engine) -> None:
    measure(engine, NOON, [1, 5, 3, 7])

    assert series(engine, NOON, 2 * MINUTE) == [
        Point(at=NOON, avg=3, max=5),
        Point(at=NOON + 2 * MINUTE, avg=5, max=7),
    ]


def test_each_whole_quarter_is_rolled_up_once(engine: Engine) -> None:
    measure(engine, NOON, [float(minute) for minute in range(40)])

    with Session(engine) as session:
        quarters = session.scalars(select(Quarter).order_by(Quarter.at)).all()
    assert [(one.at, one.figures["load"]) for one in quarters] == [
        (NOON, {"avg": 7, "max": 14, "n": 15}),
        (NOON + 15 * MINUTE, {"avg": 22, "max": 29, "n": 15}),
    ]


@pytest.mark.parametrize("step", [timedelta(minutes=15), timedelta(hours=1)])
def test_a_series_is_the_same_before_and_after_its_minutes_are_forgotten(
    engine: Engine, step: timedelta
) -> None:
    measure(engine, NOON, [float(minute) for minute in range(61)])
    before = series(engine, NOON, step)
    with Session(engine) as session, session.begin():
        session.execute(delete(Snapshot).where(Snapshot.at < NOON + 60 * MINUTE))

    assert series(engine, NOON, step) == before
    assert before[0].at == NOON
    assert sum(point.avg for point in before[:-1]) / len(before[:-1]) == 29.5


def test_minutes_that_are_forgotten_are_shown_by_quarters(engine: Engine) -> None:
    measure(engine, NOON, [float(minute) for minute in range(32)])
    with Session(engine) as session, session.begin():
        session.execute(delete(Snapshot).where(Snapshot.at < NOON + 30 * MINUTE))

    shown = series(engine, NOON, MINUTE)

    assert [point.at for point in shown] == [
        NOON,
        NOON + 15 * MINUTE,
        NOON + 30 * MINUTE,
        NOON + 31 * MINUTE,
    ]
    assert [point.avg for point in shown] == [7, 22, 30, 31]


def test_a_pause_in_measuring_leaves_a_gap_and_is_rolled_up_all_the_same(engine: Engine) -> None:
    measure(engine, NOON, [4])
    measure(engine, NOON + timedelta(hours=5), [2])

    assert [point.at for point in series(engine, NOON, timedelta(hours=1))] == [
        NOON,
        NOON + timedelta(hours=5),
    ]
    with Session(engine) as session:
        assert session.scalar(select(func.count()).select_from(Quarter)) == 1
