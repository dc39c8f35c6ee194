"""CollectSystemMetricsJob: look at queues and machine, keep the figures, raise alarms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hotspot.bus.management import QueueState, QueuesUnknown, queue_states
from hotspot.bus.work import Outside, Unclear, Work
from hotspot.contract.operations import (
    AlarmCleared,
    AlarmRaised,
    CollectSystemMetricsJob,
    ServiceMeasured,
)
from scheduler_service import alarms, host, metrics
from scheduler_service.alarms import Finding, judge
from scheduler_service.config import Config
from scheduler_service.figures import (
    Figures,
    Mark,
    Measures,
    host_figures,
    mark_of,
    queue_figures,
    service_figures,
)
from scheduler_service.host import Host
from scheduler_service.models import Alarm, QueueMark, ServiceMeasure

log = structlog.get_logger()

# Alarms count checks a minute apart. After a restart what was due meanwhile comes at once with what
# is due now: two looks at the same moment would call people to workers that are about to start.
AT_LEAST_APART = timedelta(seconds=30)


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where to look. No `management_url`: nobody can be asked about queues, which is no alarm."""

    management_url: str | None
    amqp_url: str
    disk_path: Path


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a look at the world showed. No queues: RabbitMQ was asked in vain, or cannot be."""

    host: Host
    queues: Sequence[QueueState] | None


def collecting(config: Config) -> Outside[CollectSystemMetricsJob, Places, Seen]:
    """The three steps of the job. Looking twice does no harm, so there is no mark to find."""
    places = Places(
        management_url=config.rabbitmq_management_url,
        amqp_url=config.amqp_url,
        disk_path=config.disk_path,
    )
    return Outside(prepare=lambda _job, _work: places, act=look, record=partial(record, places))


def look(places: Places) -> Seen:
    """Ask RabbitMQ and the machine."""
    queues = None
    if places.management_url is not None:
        try:
            queues = queue_states(places.management_url, places.amqp_url)
        except QueuesUnknown as error:
            log.warning("queues unknown", error=str(error))
    return Seen(host=host.look(places.disk_path), queues=queues)


def record(
    places: Places, _job: CollectSystemMetricsJob, _: Places, seen: Seen | Unclear, work: Work
) -> None:
    """Keep what was seen, and what the services said; tell of what is wrong since now."""
    if isinstance(seen, Unclear):
        log.warning("nothing measured", reason=seen.reason)
        return
    figures: dict[str, float] = {**host_figures(seen.host)}
    if seen.queues is not None:
        figures |= queue_figures(seen.queues, _keep_marks(work, seen.queues), work.now)
    elif places.management_url is not None:
        figures[alarms.MANAGEMENT_SILENT] = 1
    last = metrics.latest(work.session.connection())
    before = metrics.of_minutes_ago(work.session, alarms.GROWTH_MINUTES, work.now)
    figures |= service_figures(_measures(work.session), before, work.now)
    metrics.keep(work.session, figures, work.now)
    if last is None or work.now - last[0] >= AT_LEAST_APART:
        _tell(figures, work)


def note_measured(event: ServiceMeasured, work: Work) -> None:
    """Keep what a service said about itself. An older word than what is known changes nothing."""
    row = insert(ServiceMeasure).values(
        service=event.service,
        database_bytes=event.database_bytes,
        outbox=event.outbox,
        oldest_outbox_at=event.oldest_outbox_at,
        failed_jobs=event.failed_jobs,
        spool=event.spool,
        spool_most=event.spool_most,
        measured_at=event.measured_at,
    )
    changed = {name: column for name, column in row.excluded.items() if name != "service"}
    work.session.execute(
        row.on_conflict_do_update(
            index_elements=[ServiceMeasure.service],
            set_=changed,
            where=ServiceMeasure.measured_at < row.excluded.measured_at,
        )
    )


def _measures(session: Session) -> list[Measures]:
    rows = session.execute(select(ServiceMeasure.__table__).order_by("service"))
    return [Measures(**row) for row in rows.mappings()]


def _keep_marks(work: Work, queues: Sequence[QueueState]) -> Mapping[str, Mark]:
    """Since when something has waited in each queue that is not empty."""
    rows = work.session.execute(select(QueueMark.__table__)).all()
    before = {row.queue: Mark(at=row.at, depth=row.depth, acked=row.acked) for row in rows}
    found = {queue.name: mark_of(queue, before.get(queue.name), work.now) for queue in queues}
    marks = {name: mark for name, mark in found.items() if mark is not None}
    work.session.execute(delete(QueueMark).where(QueueMark.queue.not_in(list(marks))))
    _replace(
        work.session,
        QueueMark,
        [
            {"queue": name, "at": mark.at, "depth": mark.depth, "acked": mark.acked}
            for name, mark in sorted(marks.items())
        ],
    )
    return marks


def _tell(figures: Figures, work: Work) -> None:
    rows = work.session.execute(select(Alarm.__table__).with_for_update()).mappings()
    judgement = judge(figures, [Finding(**row) for row in rows], work.now)
    work.session.execute(delete(Alarm))
    _replace(work.session, Alarm, [_row_of(one) for one in judgement.found])
    for one in judgement.raised:
        log.warning("alarm raised", alarm=one.alarm, subject=one.subject, said=one.said)
        work.send(
            AlarmRaised(
                service=work.service,
                alarm=one.alarm,
                subject=one.subject,
                said=one.said,
                raised_at=work.now,
            )
        )
    for one in judgement.cleared:
        log.info("alarm cleared", alarm=one.alarm, subject=one.subject)
        work.send(
            AlarmCleared(
                service=work.service, alarm=one.alarm, subject=one.subject, cleared_at=work.now
            )
        )


def _row_of(finding: Finding) -> dict[str, Any]:
    return {
        "alarm": finding.alarm,
        "subject": finding.subject,
        "checks": finding.checks,
        "said": finding.said,
        "raised_at": finding.raised_at,
    }


def _replace(session: Session, table: type[QueueMark | Alarm], rows: list[dict[str, Any]]) -> None:
    """Insert rows, or put them in the place of those with the same key."""
    if not rows:
        return
    keys = [column.name for column in table.__table__.primary_key]
    row = insert(table)
    changed = {name: row.excluded[name] for name in rows[0].keys() - set(keys)}
    session.execute(row.on_conflict_do_update(index_elements=keys, set_=changed), rows)
