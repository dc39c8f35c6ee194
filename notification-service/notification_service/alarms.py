"""Alarms by SMS: to those who run the system, at any hour, but not again and again."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hotspot.bus.work import Work
from hotspot.contract.operations import AlarmRaised
from hotspot.contract.sms import SendTextSMSJob
from notification_service import gsm
from notification_service.models import AlarmText

log = structlog.get_logger()

NOT_AGAIN_WITHIN: Final = timedelta(hours=1)


def tell_alarm(event: AlarmRaised, work: Work, *, phones: Sequence[str]) -> None:
    """Tell those who are to be told: of one kind of alarm once an hour, whatever it is about.

    A power cut takes a hundred routers at once; the dashboard shows which.
    """
    if not phones or not _take_turn(work.session, event.alarm, work.now):
        log.info("alarm not texted", alarm=event.alarm, subject=event.subject)
        return
    text = gsm.shorten(gsm.to_gsm(f"Hotspot alarm: {event.said}"), gsm.ONE_PART)
    for phone in phones:
        work.send(SendTextSMSJob(kind="alarm", phone=phone, text=text))


def _take_turn(session: Session, alarm: str, now: datetime) -> bool:
    """Whether nobody was told of this alarm within the hour; whoever asks first tells."""
    turn = insert(AlarmText).values(alarm=alarm, sent_at=now)
    taken = turn.on_conflict_do_update(
        index_elements=[AlarmText.alarm],
        set_={"sent_at": now},
        where=AlarmText.sent_at <= now - NOT_AGAIN_WITHIN,
    )
    return session.scalar(taken.returning(AlarmText.alarm)) is not None
