"""Money without service is counted, healed where it can be, and told when it begins and ends."""

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from hotspot.bus.work import Work
from hotspot.contract.access import CreateHotspotUserJob
from hotspot.contract.message import Message
from hotspot.contract.operations import AlarmCleared, AlarmRaised, PromiseChecked
from hotspot.contract.payments import CheckMoneyWithoutServiceJob, ProcessPaymentJob
from hotspot.testing.handling import NOON, envelope_for
from payment_service.models import Access, AskedAgain
from payment_service.promise.keeping import GAVE_UP, MOST_TRIES, PAUSES, check_money_without_service

from .shop import Shop, names

LATE = NOON + timedelta(seconds=61)
AN_HOUR = NOON + timedelta(hours=1)


def check(shop: Shop, now: datetime) -> list[Message]:
    return shop.run(CheckMoneyWithoutServiceJob(), now=now)


def figure(sent: list[Message]) -> tuple[int, datetime | None]:
    (told,) = [message for message in sent if isinstance(message, PromiseChecked)]
    assert told.promise == "money_without_service"
    return told.broken, told.since


@pytest.fixture
def waiting(shop: Shop) -> UUID:
    """Paid at noon; its voucher is there, its login is not."""
    payment_id = shop.completed()
    shop.run(ProcessPaymentJob(payment_id=payment_id))
    return payment_id


def test_with_nothing_to_tell_zero_is_told(shop: Shop) -> None:
    assert check(shop, NOON) == [
        PromiseChecked(promise="money_without_service", broken=0, checked_at=NOON, since=None)
    ]


def test_for_a_minute_nobody_is_asked_anything(shop: Shop, waiting: UUID) -> None:
    sent = check(shop, NOON + timedelta(seconds=60))
    assert (names(sent), figure(sent)) == (["PromiseChecked"], (0, None))


def test_who_waits_longer_is_counted_told_and_asked_for_again(shop: Shop, waiting: UUID) -> None:
    sent = check(shop, LATE)
    assert figure(sent) == (1, NOON)
    (asked,) = [message for message in sent if isinstance(message, CreateHotspotUserJob)]
    assert (asked.payment_id, asked.phone) == (waiting, shop.payment(waiting).phone)
    (alarm,) = [message for message in sent if isinstance(message, AlarmRaised)]
    assert (alarm.alarm, alarm.subject) == ("money_without_service", "payment")
    assert alarm.said == "1 guest paid and cannot log in, the first since 15 Jan 12:00"


def test_the_alarm_is_told_once_and_cleared_once(shop: Shop, waiting: UUID) -> None:
    check(shop, LATE)
    assert "AlarmRaised" not in names(check(shop, LATE + timedelta(seconds=1)))
    shop.cache_credentials(waiting, AN_HOUR)
    over = check(shop, LATE + timedelta(seconds=2))
    assert [type(message) for message in over] == [PromiseChecked, AlarmCleared]
    assert figure(over) == (0, None)
    assert names(check(shop, LATE + timedelta(seconds=3))) == ["PromiseChecked"]
    assert shop.count(AskedAgain) == 0


def test_of_several_checks_at_once_one_asks_and_one_alarms(shop: Shop, waiting: UUID) -> None:
    ready = threading.Barrier(4)

    def one_check() -> list[str]:
        job = CheckMoneyWithoutServiceJob()
        with Session(shop.engine) as session:
            work = Work(session=session, now=LATE, envelope=envelope_for(job), service="payment")
            ready.wait()
            check_money_without_service(job, work)
            session.commit()
        return [parcel.envelope.name for parcel in work.sent]

    with ThreadPoolExecutor(4) as pool:
        sent = [
            name for done in [pool.submit(one_check) for _ in range(4)] for name in done.result()
        ]
    assert sent.count("HotspotUserProvisionRequested") == 1
    assert sent.count("AlarmRaised") == 1
    assert sent.count("PromiseChecked") == 4


def test_it_is_asked_ever_more_slowly_and_then_a_person_must_look(
    shop: Shop, waiting: UUID
) -> None:
    asked_at, now = [], LATE
    while shop.payment(waiting).needs_attention is None:
        if "CreateHotspotUserJob" in names(check(shop, now)):
            asked_at.append(now)
        now += timedelta(seconds=60)
    pauses = [later - before for before, later in itertools.pairwise(asked_at)]
    assert len(asked_at) == MOST_TRIES
    assert pauses == list(PAUSES[: MOST_TRIES - 1])
    assert shop.payment(waiting).needs_attention == GAVE_UP["access"]
    after = check(shop, now)
    assert (names(after), figure(after)) == (["PromiseChecked"], (0, None))


def test_what_comes_after_all_needs_no_person_any_more(shop: Shop, waiting: UUID) -> None:
    for minute in range(40):
        check(shop, LATE + timedelta(minutes=minute))
    shop.engine_run("UPDATE payments SET needs_attention = 'a; ' || needs_attention || '; b'")
    shop.cache_credentials(waiting, AN_HOUR)
    check(shop, LATE + timedelta(minutes=41))
    assert shop.payment(waiting).needs_attention == "a; b"


def test_a_missing_voucher_is_asked_for_though_the_guest_is_served(shop: Shop) -> None:
    payment_id = shop.completed()
    shop.cache_credentials(payment_id, AN_HOUR)
    sent = check(shop, LATE)
    assert figure(sent) == (0, None)
    assert ProcessPaymentJob(payment_id=payment_id) in sent
    shop.run(ProcessPaymentJob(payment_id=payment_id))
    assert names(check(shop, LATE + PAUSES[0])) == ["PromiseChecked"]
    assert shop.count(AskedAgain) == 0


def test_a_completed_payment_without_any_access_is_found_and_given_one(
    shop: Shop, waiting: UUID
) -> None:
    shop.engine_run("DELETE FROM access; DELETE FROM vouchers")
    sent = check(shop, LATE)
    assert figure(sent) == (1, NOON)
    assert "CreateHotspotUserJob" in names(sent)
    assert shop.access(waiting).state == "provisioning"


def test_access_whose_time_ran_out_is_closed(shop: Shop, waiting: UUID) -> None:
    shop.cache_credentials(waiting, AN_HOUR)
    check(shop, AN_HOUR - timedelta(seconds=1))
    assert shop.access(waiting).state == "ready"
    check(shop, AN_HOUR)
    assert shop.access(waiting).state == "ended"
    assert shop.count(Access) == 1
