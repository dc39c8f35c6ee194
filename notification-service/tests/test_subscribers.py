"""What subscribers are told: suspended, active again, and soon to be paid."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine

from hotspot.bus.work import Handlers
from hotspot.contract.access import AccountSuspended, AccountUnsuspended, SubscriptionPaid
from hotspot.contract.sms import SendPaymentRemindersJob, SendTextSMSJob
from hotspot.ids import new_id
from hotspot.testing.handling import NOON, run

from .fakes import PHONE

REMIND = SendPaymentRemindersJob()
END = NOON + timedelta(days=10)  # the 25th, noon in Nairobi


def paid(until: datetime = END, subscription_id: UUID | None = None) -> SubscriptionPaid:
    return SubscriptionPaid(
        subscription_id=subscription_id or new_id(),
        user_id=new_id(),
        phone=PHONE,
        package_name="Home 5 Mbps",
        paid_until=until,
    )


def reminded(handlers: Handlers, engine: Engine, at: datetime) -> list[SendTextSMSJob]:
    sent = run(handlers, REMIND, engine, now=at)
    return [message for message in sent if isinstance(message, SendTextSMSJob)]


def test_a_suspended_subscriber_is_told(engine: Engine, handlers: Handlers) -> None:
    event = AccountSuspended(
        subscription_id=new_id(), user_id=new_id(), phone=PHONE, suspended_at=NOON
    )

    (job,) = run(handlers, event, engine)

    assert isinstance(job, SendTextSMSJob)
    assert (job.kind, job.phone) == ("account_suspended", PHONE)
    assert "suspended" in job.text


def test_a_released_subscriber_is_told(engine: Engine, handlers: Handlers) -> None:
    event = AccountUnsuspended(
        subscription_id=new_id(), user_id=new_id(), phone=PHONE, unsuspended_at=NOON
    )

    (job,) = run(handlers, event, engine)

    assert isinstance(job, SendTextSMSJob)
    assert job.kind == "account_unsuspended"
    assert "active again" in job.text


def test_reminders_go_three_days_before_one_day_before_and_on_the_day_once_each(
    engine: Engine, handlers: Handlers
) -> None:
    run(handlers, paid(), engine)

    told = {
        day: [job.text for job in reminded(handlers, engine, NOON - timedelta(hours=3, days=-day))]
        for day in range(5, 12)
    }

    said = (
        "Your WiFi subscription Home 5 Mbps is paid until 25/01/2026 12:00."
        " Pay before then to stay online."
    )
    assert told == {5: [], 6: [], 7: [said], 8: [], 9: [said], 10: [said], 11: []}


def test_the_job_run_again_on_the_same_day_reminds_nobody_twice(
    engine: Engine, handlers: Handlers
) -> None:
    run(handlers, paid(), engine)
    day = END - timedelta(days=1)

    assert len(reminded(handlers, engine, day)) == 1
    assert reminded(handlers, engine, day + timedelta(hours=2)) == []


def test_a_day_without_a_run_is_made_up_for(engine: Engine, handlers: Handlers) -> None:
    run(handlers, paid(), engine)

    assert len(reminded(handlers, engine, END - timedelta(days=2))) == 1


def test_who_has_paid_again_is_reminded_of_the_new_end(engine: Engine, handlers: Handlers) -> None:
    first = paid()
    run(handlers, first, engine)
    run(handlers, paid(END + timedelta(days=30), first.subscription_id), engine)
    run(handlers, first, engine)  # an old word that was on the way for long

    assert reminded(handlers, engine, END - timedelta(days=1)) == []
    assert len(reminded(handlers, engine, END + timedelta(days=29))) == 1


@pytest.mark.parametrize(("utc_hour", "sent"), [(4, 0), (5, 1), (16, 1), (17, 0), (22, 0)])
def test_nobody_is_reminded_at_night(
    engine: Engine, handlers: Handlers, utc_hour: int, sent: int
) -> None:
    run(handlers, paid(END + timedelta(hours=13)), engine)
    at = datetime(2026, 1, 24, utc_hour, 30, tzinfo=UTC)

    assert len(reminded(handlers, engine, at)) == sent
