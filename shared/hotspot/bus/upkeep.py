"""What every service does for its own upkeep: retry, measure, forget. One table of handlers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import structlog
from sqlalchemy import func, select

from hotspot.bus.failures import FAILED_JOBS_HANDLERS
from hotspot.bus.pruning import BATCH, BUS_KEPT, Kept, added_up, forget_batch
from hotspot.bus.tables import failed_jobs, outbox
from hotspot.bus.work import Handlers, Work
from hotspot.contract.operations import (
    HistoryPruned,
    MeasureServiceJob,
    PruneHistoryJob,
    RotateLogs,
    ServiceMeasured,
)

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class SpoolFill:
    """How many messages wait on a service's disk, and how many have room there."""

    waiting: int
    most: int


def upkeep_handlers(
    kept: Sequence[Kept] = (), *, spool: Callable[[], SpoolFill] | None = None
) -> Handlers:
    """The handlers that every service adds to its own table.

    `kept`: its tables of history, those that refer to others first. A service that has more to do
    at RotateLogs puts a handler of its own in the place of this one.
    """
    return {
        **FAILED_JOBS_HANDLERS,
        MeasureServiceJob: partial(measure_service, spool=spool),
        RotateLogs: begin_pruning,
        PruneHistoryJob: partial(prune_history, kept=(*BUS_KEPT, *kept)),
    }


def begin_pruning(_job: RotateLogs, work: Work) -> None:
    """Have this service forget what is too old, batch by batch."""
    work.send(PruneHistoryJob(service=work.service, begun_at=work.now))


def prune_history(job: PruneHistoryJob, work: Work, *, kept: Sequence[Kept]) -> None:
    """Forget one batch; ask for the next one, or tell what is gone once nothing is left.

    Between two batches the worker does what is more urgent, and no lock is held.
    """
    gone = forget_batch(work.session, kept, job.begun_at)
    sums = added_up(job.gone, gone)
    if sum(one.rows for one in gone) >= BATCH:
        work.send(PruneHistoryJob(service=job.service, begun_at=job.begun_at, gone=sums))
        return
    log.info("history pruned", gone={one.what: one.rows for one in sums})
    work.send(
        HistoryPruned(service=job.service, begun_at=job.begun_at, ended_at=work.now, gone=sums)
    )


def measure_service(
    _job: MeasureServiceJob, work: Work, *, spool: Callable[[], SpoolFill] | None = None
) -> None:
    """Tell how large the database is, and what waits in it."""
    fill = spool() if spool else None
    found = work.session.execute(
        select(
            func.pg_database_size(func.current_database()).label("size"),
            select(func.count()).select_from(outbox).scalar_subquery().label("waiting"),
            select(func.min(outbox.c.recorded_at)).scalar_subquery().label("oldest"),
            select(func.count()).select_from(failed_jobs).scalar_subquery().label("failed"),
        )
    ).one()
    work.send(
        ServiceMeasured(
            service=work.service,
            database_bytes=found.size,
            outbox=found.waiting,
            oldest_outbox_at=found.oldest,
            failed_jobs=found.failed,
            measured_at=work.now,
            spool=fill.waiting if fill else None,
            spool_most=fill.most if fill else None,
        )
    )
