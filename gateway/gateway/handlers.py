"""Message in: one short function per message."""

import structlog

from gateway import events, figures, timeline, tokens
from hotspot.bus.upkeep import prune_bus
from hotspot.bus.work import Work
from hotspot.contract.message import Message
from hotspot.contract.operations import (
    DashboardStatsUpdated,
    RotateLogs,
    StepsRecorded,
    UpdateDashboardStatsJob,
)

log = structlog.get_logger()


def record_event(event: Message, work: Work) -> None:
    """Keep a broadcast fact for the timeline and the live listeners, and count it once."""
    if events.record(work.session, event, work.envelope):
        figures.count(work.session, event, work.envelope.sent_at)


def record_steps(recorded: StepsRecorded, work: Work) -> None:
    """Keep what a worker handled, for the timeline."""
    timeline.record_steps(work.session, recorded.service, recorded.steps)


def update_dashboard_stats(_job: UpdateDashboardStatsJob, work: Work) -> None:
    """Work out what the dashboard shows, and tell those who look at it."""
    figures.work_out(work.session, work.now)
    work.send(DashboardStatsUpdated(as_of=work.now))


def rotate_logs(_job: RotateLogs, work: Work) -> None:
    """Forget what is too old to be asked for."""
    prune_bus(work)
    log.info(
        "history pruned",
        events=events.prune(work.session, work.now),
        steps=timeline.prune(work.session, work.now),
        refresh_tokens=tokens.prune(work.session, work.now),
    )
