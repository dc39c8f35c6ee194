"""Of several schedulers one acts; what is due is published once, whoever dies when."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from sqlalchemy import Engine, Row, select, text
from sqlalchemy.exc import SQLAlchemyError

from hotspot.clock import utc_now
from hotspot.contract.message import Message
from hotspot.contract.operations import MeasureServiceJob, RotateLogs, UpdateDashboardStatsJob
from hotspot.testing.brokers import wait_for
from hotspot.testing.handling import NOON, FakePublisher
from scheduler_service import runs
from scheduler_service.leader import Leadership, LeadershipLost
from scheduler_service.models import JOBS, Run
from scheduler_service.schedules import Daily, Every, Schedule
from scheduler_service.timer import Desk, Timekeeper

from .candidate import EVERY_SECOND, PATIENCE

CANDIDATE = Path(__file__).with_name("candidate.py")
MINUTELY = (Schedule(MeasureServiceJob, Every(period=timedelta(minutes=1))),)
NIGHTLY = (Schedule(RotateLogs, Daily(at=time(0, 30))),)
HALF_PAST_MIDNIGHT = datetime(2026, 1, 15, 21, 30, tzinfo=UTC)  # in Nairobi
MOMENT = timedelta(milliseconds=150)


def all_runs(engine: Engine) -> Sequence[Row[Any]]:
    with engine.connect() as connection:
        return connection.execute(select(Run.__table__).order_by(Run.due_at)).all()


def published(engine: Engine, job: type[Message] = MeasureServiceJob) -> list[datetime]:
    """The due times of a job that were published."""
    return [run.due_at for run in all_runs(engine) if run.published_at and run.job == job.NAME]


def cut_off(engine: Engine) -> None:
    """End the sessions of all schedulers, as a broken network would."""
    with engine.begin() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'hotspot scheduler' AND datname = current_database()"
            )
        )


@contextmanager
def scheduler(
    url: str, publisher: FakePublisher, schedules: Sequence[Schedule], name: str = "a"
) -> Iterator[Timekeeper]:
    timekeeper = Timekeeper(
        database_url=url,
        publisher=publisher,
        schedules=schedules,
        patience=PATIENCE,
        clock=utc_now,
        name=name,
    )
    thread = threading.Thread(target=timekeeper.run)
    thread.start()
    try:
        yield timekeeper
    finally:
        timekeeper.stop()
        thread.join()


@contextmanager
def process(url: str, name: str) -> Iterator["subprocess.Popen[bytes]"]:
    running = subprocess.Popen([sys.executable, str(CANDIDATE), url, name])
    try:
        yield running
    finally:
        running.kill()
        running.wait()


def acts(engine: Engine, name: str, since: datetime) -> bool:
    return any(run.recorded_by == name and run.due_at > since for run in all_runs(engine))


def test_of_two_schedulers_one_acts(engine: Engine, url: str) -> None:
    publishers = FakePublisher(), FakePublisher()
    with ExitStack() as both:
        for name, publisher in zip("ab", publishers, strict=True):
            both.enter_context(scheduler(url, publisher, EVERY_SECOND, name))
        wait_for(lambda: len(published(engine)) >= 2)

    counts = [len(publisher.parcels) for publisher in publishers]
    assert 0 in counts
    assert sum(counts) == len(all_runs(engine))


def test_who_leads_and_loses_its_session_stops_and_another_goes_on(
    engine: Engine, url: str, publisher: FakePublisher
) -> None:
    with ExitStack() as both:
        for name in "ab":
            both.enter_context(scheduler(url, publisher, EVERY_SECOND, name))
        wait_for(lambda: published(engine))
        cut_off(engine)
        before = utc_now()
        wait_for(lambda: any(due > before for due in published(engine)))

    due = published(engine)
    assert len(due) == len(set(due)) == len(publisher.parcels)


def test_when_the_leader_is_killed_another_takes_over(engine: Engine, url: str) -> None:
    with process(url, "first") as first:
        wait_for(lambda: acts(engine, "first", NOON))
        with process(url, "second"):
            first.kill()
            killed_at = utc_now()
            wait_for(lambda: acts(engine, "second", killed_at), seconds=10)


def test_a_leader_that_is_paused_loses_its_place_and_does_nothing_when_it_goes_on(
    engine: Engine, url: str, publisher: FakePublisher
) -> None:
    with process(url, "sleeper") as sleeper:
        wait_for(lambda: acts(engine, "sleeper", NOON))
        os.kill(sleeper.pid, signal.SIGSTOP)
        paused_at = utc_now()
        with scheduler(url, publisher, EVERY_SECOND, "other"):
            wait_for(lambda: acts(engine, "other", paused_at), seconds=10)
            os.kill(sleeper.pid, signal.SIGCONT)
            resumed_at = utc_now()
            wait_for(lambda: sum(due > resumed_at for due in published(engine)) >= 2)

    after = [run for run in all_runs(engine) if run.due_at > resumed_at]
    assert {run.recorded_by for run in after} == {"other"}


def test_without_its_session_a_leader_can_neither_record_nor_publish(
    engine: Engine, url: str, publisher: FakePublisher
) -> None:
    leadership = Leadership(url, PATIENCE)
    assert leadership.try_to_take()
    desk = Desk(
        engine=leadership.engine,
        publisher=publisher,
        schedules=MINUTELY,
        clock=utc_now,
        name="paused",
    )

    cut_off(engine)

    with pytest.raises(SQLAlchemyError):
        desk.take(MeasureServiceJob.NAME, NOON)
    with pytest.raises(LeadershipLost):
        desk.take(MeasureServiceJob.NAME, NOON)
    assert publisher.parcels == []
    assert list(all_runs(engine)) == []
    leadership.leave()


def test_postgres_ends_the_session_of_a_leader_that_says_nothing(engine: Engine, url: str) -> None:
    silent = Leadership(url, PATIENCE)
    assert silent.try_to_take()
    other = Leadership(url, PATIENCE)

    wait_for(other.try_to_take, seconds=10)

    with pytest.raises(SQLAlchemyError):
        silent.confirm()
    for one in (silent, other):
        one.leave()


def test_a_daily_job_runs_once_at_its_hour_also_across_a_restart_and_with_two_schedulers(
    engine: Engine, url: str, publisher: FakePublisher
) -> None:
    table = (*NIGHTLY, *EVERY_SECOND)  # who has published the second one has looked at both
    with time_machine.travel(HALF_PAST_MIDNIGHT - 2 * MOMENT):
        with ExitStack() as both:
            for name in "ab":
                both.enter_context(scheduler(url, publisher, table, name))
            wait_for(lambda: published(engine, RotateLogs))
        with scheduler(url, publisher, table, "restarted"):
            wait_for(lambda: acts(engine, "restarted", HALF_PAST_MIDNIGHT))
    assert published(engine, RotateLogs) == [HALF_PAST_MIDNIGHT]

    tomorrow = HALF_PAST_MIDNIGHT + timedelta(days=1)
    with time_machine.travel(tomorrow - 2 * MOMENT), scheduler(url, publisher, table):
        wait_for(lambda: len(published(engine, RotateLogs)) == 2)
    assert published(engine, RotateLogs) == [HALF_PAST_MIDNIGHT, tomorrow]
    assert publisher.sent.count(RotateLogs()) == 2


def test_a_daily_job_whose_hour_nobody_was_there_for_runs_once_as_soon_as_somebody_is(
    engine: Engine, url: str, publisher: FakePublisher
) -> None:
    lead_for_a_moment(engine, url, publisher, NIGHTLY, HALF_PAST_MIDNIGHT - timedelta(hours=5))
    assert publisher.parcels == []

    lead_for_a_moment(engine, url, publisher, NIGHTLY, HALF_PAST_MIDNIGHT + timedelta(hours=2))

    assert published(engine, RotateLogs) == [HALF_PAST_MIDNIGHT]


def test_missed_runs_are_coalesced_into_one(
    engine: Engine, url: str, publisher: FakePublisher
) -> None:
    later = NOON + timedelta(hours=3)
    lead_for_a_moment(engine, url, publisher, MINUTELY, NOON + timedelta(seconds=30))
    lead_for_a_moment(engine, url, publisher, MINUTELY, later + timedelta(seconds=30))

    assert published(engine, MeasureServiceJob) == [later]


def lead_for_a_moment(
    engine: Engine,
    url: str,
    publisher: FakePublisher,
    schedules: Sequence[Schedule],
    now: datetime,
) -> None:
    """Have one scheduler lead at a time, until nothing is due any more."""
    with time_machine.travel(now), scheduler(url, publisher, schedules):
        wait_for(lambda: has_next_run(engine, after=now))


def has_next_run(engine: Engine, *, after: datetime) -> bool:
    with engine.connect() as connection:
        times = connection.scalars(select(JOBS.c.next_run_time)).all()
    return bool(times) and all(time > after.timestamp() for time in times)


def test_who_leads_follows_a_changed_table(
    engine: Engine, url: str, publisher: FakePublisher
) -> None:
    changed = (
        Schedule(RotateLogs, Daily(at=time(4, 0))),
        Schedule(UpdateDashboardStatsJob, Every(period=timedelta(minutes=5))),
    )

    def due() -> dict[str, datetime]:
        with engine.connect() as connection:
            rows = connection.execute(select(JOBS.c.id, JOBS.c.next_run_time)).all()
        return {row.id: datetime.fromtimestamp(row.next_run_time, UTC) for row in rows}

    with time_machine.travel(NOON):
        with scheduler(url, publisher, (*NIGHTLY, *MINUTELY)):
            wait_for(lambda: len(due()) == 2)
        with scheduler(url, publisher, changed):
            wait_for(lambda: set(due()) == {"RotateLogs", "UpdateDashboardStatsJob"})
            wait_for(lambda: due()["RotateLogs"] == datetime(2026, 1, 16, 1, 0, tzinfo=UTC))


def test_what_a_dead_leader_recorded_and_did_not_publish_goes_out_with_the_same_id(
    engine: Engine, url: str, publisher: FakePublisher
) -> None:
    with engine.begin() as connection:
        assert runs.record(connection, "MeasureServiceJob", NOON, now=NOON, by="dead")
    (recorded,) = all_runs(engine)

    with scheduler(url, publisher, MINUTELY):
        wait_for(lambda: published(engine))

    (parcel,) = publisher.parcels
    assert parcel.envelope.message_id == recorded.message_id
    assert parcel.stale_after == timedelta(seconds=55)


def test_while_the_broker_is_away_only_the_newest_run_of_a_job_is_kept(
    engine: Engine, publisher: FakePublisher
) -> None:
    desk = Desk(
        engine=engine,
        publisher=publisher,
        schedules=(*MINUTELY, *NIGHTLY),
        clock=lambda: NOON,
        name="a",
    )
    publisher.away = True
    desk.take("RotateLogs", NOON)
    for minutes in range(3):
        desk.take("MeasureServiceJob", NOON + timedelta(minutes=minutes))
    publisher.away = False

    desk.take("MeasureServiceJob", NOON + timedelta(minutes=2))  # recorded before: no new run

    assert publisher.sent == [RotateLogs(), MeasureServiceJob()]
    assert [run.superseded for run in all_runs(engine)].count(True) == 2
