"""Maintenance: log files are rotated, and what each service did is kept for operators."""

from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy.dialects.postgresql import insert

from hotspot.bus.upkeep import begin_pruning
from hotspot.bus.work import Outside, Unclear, Work
from hotspot.contract.operations import HistoryPruned, RotateLogFilesJob, RotateLogs
from scheduler_service import logfiles
from scheduler_service.config import Config
from scheduler_service.logfiles import Rotated
from scheduler_service.models import Maintenance

log = structlog.get_logger()

HISTORY, LOG_FILES = "history", "log files"


@dataclass(frozen=True, kw_only=True)
class Order:
    """Which log files to rotate. Doing it twice does no harm, so there is no mark to find."""

    folder: Path
    kept_days: int
    begun_at: datetime


def rotate_logs(job: RotateLogs, work: Work, *, has_log_files: bool) -> None:
    """Have history forgotten, and log files rotated where this service is told of any."""
    begin_pruning(job, work)
    if has_log_files:
        work.send(RotateLogFilesJob())


def rotating(config: Config) -> Outside[RotateLogFilesJob, Order, Rotated]:
    """The three steps of RotateLogFilesJob."""

    def prepare(_job: RotateLogFilesJob, work: Work) -> Order | None:
        if config.log_dir is None:
            return None
        return Order(folder=config.log_dir, kept_days=config.log_kept_days, begun_at=work.now)

    return Outside(prepare=prepare, act=_rotate, record=_note_rotated)


def note_pruned(event: HistoryPruned, work: Work) -> None:
    """Keep what a service forgot."""
    _keep(
        work,
        service=event.service,
        what=HISTORY,
        begun_at=event.begun_at,
        ended_at=event.ended_at,
        done={one.what: one.rows for one in event.gone},
    )


def _rotate(order: Order) -> Rotated:
    return logfiles.rotate(order.folder, now=order.begun_at, kept_days=order.kept_days)


def _note_rotated(
    _job: RotateLogFilesJob, order: Order, rotated: Rotated | Unclear, work: Work
) -> None:
    _keep(
        work,
        service=work.service,
        what=LOG_FILES,
        begun_at=order.begun_at,
        ended_at=work.now,
        done={} if isinstance(rotated, Unclear) else asdict(rotated),
        problem=rotated.reason if isinstance(rotated, Unclear) else None,
    )
    log.info("log files rotated", outcome=str(rotated))


def _keep(
    work: Work,
    *,
    service: str,
    what: str,
    begun_at: datetime,
    ended_at: datetime,
    done: dict[str, Any],
    problem: str | None = None,
) -> None:
    row = insert(Maintenance).values(
        id=work.envelope.message_id,
        service=service,
        what=what,
        begun_at=begun_at,
        ended_at=ended_at,
        done=done,
        problem=problem,
    )
    work.session.execute(row.on_conflict_do_nothing())
