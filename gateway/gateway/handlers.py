"""Message in: one short function per message."""

from gateway import alarms, events, figures, promises, stays, timeline
from hotspot.bus.work import Work
from hotspot.contract.message import Message
from hotspot.contract.operations import (
    AlarmCleared,
    AlarmRaised,
    DashboardStatsUpdated,
    PromiseChecked,
    StepsRecorded,
    UpdateDashboardStatsJob,
)


def record_event(event: Message, work: Work) -> None:
    """Keep a broadcast fact for the timeline and the live listeners, and count it once."""
    if events.record(work.session, event, work.envelope):
        figures.count(work.session, event, work.envelope.sent_at)
        stays.follow(work.session, event, work.envelope.sent_at)


def record_promise(checked: PromiseChecked, work: Work) -> None:
    """Keep how often a promise is broken now, and show it to those who look."""
    promises.keep(work.session, checked)
    record_event(checked, work)


def record_alarm(heard: AlarmRaised | AlarmCleared, work: Work) -> None:
    """Keep what is wrong now, and show it to those who look."""
    alarms.keep(work.session, heard)
    record_event(heard, work)


def record_steps(recorded: StepsRecorded, work: Work) -> None:
    """Keep what a worker handled, for the timeline."""
    timeline.record_steps(work.session, recorded.service, recorded.steps)


def update_dashboard_stats(_job: UpdateDashboardStatsJob, work: Work) -> None:
    """Work out what the dashboard shows, and tell those who look at it."""
    figures.work_out(work.session, work.now)
    work.send(DashboardStatsUpdated(as_of=work.now))
