"""Messages about the running of the system itself."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from hotspot.contract.message import Message, message


@dataclass(frozen=True, kw_only=True)
class Step:
    """One message handled once: who, when, how long, and how it ended."""

    message_id: UUID
    message: str
    correlation_id: UUID
    causation_id: UUID | None
    attempt: int
    sent_at: datetime
    started_at: datetime
    duration_ms: float
    outcome: Literal["done", "repeated", "retried", "failed"]
    error: str | None = None


@message("StepsRecorded", version=1)
class StepsRecorded(Message):
    """What a worker handled just now, for the timeline of each payment."""

    service: str
    steps: tuple[Step, ...]


@message("JobFailed", version=1)
class JobFailed(Message):
    """A message was given up and waits in the failed jobs of its service."""

    service: str
    message_id: UUID
    message: str
    queue: str
    reason: str
    attempts: int
    failed_at: datetime


@message("RetryFailedJobsJob", version=1)
class RetryFailedJobsJob(Message):
    """Send failed jobs again with the ids they had. No ids: all of the service's."""

    service: str
    message_ids: tuple[UUID, ...] = ()


@message("FlushFailedJobsJob", version=1)
class FlushFailedJobsJob(Message):
    """Forget failed jobs. No ids: all of the service's."""

    service: str
    message_ids: tuple[UUID, ...] = ()


@message("UpdateDashboardStatsJob", version=1)
class UpdateDashboardStatsJob(Message):
    """Work out the dashboard's figures anew."""


@message("DashboardStatsUpdated", version=1)
class DashboardStatsUpdated(Message):
    """The dashboard's figures are new."""

    as_of: datetime


@message("CollectSystemMetricsJob", version=1)
class CollectSystemMetricsJob(Message):
    """Measure queues, processes, host and databases."""


@message("RotateLogs", version=1)
class RotateLogs(Message):
    """Rotate log files and prune history, in every service that keeps any."""


@dataclass(frozen=True, kw_only=True)
class Pruned:
    """How many old rows of a table were forgotten."""

    what: str
    rows: int


@message("PruneHistoryJob", version=1)
class PruneHistoryJob(Message):
    """Forget one batch of what is too old, and ask for the next until nothing is left.

    A service sends it to itself. `begun_at` is the time that ages are counted from, `gone` what
    the batches before this one forgot.
    """

    service: str
    begun_at: datetime
    gone: tuple[Pruned, ...] = ()


@message("HistoryPruned", version=1)
class HistoryPruned(Message):
    """A service has forgotten all that was too old."""

    service: str
    begun_at: datetime
    ended_at: datetime
    gone: tuple[Pruned, ...]


@message("RotateLogFilesJob", version=1)
class RotateLogFilesJob(Message):
    """Put the local processes' log files aside, compressed, and remove the oldest."""


@message("AlarmRaised", version=1)
class AlarmRaised(Message):
    """Something needs a person's eyes. Said once; over when AlarmCleared names the same.

    `alarm` is a stable name (`money_without_service`), `subject` what it is about (a router's
    id, a service's name), `said` a sentence for people.
    """

    service: str
    alarm: str
    subject: str
    said: str
    raised_at: datetime


@message("AlarmCleared", version=1)
class AlarmCleared(Message):
    """What raised an alarm is over."""

    service: str
    alarm: str
    subject: str
    cleared_at: datetime


@message("PromiseChecked", version=1)
class PromiseChecked(Message):
    """How often a promise is broken at this moment: it must read 0. `since`: the oldest case."""

    promise: Literal["money_without_service", "service_without_time"]
    broken: int
    checked_at: datetime
    since: datetime | None = None


@message("MeasureServiceJob", version=1)
class MeasureServiceJob(Message):
    """Each service measures itself, for nobody else may look into its database."""


@message("ServiceMeasured", version=1)
class ServiceMeasured(Message):
    """What a service found about itself. `spool`: callbacks that wait on its disk."""

    service: str
    database_bytes: int
    outbox: int
    oldest_outbox_at: datetime | None
    failed_jobs: int
    measured_at: datetime
    spool: int | None = None
    spool_most: int | None = None
