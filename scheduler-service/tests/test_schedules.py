"""The table of what is due when."""

from datetime import UTC, datetime, time, timedelta

import pytest

from hotspot.clock import NAIROBI
from hotspot.contract.operations import RotateLogs
from hotspot.contract.rows import Job
from hotspot.contract.topology import row_of
from scheduler_service.config import DailyHours
from scheduler_service.schedules import Daily, Every, Schedule, schedules

TABLE = schedules(DailyHours())
DOCUMENTED = {
    "CheckRoutersJob": 120,
    "CheckExpiredSessionsJob": 300,
    "CheckExpiredSubscriptionsJob": 600,
    "UpdateDashboardStatsJob": 300,
    "CollectSystemMetricsJob": 60,
    "ProcessGracePeriodJob": 86_400,
    "RotateLogs": 86_400,
    "SendPaymentRemindersJob": 86_400,
}


def test_every_documented_schedule_is_in_the_table() -> None:
    periods = {row.name: row.when.period.total_seconds() for row in TABLE}

    assert periods | DOCUMENTED == periods
    assert len(periods) == len(TABLE)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_a_job_is_dropped_from_its_queue_before_the_next_one_is_due(row: Schedule) -> None:
    contract = row_of(row.job)

    assert isinstance(contract, Job)
    assert contract.stale_after is not None
    assert contract.stale_after < row.when.period.total_seconds()


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_a_scheduled_job_needs_no_word_with_it(row: Schedule) -> None:
    assert row.job() == row.job()


def test_a_daily_job_is_due_at_its_hour_on_the_clocks_of_nairobi() -> None:
    trigger = Daily(at=time(0, 30)).trigger()
    evening = datetime(2026, 1, 15, 21, 29, 59, tzinfo=UTC)

    due = trigger.get_next_fire_time(None, evening)

    assert due == datetime(2026, 1, 16, 0, 30, tzinfo=NAIROBI)
    assert due == evening + timedelta(seconds=1)
    assert trigger.get_next_fire_time(due, due) == due + timedelta(days=1)


def test_a_period_counts_from_the_same_origin_everywhere() -> None:
    trigger = Every(period=timedelta(minutes=2), late=timedelta(seconds=30)).trigger()
    now = datetime(2026, 3, 1, 12, 1, 7, tzinfo=UTC)

    assert trigger.get_next_fire_time(None, now) == datetime(2026, 3, 1, 12, 2, 30, tzinfo=UTC)


def test_the_hours_are_those_of_the_settings() -> None:
    rows = {row.job: row.when for row in schedules(DailyHours(rotate_logs=time(4, 15)))}

    assert rows[RotateLogs] == Daily(at=time(4, 15))
