"""What subscribers are told: suspended, active again, and soon to be paid."""

from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

import pytest
from sqlalchemy import Engine

from hotspot.bus.work import Handlers
from hotspot.contract.access import (
    AccountSuspended,
    AccountUnsuspended,
    SubscriptionChanged,
    SubscriptionPaid,
)
from hotspot.contract.money import Money
from hotspot.contract.sms import SendPaymentRemindersJob, SendTextSMSJob
from hotspot.ids import new_id
from hotspot.testing.handling import NOON, run

from .fakes import PHONE, FakeGateway

REMIND = SendPaymentRemindersJob()
END = NOON + timedelta(days=10)  # the 25th, noon in Nairobi
MORNING = -timedelta(hours=3)  # nine o'clock


def paid(
    until: datetime = END, subscription_id: UUID | None = None, *, price: Money | None = None
) -> SubscriptionPaid:
    return SubscriptionPaid(
        subscription_id=subscription_id or new_id(),
        user_id=new_id(),
        phone=PHONE,
        package_name="Home 5 Mbps",
        paid_until=until,
        price=price,
    )


def changed(
    first: SubscriptionPaid,
    state: Literal["active", "grace", "suspended"],
    *,
    until: datetime = END,
    at: datetime = NOON,
) -> SubscriptionChanged:
    return SubscriptionChanged(
        subscription_id=first.subscription_id,
        user_id=first.user_id,
        phone=first.phone,
        package_id=new_id(),
        state=state,
        paid_until=until,
        changed_at=at,
    )


def suspended(
    reason: Literal["unpaid", "operator", "reversed"] = "unpaid", of: UUID | None = None
) -> AccountSuspended:
    return AccountSuspended(
        subscription_id=of or new_id(),
        user_id=new_id(),
        phone=PHONE,
        suspended_at=NOON,
        reason=reason,
    )


def reminded(handlers: Handlers, engine: Engine, at: datetime) -> list[SendTextSMSJob]:
    sent = run(handlers, REMIND, engine, now=at)
    return [message for message in sent if isinstance(message, SendTextSMSJob)]


def told(handlers: Handlers, engine: Engine, event: AccountSuspended) -> str:
    (job,) = run(handlers, event, engine)
    assert isinstance(job, SendTextSMSJob)
    assert (job.kind, job.phone) == ("account_suspended", PHONE)
    return job.text


def test_a_suspended_subscriber_is_told_how_to_be_online_again(
    engine: Engine, handlers: Handlers
) -> None:
    known = paid(price=Money.shillings(1500))
    run(handlers, known, engine)

    assert told(handlers, engine, suspended(of=known.subscription_id)) == (
        "Your WiFi subscription is suspended because it was not paid. To be online again"
        " pay KES 1500 to M-Pesa Paybill 400200, account 0712345678."
    )


def test_what_is_not_about_money_does_not_ask_for_any(engine: Engine, handlers: Handlers) -> None:
    assert told(handlers, engine, suspended("operator")) == (
        "Your WiFi subscription is suspended. Please ask your provider."
    )
    assert "its payment was sent back" in told(handlers, engine, suspended("reversed"))


def test_a_released_subscriber_is_told(engine: Engine, handlers: Handlers) -> None:
    event = AccountUnsuspended(
        subscription_id=new_id(), user_id=new_id(), phone=PHONE, unsuspended_at=NOON
    )

    (job,) = run(handlers, event, engine)

    assert isinstance(job, SendTextSMSJob)
    assert job.kind == "account_unsuspended"
    assert "is active" in job.text


def test_reminders_go_three_days_before_one_day_before_and_on_the_day_once_each(
    engine: Engine, handlers: Handlers
) -> None:
    run(handlers, paid(price=Money.shillings(1500)), engine)

    told = {
        day: [job.text for job in reminded(handlers, engine, NOON + timedelta(days=day) + MORNING)]
        for day in range(5, 12)
    }

    said = (
        "WiFi Home 5 Mbps is paid until 25/01/2026 12:00."
        " To stay online pay KES 1500 to M-Pesa Paybill 400200, account 0712345678."
    )
    assert told == {5: [], 6: [], 7: [said], 8: [], 9: [said], 10: [said], 11: []}


def test_an_end_before_anybody_could_be_reminded_is_told_of_in_the_morning(
    engine: Engine, handlers: Handlers
) -> None:
    known = paid(datetime(2026, 1, 25, 2, 30, tzinfo=UTC))  # half past five in Nairobi
    run(handlers, known, engine)
    run(handlers, changed(known, "grace", until=known.paid_until), engine)

    (job,) = reminded(handlers, engine, END + MORNING)

    assert job.text.startswith("WiFi Home 5 Mbps was paid until 25/01/2026 05:30. To stay online")
    assert reminded(handlers, engine, END + MORNING + timedelta(days=1)) == []


def test_nobody_is_reminded_of_what_is_suspended(engine: Engine, handlers: Handlers) -> None:
    known = paid()
    run(handlers, known, engine)
    run(handlers, changed(known, "suspended", at=NOON + timedelta(hours=1)), engine)
    run(handlers, changed(known, "active", at=NOON), engine)  # was on the way for long

    assert reminded(handlers, engine, END + MORNING) == []


def test_paid_time_that_goes_back_is_reminded_of_in_time(
    engine: Engine, handlers: Handlers
) -> None:
    known = paid(END + timedelta(days=300))
    run(handlers, known, engine)
    # A dearer package makes less time of the time that was left; a reversal takes some away.
    run(handlers, paid(END, known.subscription_id), engine, now=NOON + timedelta(seconds=1))

    assert len(reminded(handlers, engine, END + MORNING)) == 1


def test_whichever_word_of_a_payment_comes_first_the_package_is_named(
    engine: Engine, handlers: Handlers
) -> None:
    for turn in (0, 1):
        known = paid()
        words = [known, changed(known, "active")]
        for word in words if turn else reversed(words):
            run(handlers, word, engine)

    texts = [job.text for job in reminded(handlers, engine, END + MORNING)]

    assert len(texts) == 2
    assert all("Home 5 Mbps" in text for text in texts)


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


def test_who_missed_several_gets_one(engine: Engine, handlers: Handlers) -> None:
    run(handlers, paid(), engine)

    assert len(reminded(handlers, engine, END + MORNING)) == 1


def test_who_has_paid_again_is_reminded_of_the_new_end(engine: Engine, handlers: Handlers) -> None:
    first = paid()
    run(handlers, first, engine)
    again = paid(END + timedelta(days=30), first.subscription_id)
    run(handlers, again, engine, now=NOON + timedelta(days=1))
    run(handlers, first, engine)  # an old word that was on the way for long

    assert reminded(handlers, engine, END - timedelta(days=1)) == []
    assert len(reminded(handlers, engine, END + timedelta(days=29))) == 1


@pytest.mark.parametrize(("utc_hour", "sent"), [(4, 0), (5, 1), (17, 1), (18, 0), (22, 0)])
def test_nobody_is_reminded_at_night(
    engine: Engine, handlers: Handlers, utc_hour: int, sent: int
) -> None:
    run(handlers, paid(END + timedelta(hours=13)), engine)
    at = datetime(2026, 1, 24, utc_hour, 30, tzinfo=UTC)

    assert len(reminded(handlers, engine, at)) == sent


def test_a_reminder_that_is_held_up_until_night_waits_for_the_day(
    engine: Engine, handlers: Handlers, gateway: FakeGateway
) -> None:
    reminder = SendTextSMSJob(kind="payment_reminder", phone=PHONE, text="Pay, please.")
    night = datetime(2026, 1, 24, 19, 0, tzinfo=UTC)

    assert run(handlers, reminder, engine, now=night) == [reminder]
    assert gateway.sent == []
    run(handlers, reminder, engine, now=NOON)
    assert gateway.sent == [(PHONE, "Pay, please.")]
