"""What is due when: the whole schedule in one table."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from hotspot.clock import NAIROBI
from hotspot.contract.access import CheckExpiredSubscriptionsJob, ProcessGracePeriodJob
from hotspot.contract.message import Message
from hotspot.contract.operations import (
    CollectSystemMetricsJob,
    MeasureServiceJob,
    RotateLogs,
    UpdateDashboardStatsJob,
)
from hotspot.contract.payments import CheckMoneyWithoutServiceJob, ReconcilePaymentsJob
from hotspot.contract.routers import CheckRoutersJob
from hotspot.contract.sessions import CheckExpiredSessionsJob
from hotspot.contract.sms import SendPaymentRemindersJob
from scheduler_service.config import DailyHours

DAY = timedelta(days=1)

# All periods count from here, so that every scheduler finds the same due times.
_ORIGIN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Every:
    """Once a period, `late` after its beginning: what is due often is spread over the minute."""

    period: timedelta
    late: timedelta = timedelta(0)

    def trigger(self) -> BaseTrigger:
        """As APScheduler has it."""
        return IntervalTrigger(
            seconds=int(self.period.total_seconds()), start_date=_ORIGIN + self.late, timezone=UTC
        )


@dataclass(frozen=True, kw_only=True)
class Daily:
    """Once a day, at a time on the clocks of Nairobi."""

    at: time

    @property
    def period(self) -> timedelta:
        """A day; Kenya has no summer time."""
        return DAY

    def trigger(self) -> BaseTrigger:
        """As APScheduler has it."""
        return CronTrigger(hour=self.at.hour, minute=self.at.minute, second=0, timezone=NAIROBI)


@dataclass(frozen=True)
class Schedule:
    """One row: a job without fields, and when it is due."""

    job: type[Message]
    when: Every | Daily

    @property
    def name(self) -> str:
        """The job's name, under which operators know the row."""
        return self.job.NAME


def schedules(daily: DailyHours) -> Sequence[Schedule]:
    """The schedule. A job's `stale_after` in the contract is below its period here."""
    return (
        #        job                           when
        Schedule(MeasureServiceJob, _every(minutes=1)),
        Schedule(ReconcilePaymentsJob, _every(minutes=1, late=10)),
        Schedule(CollectSystemMetricsJob, _every(minutes=1, late=20)),
        Schedule(CheckMoneyWithoutServiceJob, _every(minutes=1, late=40)),
        Schedule(CheckRoutersJob, _every(minutes=2, late=30)),
        Schedule(CheckExpiredSessionsJob, _every(minutes=5, late=15)),
        Schedule(UpdateDashboardStatsJob, _every(minutes=5, late=50)),
        Schedule(CheckExpiredSubscriptionsJob, _every(minutes=10, late=25)),
        Schedule(ProcessGracePeriodJob, Daily(at=daily.grace_period)),
        Schedule(RotateLogs, Daily(at=daily.rotate_logs)),
        Schedule(SendPaymentRemindersJob, Daily(at=daily.payment_reminders)),
    )


def _every(*, minutes: int, late: int = 0) -> Every:
    return Every(period=timedelta(minutes=minutes), late=timedelta(seconds=late))
