"""Those who run the system are told of alarms, and not again and again."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from hotspot.bus.work import Handlers
from hotspot.contract.operations import AlarmRaised, PruneHistoryJob
from hotspot.contract.sms import SendTextSMSJob
from hotspot.ids import new_id
from hotspot.testing.handling import NOON, run
from notification_service.config import Config
from notification_service.models import DeliveryReport, Sms
from notification_service.worker import handlers as handlers_of

from .fakes import FakeGateway

NIGHT = NOON + timedelta(hours=14)
PHONES = ("254700000001", "254700000002")


@pytest.fixture
def handlers(config: Config, gateway: FakeGateway) -> Handlers:
    """The service's handlers, with two people to tell."""
    return handlers_of(replace(config, alarm_phones=PHONES), gateway)


def alarm(name: str = "disk_full", said: str = "The disk is 93% full.") -> AlarmRaised:
    return AlarmRaised(
        service="scheduler", alarm=name, subject=str(new_id()), said=said, raised_at=NOON
    )


def test_everyone_is_told_of_an_alarm_by_night_too(engine: Engine, handlers: Handlers) -> None:
    sent = run(handlers, alarm(), engine, now=NIGHT)

    text = "Hotspot alarm: The disk is 93% full."
    assert sent == [SendTextSMSJob(kind="alarm", phone=phone, text=text) for phone in PHONES]


def test_one_kind_of_alarm_is_told_once_an_hour(engine: Engine, handlers: Handlers) -> None:
    minute = timedelta(minutes=1)

    told = [
        len(run(handlers, alarm(name), engine, now=at))
        for name, at in (
            ("disk_full", NOON),
            ("disk_full", NOON + 59 * minute),
            ("queue_waits", NOON + 59 * minute),
            ("disk_full", NOON + 60 * minute),
            ("disk_full", NOON + 61 * minute),
        )
    ]

    assert told == [2, 0, 2, 2, 0]


def test_a_long_story_fits_into_one_message(engine: Engine, handlers: Handlers) -> None:
    (first, _) = run(handlers, alarm(said="Something went wrong. " * 30), engine)

    assert isinstance(first, SendTextSMSJob)
    assert len(first.text) <= 160


def test_nobody_is_told_where_nobody_is_named(
    engine: Engine, config: Config, gateway: FakeGateway
) -> None:
    assert run(handlers_of(config, gateway), alarm(), engine) == []


def test_old_messages_go_with_their_reports_unless_they_were_sent_again(
    engine: Engine, handlers: Handlers
) -> None:
    old, first, again = new_id(), new_id(), new_id()
    with Session(engine) as session, session.begin():
        for sms_id, days, resend_of in ((old, 181, None), (first, 181, None), (again, 10, first)):
            session.add(sms(sms_id, NOON - timedelta(days=days), resend_of))
            session.flush()
        session.add(
            DeliveryReport(
                id=new_id(),
                sms_id=old,
                provider="log",
                provider_message_id="x",
                status="Success",
                received_at=NOON - timedelta(days=179),
            )
        )

    for days in (0, 171):
        now = NOON + timedelta(days=days)
        run(handlers, PruneHistoryJob(service="notification", begun_at=now), engine, now=now)
        with Session(engine) as session:
            left = set(session.scalars(select(Sms.id)))
            assert session.scalar(select(func.count()).select_from(DeliveryReport)) == 0
        assert left == ({first, again} if days == 0 else {first})


def sms(sms_id: UUID, created_at: datetime, resend_of: UUID | None) -> Sms:
    return Sms(
        id=sms_id,
        job_id=new_id(),
        correlation_id=new_id(),
        kind="credentials",
        phone=PHONES[0],
        text="",
        sealed_text="",
        state="sent",
        attempt=1,
        provider="log",
        resend_of=resend_of,
        created_at=created_at,
    )
