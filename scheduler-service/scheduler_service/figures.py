"""What is measured, as named figures: `queue.payments.ready`, `host.disk_percent`, ..."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hotspot.bus.management import QueueState
from hotspot.contract import table
from scheduler_service.host import Host

Figures = Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Measures:
    """What a service said about itself last."""

    service: str
    database_bytes: int
    outbox: int
    oldest_outbox_at: datetime | None
    failed_jobs: int
    spool: int | None
    spool_most: int | None
    measured_at: datetime


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A moment in a queue's life: how much waited, and how much was done with by then."""

    at: datetime
    depth: int
    acked: int


def mark_of(queue: QueueState, before: Mark | None, now: datetime) -> Mark | None:
    """The oldest moment from which something still waits in a queue; None where nothing does.

    RabbitMQ does not tell how old the first message of a quorum queue is. But messages leave in
    the order in which they came: as long as fewer were done with since a moment than waited at it,
    one of those is still there.
    """
    depth = queue.ready + queue.unacked
    if depth == 0:
        return None
    done = None if before is None else queue.acked - before.acked
    if before is None or done is None or not 0 <= done < before.depth:
        return Mark(at=now, depth=depth, acked=queue.acked)
    return before


def queue_figures(
    queues: Sequence[QueueState], marks: Mapping[str, Mark], now: datetime
) -> Figures:
    """Depths, consumers and ages. Delay queues have no consumers, and what is in them waits."""
    found: dict[str, float] = {}
    for queue in queues:
        name = f"queue.{queue.name}"
        found[f"{name}.ready"] = queue.ready
        if queue.name.startswith("delay."):
            continue
        found[f"{name}.unacked"] = queue.unacked
        found[f"{name}.consumers"] = queue.consumers
        mark = marks.get(queue.name)
        found[f"{name}.age_seconds"] = _seconds(mark.at if mark else now, now)
    return found | dict(_workers({queue.name: queue.consumers for queue in queues}))


def host_figures(host: Host) -> Figures:
    """The machine's figures."""
    return {
        "host.cpu_percent": host.cpu_percent,
        "host.load": host.load,
        "host.memory_percent": host.memory_percent,
        "host.memory_available_bytes": host.memory_available_bytes,
        "host.disk_percent": host.disk_percent,
        "host.disk_free_bytes": host.disk_free_bytes,
    }


def service_figures(measures: Sequence[Measures], before: Figures, now: datetime) -> Figures:
    """Each service's figures; `before`: all figures of some minutes ago, to tell what grew."""
    found: dict[str, float] = {}
    for one in measures:
        name = f"service.{one.service}"
        failed_before = before.get(f"{name}.failed_jobs", one.failed_jobs)
        found[f"{name}.database_bytes"] = one.database_bytes
        found[f"{name}.outbox"] = one.outbox
        found[f"{name}.outbox_age_seconds"] = _seconds(
            one.oldest_outbox_at or one.measured_at, one.measured_at
        )
        found[f"{name}.failed_jobs"] = one.failed_jobs
        found[f"{name}.failed_jobs_grown"] = max(0, one.failed_jobs - failed_before)
        found[f"{name}.silent_seconds"] = _seconds(one.measured_at, now)
        if one.spool is not None and one.spool_most:
            found[f"{name}.spool"] = one.spool
            found[f"{name}.spool_percent"] = round(100 * one.spool / one.spool_most, 1)
    return found


def _workers(consumers: Mapping[str, int]) -> Iterator[tuple[str, float]]:
    """Worker processes: each takes from every queue that its service has in its group."""
    for service in table.SERVICES:
        for group in table.GROUPS:
            mine = [q.name for q in table.QUEUES if q.of == service and q.group == group]
            known = [consumers[name] for name in mine if name in consumers]
            if known:
                yield f"workers.{service.name}.{group.name}", min(known)


def _seconds(since: datetime, until: datetime) -> float:
    return max(0.0, round((until - since).total_seconds(), 1))
