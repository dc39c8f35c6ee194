"""Alarms, told when they change: once when something is wrong, once when it is over."""

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from hotspot.bus.work import Work
from hotspot.contract.operations import AlarmCleared, AlarmRaised
from payment_service.models import RaisedAlarm


def raise_alarm(work: Work, *, alarm: str, subject: str, said: str) -> None:
    """Tell people, unless they were told and it is not over yet."""
    told = (
        insert(RaisedAlarm)
        .values(alarm=alarm, subject=subject, raised_at=work.now)
        .on_conflict_do_nothing()
        .returning(RaisedAlarm.alarm)
    )
    if work.session.execute(told).first() is not None:
        work.send(
            AlarmRaised(
                service=work.service, alarm=alarm, subject=subject, said=said, raised_at=work.now
            )
        )


def clear_alarm(work: Work, *, alarm: str, subject: str) -> None:
    """Tell people that it is over, if they were told that it was there."""
    gone = (
        delete(RaisedAlarm)
        .where(RaisedAlarm.alarm == alarm, RaisedAlarm.subject == subject)
        .returning(RaisedAlarm.alarm)
        .execution_options(synchronize_session=False)
    )
    if work.session.execute(gone).first() is not None:
        work.send(
            AlarmCleared(service=work.service, alarm=alarm, subject=subject, cleared_at=work.now)
        )
