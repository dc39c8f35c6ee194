"""A subscription walks through its states, and every payment brings it back."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from hotspot.bus.outcome import Reject
from hotspot.bus.work import Handlers
from hotspot.contract.access import (
    AccountSuspended,
    AccountUnsuspended,
    AuthorizeRadiusUserJob,
    CheckExpiredSubscriptionsJob,
    ProcessGracePeriodJob,
    ReconnectSubscriptionJob,
    ReleaseRadiusUserJob,
    RevokeGrantJob,
    SubscriptionChanged,
    SubscriptionPaid,
    SuspendRadiusUserJob,
)
from hotspot.contract.message import Message
from hotspot.contract.money import Money
from hotspot.contract.payments import CacheCredentialsJob
from hotspot.contract.sessions import SessionExpired
from hotspot.ids import new_id
from hotspot.testing.handling import NOON, run
from provisioning_service.models import Grant, Subscription
from provisioning_service.subscription_handlers import (
    check_expired_subscriptions,
    process_grace_period,
)

from .examples import (
    DAY,
    HOME,
    PHONE,
    all_of,
    authorized,
    bought,
    month,
    names,
    only,
    package,
)
from .racing import race

MONTH = timedelta(days=30)
GRACE = timedelta(days=3)
END = NOON + MONTH
CHECK = CheckExpiredSubscriptionsJob()
PROCESS = ProcessGracePeriodJob()


def subscription_in(engine: Engine) -> Subscription:
    with Session(engine) as session:
        return session.scalars(select(Subscription)).one()


def in_state(engine: Engine, state: str, *, paid_until: datetime) -> bool:
    found = subscription_in(engine)
    return (found.state, found.paid_until) == (state, paid_until)


def lapse(handlers: Handlers, engine: Engine) -> AuthorizeRadiusUserJob:
    """A month that was paid and is over, checked as it ends; answers with what was lent."""
    run(handlers, month(), engine)
    lent = only(
        AuthorizeRadiusUserJob, run(handlers, CHECK, engine, now=END - timedelta(minutes=9))
    )
    run(handlers, CHECK, engine, now=END + timedelta(minutes=1))
    return lent


def suspend(handlers: Handlers, engine: Engine) -> datetime:
    """A subscription that ran out of grace; answers when."""
    lapse(handlers, engine)
    later = END + timedelta(days=5)
    run(handlers, PROCESS, engine, now=later)
    return later


def test_it_walks_through_all_its_states(engine: Engine, handlers: Handlers) -> None:
    told: dict[str, list[str]] = {}

    def at(days: float, message: Message) -> list[Message]:
        sent = run(handlers, message, engine, now=NOON + timedelta(days=days))
        told[f"{days} {subscription_in(engine).state}"] = names(sent)
        return sent

    at(0, month())
    at(29.9, CHECK)
    (lent,) = at(29.99, CHECK)
    at(30, CHECK)
    at(32, PROCESS)
    at(33, PROCESS)
    at(34, CHECK)
    *_, changed = at(40, month())
    at(66, CHECK)
    at(67, CHECK)
    at(68, month())
    at(97, CHECK)

    assert told == {
        "0 active": ["AuthorizeRadiusUserJob", "SubscriptionPaid", "SubscriptionChanged"],
        "29.9 active": [],
        "29.99 active": ["AuthorizeRadiusUserJob"],
        "30 grace": ["SubscriptionChanged"],
        "32 grace": [],
        "33 suspended": ["SuspendRadiusUserJob", "AccountSuspended", "SubscriptionChanged"],
        "34 suspended": [],
        "40 active": [
            "AuthorizeRadiusUserJob",
            "ReleaseRadiusUserJob",
            "AccountUnsuspended",
            "SubscriptionPaid",
            "SubscriptionChanged",
        ],
        "66 active": [],
        "67 grace": ["AuthorizeRadiusUserJob", "SubscriptionChanged"],
        # What was lent ends, with what was paid for in its place.
        "68 active": [
            "AuthorizeRadiusUserJob",
            "AuthorizeRadiusUserJob",
            "SubscriptionPaid",
            "SubscriptionChanged",
        ],
        "97 grace": ["AuthorizeRadiusUserJob", "SubscriptionChanged"],
    }
    assert isinstance(lent, AuthorizeRadiusUserJob)
    assert (lent.starts_at, lent.ends_at) == (END, END + GRACE)
    assert isinstance(changed, SubscriptionChanged)
    assert (changed.state, changed.package_id) == ("active", HOME.package_id)
    # Three months were paid, and for a week nobody was online.
    assert in_state(engine, "grace", paid_until=NOON + 3 * MONTH + timedelta(days=7))


def test_buying_a_subscription_package_begins_the_subscription(
    engine: Engine, handlers: Handlers
) -> None:
    sent = run(handlers, month(), engine)

    paid = only(SubscriptionPaid, sent)
    assert (paid.package_name, paid.paid_until) == ("Home 5 Mbps", END)
    assert paid.price == Money.shillings(1500)
    changed = only(SubscriptionChanged, sent)
    assert (changed.phone, changed.state, changed.paid_until) == (PHONE, "active", END)
    assert changed.subscription_id == paid.subscription_id
    assert only(AuthorizeRadiusUserJob, sent).ends_at == END
    assert in_state(engine, "active", paid_until=END)


def test_days_are_not_lost_by_paying_early(engine: Engine, handlers: Handlers) -> None:
    run(handlers, month(), engine)

    sent = run(handlers, month(), engine, now=NOON + timedelta(days=20))

    assert only(AuthorizeRadiusUserJob, sent).starts_at == END
    assert in_state(engine, "active", paid_until=NOON + 2 * MONTH)


def test_when_the_data_is_used_up_the_next_month_begins_at_once(
    engine: Engine, handlers: Handlers
) -> None:
    first = only(AuthorizeRadiusUserJob, run(handlers, month(), engine))
    used_up = SessionExpired(
        session_id=new_id(),
        user_id=first.user_id,
        username=first.username,
        grant_id=first.grant_id,
        payment_id=first.payment_id,
        expired_at=NOON + timedelta(days=5),
        cause="data",
    )
    run(handlers, used_up, engine, now=used_up.expired_at)

    sent = run(handlers, month(), engine, now=used_up.expired_at)

    assert only(AuthorizeRadiusUserJob, sent).starts_at == used_up.expired_at
    assert in_state(engine, "active", paid_until=used_up.expired_at + MONTH)


def test_the_same_payment_renews_once(engine: Engine, handlers: Handlers) -> None:
    job = month()
    run(handlers, job, engine)

    again = run(handlers, job, engine)

    assert names(again) == ["AuthorizeRadiusUserJob"]
    assert in_state(engine, "active", paid_until=END)


def test_in_grace_the_customer_stays_online(engine: Engine, handlers: Handlers) -> None:
    lent = lapse(handlers, engine)

    assert (lent.starts_at, lent.ends_at) == (END, END + GRACE)
    assert lent.payment_id == subscription_in(engine).id
    # By the device that is online, at the speed that was sold, with a tenth of a month's data.
    assert (lent.mac, lent.down_kbps, lent.data_bytes) == ("AA:BB:CC:DD:EE:FF", 5000, 2 * 10**8)
    assert run(handlers, authorized(lent, END), engine, now=END) == []
    assert in_state(engine, "grace", paid_until=END)


def test_grace_is_not_given_twice(engine: Engine, handlers: Handlers) -> None:
    lapse(handlers, engine)

    for hours in range(100):
        later = END + timedelta(hours=hours)
        assert not all_of(AuthorizeRadiusUserJob, run(handlers, CHECK, engine, now=later, times=1))


def test_when_the_check_comes_late_only_the_rest_of_the_grace_is_given(
    engine: Engine, handlers: Handlers
) -> None:
    run(handlers, month(), engine)
    late = END + timedelta(days=2)

    lent = only(AuthorizeRadiusUserJob, run(handlers, CHECK, engine, now=late))

    assert (lent.starts_at, lent.ends_at) == (late, END + GRACE)
    run(handlers, month(), engine, now=END + timedelta(days=3))
    # One day was lent; the two before it nobody was online.
    assert in_state(engine, "active", paid_until=END + timedelta(days=2) + MONTH)


def test_a_payment_in_grace_counts_from_where_the_paid_time_ended(
    engine: Engine, handlers: Handlers
) -> None:
    lent = lapse(handlers, engine)
    later = END + timedelta(days=1)

    sent = run(handlers, month(), engine, now=later)

    paid_for, over = all_of(AuthorizeRadiusUserJob, sent)
    assert (paid_for.starts_at, paid_for.ends_at) == (later, END + MONTH)
    assert (over.grant_id, over.ends_at, over.revision) == (lent.grant_id, later, 1)
    assert not all_of(AccountUnsuspended, sent)
    assert in_state(engine, "active", paid_until=END + MONTH)


def test_a_payment_just_before_the_end_takes_back_what_was_about_to_be_lent(
    engine: Engine, handlers: Handlers
) -> None:
    run(handlers, month(), engine)
    soon = END - timedelta(minutes=9)
    lent = only(AuthorizeRadiusUserJob, run(handlers, CHECK, engine, now=soon))

    sent = run(handlers, month(), engine, now=soon)

    assert only(RevokeGrantJob, sent).grant_id == lent.grant_id
    assert in_state(engine, "active", paid_until=END + MONTH)
    (again,) = run(handlers, CHECK, engine, now=soon + MONTH)
    assert isinstance(again, AuthorizeRadiusUserJob)
    assert again.ends_at == END + MONTH + GRACE


def test_suspended_it_is_refused_with_the_reason_and_everyone_hears_of_it(
    engine: Engine, handlers: Handlers
) -> None:
    lapse(handlers, engine)

    refused, told, changed = run(handlers, PROCESS, engine, now=END + GRACE)

    assert isinstance(refused, SuspendRadiusUserJob)
    assert (refused.username, refused.reason) == ("0712345678", "suspended")
    assert isinstance(told, AccountSuspended)
    assert (told.phone, told.reason) == (PHONE, "unpaid")
    assert isinstance(changed, SubscriptionChanged)
    assert changed.state == "suspended"


def test_who_has_paid_for_something_else_is_not_refused(engine: Engine, handlers: Handlers) -> None:
    lapse(handlers, engine)
    run(handlers, bought(terms=package(seconds=DAY)), engine, now=END + timedelta(days=2.5))

    sent = run(handlers, PROCESS, engine, now=END + GRACE)

    assert names(sent) == ["AccountSuspended", "SubscriptionChanged"]


def test_who_buys_an_hour_while_suspended_is_let_in_for_it(
    engine: Engine, handlers: Handlers
) -> None:
    later = suspend(handlers, engine)

    sent = run(handlers, bought(), engine, now=later)

    assert names(sent) == ["AuthorizeRadiusUserJob", "ReleaseRadiusUserJob"]
    assert only(AuthorizeRadiusUserJob, sent).starts_at == later
    assert in_state(engine, "suspended", paid_until=END)


def test_what_was_lent_is_paid_back_after_suspension_too(
    engine: Engine, handlers: Handlers
) -> None:
    later = suspend(handlers, engine)

    sent = run(handlers, month(), engine, now=later)

    assert only(AccountUnsuspended, sent).unsuspended_at == later
    assert only(ReleaseRadiusUserJob, sent).changed_at == later
    assert in_state(engine, "active", paid_until=later + MONTH - GRACE)


def test_paying_back_takes_at_most_half_of_what_is_paid_for(
    engine: Engine, handlers: Handlers
) -> None:
    later = suspend(handlers, engine)
    two_days = replace(HOME, duration_seconds=2 * DAY, price=Money.shillings(100))

    run(handlers, month(two_days), engine, now=later)

    assert in_state(engine, "active", paid_until=later + timedelta(days=1))


def test_reconnecting_takes_all_four_steps(engine: Engine, handlers: Handlers) -> None:
    later = suspend(handlers, engine)
    sold = replace(HOME, down_kbps=7000)
    job = ReconnectSubscriptionJob(
        subscription_id=subscription_in(engine).id,
        payment_id=new_id(),
        paid_at=later,
        package=sold,
        receipt="SKL61H7QOP",
    )

    sent = run(handlers, job, engine, now=later)

    # The subscription's status,
    assert in_state(engine, "active", paid_until=later + MONTH - GRACE)
    assert only(SubscriptionChanged, sent).state == "active"
    # RADIUS lets in again, on the terms that were sold,
    asked = only(AuthorizeRadiusUserJob, sent)
    assert (asked.payment_id, asked.down_kbps, asked.starts_at) == (job.payment_id, 7000, later)
    assert only(ReleaseRadiusUserJob, sent).username == "0712345678"
    # the device that waits at home is let in by itself,
    assert (asked.mac, asked.router_id) == ("AA:BB:CC:DD:EE:FF", "router-1")
    # and it is written down.
    with Session(engine) as session:
        grant = session.scalars(select(Grant).where(Grant.payment_id == job.payment_id)).one()
    assert grant.receipt == "SKL61H7QOP"
    assert only(AccountUnsuspended, sent).subscription_id == job.subscription_id


def test_a_reconnection_that_does_not_say_what_was_sold_is_for_the_package_there_is(
    engine: Engine, handlers: Handlers
) -> None:
    later = suspend(handlers, engine)
    job = ReconnectSubscriptionJob(
        subscription_id=subscription_in(engine).id, payment_id=new_id(), paid_at=later
    )

    sent = run(handlers, job, engine, now=later)

    assert only(SubscriptionPaid, sent).package_name == "Home 5 Mbps"


def test_a_payment_that_asks_for_access_and_for_reconnection_is_served_once(
    engine: Engine, handlers: Handlers
) -> None:
    later = suspend(handlers, engine)
    access = month()
    reconnect = ReconnectSubscriptionJob(
        subscription_id=subscription_in(engine).id, payment_id=access.payment_id, paid_at=later
    )
    asked = only(AuthorizeRadiusUserJob, run(handlers, access, engine, now=later))
    run(handlers, authorized(asked), engine, now=later)

    sent = run(handlers, reconnect, engine, now=later)

    assert [type(message) for message in sent] == [CacheCredentialsJob]
    assert in_state(engine, "active", paid_until=later + MONTH - GRACE)
    with Session(engine) as session:
        paid = session.scalars(select(Grant).where(Grant.kind == "paid")).all()
    assert len(paid) == 2


def test_an_unknown_subscription_is_refused(engine: Engine, handlers: Handlers) -> None:
    job = ReconnectSubscriptionJob(subscription_id=new_id(), payment_id=new_id(), paid_at=NOON)

    with pytest.raises(Reject, match="no subscription"):
        run(handlers, job, engine)


def test_without_a_phone_there_is_access_and_no_subscription(
    engine: Engine, handlers: Handlers
) -> None:
    job = replace(month(), phone=None, username="tx4k9mwp")

    (asked,) = run(handlers, job, engine)

    assert isinstance(asked, AuthorizeRadiusUserJob)
    with Session(engine) as session:
        assert session.scalars(select(Subscription)).all() == []


def test_who_is_paying_at_this_moment_is_left_to_the_next_run(
    engine: Engine, handlers: Handlers
) -> None:
    run(handlers, month(), engine)
    with engine.begin() as paying:
        paying.execute(text("SELECT FROM hotspot_users FOR UPDATE"))
        assert run(handlers, CHECK, engine, now=END) == []

    assert names(run(handlers, CHECK, engine, now=END))[-1] == "SubscriptionChanged"


def test_more_than_fit_into_one_transaction_are_gone_on_with(
    engine: Engine, handlers: Handlers
) -> None:
    in_pairs = {
        **handlers,
        CheckExpiredSubscriptionsJob: partial(check_expired_subscriptions, days=GRACE, most=2),
        ProcessGracePeriodJob: partial(process_grace_period, most=2),
    }
    phones = [f"2547123456{n:02}" for n in range(3)]
    for phone in phones:
        run(handlers, month(phone=phone), engine)

    first, second = (run(in_pairs, CHECK, engine, now=END) for _ in range(2))
    third, last = (run(in_pairs, PROCESS, engine, now=END + GRACE) for _ in range(2))

    asked = [CHECK in first, CHECK in second, PROCESS in third, PROCESS in last]
    assert asked == [True, False, True, False]
    changed = [one.phone for one in all_of(SubscriptionChanged, [*first, *second])]
    assert sorted(changed) == phones
    assert {one.phone for one in all_of(AccountSuspended, [*third, *last])} == set(phones)


def test_payments_that_race_with_the_end_of_the_grace_all_count(
    engine: Engine, handlers: Handlers
) -> None:
    lapse(handlers, engine)
    later = END + GRACE
    jobs: list[Message] = [month(), CHECK, month(), PROCESS, month(), CHECK, PROCESS, month()]

    race(handlers, engine, jobs, now=later)

    assert in_state(engine, "active", paid_until=END + 4 * MONTH)
    with Session(engine) as session:
        paid = session.scalars(
            select(Grant).where(Grant.kind == "paid").order_by(Grant.starts_at)
        ).all()
    ends = [grant.ends_at for grant in paid]
    assert [grant.starts_at for grant in paid[2:]] == ends[1:-1]
