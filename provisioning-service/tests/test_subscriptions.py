"""A subscription walks through its states, and every payment brings it back."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from hotspot.bus.outcome import Reject
from hotspot.bus.work import Handlers
from hotspot.contract.access import (
    AccountSuspended,
    AccountUnsuspended,
    AuthorizeRadiusUserJob,
    CheckExpiredSubscriptionsJob,
    CreateHotspotUserJob,
    ProcessGracePeriodJob,
    ReconnectSubscriptionJob,
    SubscriptionPaid,
)
from hotspot.contract.payments import CacheCredentialsJob
from hotspot.ids import new_id
from hotspot.testing.handling import NOON, run
from provisioning_service.models import Grant, Subscription

from .examples import DAY, PHONE, authorized, bought, package

MONTH = timedelta(days=30)
CHECK = CheckExpiredSubscriptionsJob()
PROCESS = ProcessGracePeriodJob()


def month(payments_phone: str = PHONE) -> CreateHotspotUserJob:
    return bought(phone=payments_phone, terms=package("subscription", 30 * DAY, "Home 5 Mbps"))


def only_subscription(engine: Engine) -> Subscription:
    with Session(engine) as session:
        return session.scalars(select(Subscription)).one()


def in_state(engine: Engine, state: str, *, paid_until: datetime) -> bool:
    found = only_subscription(engine)
    return (found.state, found.paid_until) == (state, paid_until)


def test_buying_a_subscription_package_begins_the_subscription(
    engine: Engine, handlers: Handlers
) -> None:
    paid, asked = run(handlers, month(), engine)

    assert isinstance(paid, SubscriptionPaid)
    assert (paid.package_name, paid.paid_until) == ("Home 5 Mbps", NOON + MONTH)
    assert isinstance(asked, AuthorizeRadiusUserJob)
    assert in_state(engine, "active", paid_until=NOON + MONTH)


def test_days_are_not_lost_by_paying_early(engine: Engine, handlers: Handlers) -> None:
    run(handlers, month(), engine)

    run(handlers, month(), engine, now=NOON + timedelta(days=20))

    assert in_state(engine, "active", paid_until=NOON + 2 * MONTH)


def test_the_same_payment_renews_once(engine: Engine, handlers: Handlers) -> None:
    job = month()
    run(handlers, job, engine)

    again = run(handlers, job, engine)

    assert [type(message) for message in again] == [AuthorizeRadiusUserJob]
    assert in_state(engine, "active", paid_until=NOON + MONTH)


def test_unpaid_it_goes_into_grace_and_then_is_suspended(
    engine: Engine, handlers: Handlers
) -> None:
    run(handlers, month(), engine)
    end = NOON + MONTH

    run(handlers, CHECK, engine, now=end - timedelta(seconds=1))
    assert in_state(engine, "active", paid_until=end)
    run(handlers, CHECK, engine, now=end)
    assert in_state(engine, "grace", paid_until=end)
    assert run(handlers, PROCESS, engine, now=end + timedelta(days=2)) == []
    assert in_state(engine, "grace", paid_until=end)
    (suspended,) = run(handlers, PROCESS, engine, now=end + timedelta(days=3))

    assert in_state(engine, "suspended", paid_until=end)
    assert isinstance(suspended, AccountSuspended)
    assert suspended.phone == PHONE
    assert run(handlers, PROCESS, engine, now=end + timedelta(days=4)) == []


def test_a_payment_in_grace_makes_it_active_without_a_word_about_suspension(
    engine: Engine, handlers: Handlers
) -> None:
    run(handlers, month(), engine)
    later = NOON + MONTH + timedelta(days=1)
    run(handlers, CHECK, engine, now=later)

    sent = run(handlers, month(), engine, now=later)

    assert [type(message) for message in sent] == [SubscriptionPaid, AuthorizeRadiusUserJob]
    assert in_state(engine, "active", paid_until=later + MONTH)


def test_a_payment_after_suspension_releases_the_account(
    engine: Engine, handlers: Handlers
) -> None:
    later = suspend(handlers, engine)

    paid, released, asked = run(handlers, month(), engine, now=later)

    assert isinstance(paid, SubscriptionPaid)
    assert isinstance(released, AccountUnsuspended)
    assert released.unsuspended_at == later
    assert isinstance(asked, AuthorizeRadiusUserJob)


def test_reconnecting_makes_it_active_with_a_grant_that_radius_is_asked_for(
    engine: Engine, handlers: Handlers
) -> None:
    later = suspend(handlers, engine)
    job = ReconnectSubscriptionJob(
        subscription_id=only_subscription(engine).id, payment_id=new_id(), paid_at=later
    )

    paid, released, asked = run(handlers, job, engine, now=later)

    assert isinstance(paid, SubscriptionPaid)
    assert isinstance(released, AccountUnsuspended)
    assert isinstance(asked, AuthorizeRadiusUserJob)
    assert (asked.starts_at, asked.ends_at) == (later, later + MONTH)
    assert in_state(engine, "active", paid_until=later + MONTH)


def test_a_payment_that_asks_for_access_and_for_reconnection_is_served_once(
    engine: Engine, handlers: Handlers
) -> None:
    later = suspend(handlers, engine)
    access = month()
    reconnect = ReconnectSubscriptionJob(
        subscription_id=only_subscription(engine).id, payment_id=access.payment_id, paid_at=later
    )
    _, _, asked = run(handlers, access, engine, now=later)
    assert isinstance(asked, AuthorizeRadiusUserJob)
    run(handlers, authorized(asked), engine, now=later)

    sent = run(handlers, reconnect, engine, now=later)

    assert [type(message) for message in sent] == [CacheCredentialsJob]
    assert in_state(engine, "active", paid_until=later + MONTH)
    with Session(engine) as session:
        assert len(session.scalars(select(Grant)).all()) == 2


def test_an_unknown_subscription_is_refused(engine: Engine, handlers: Handlers) -> None:
    job = ReconnectSubscriptionJob(subscription_id=new_id(), payment_id=new_id(), paid_at=NOON)

    with pytest.raises(Reject, match="no subscription"):
        run(handlers, job, engine)


def suspend(handlers: Handlers, engine: Engine) -> datetime:
    """A subscription that ran out of grace; answers when."""
    run(handlers, month(), engine)
    later = NOON + MONTH + timedelta(days=5)
    run(handlers, CHECK, engine, now=later)
    run(handlers, PROCESS, engine, now=later)
    return later
