"""Access is moved to another device, and taken away when its money went back."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from hotspot.bus.outcome import Retry
from hotspot.bus.work import Handlers
from hotspot.contract.access import (
    AccountSuspended,
    AuthorizeRadiusUserJob,
    CheckExpiredSubscriptionsJob,
    EndAccessJob,
    MoveAccessJob,
    MoveGrantJob,
    RevokeGrantJob,
    SubscriptionChanged,
)
from hotspot.contract.payments import CacheCredentialsJob
from hotspot.contract.sms import SendCredentialsSMSJob
from hotspot.ids import new_id
from hotspot.testing.handling import NOON, run
from provisioning_service.models import Grant, Subscription

from .examples import HOUR, all_of, authorized, bought, month, names, only, package

NEW_MAC = "02:00:5E:10:00:99"
AN_HOUR = timedelta(seconds=HOUR)
MONTH = timedelta(days=30)


def given(
    handlers: Handlers, engine: Engine, payment_id: UUID, *, now: datetime = NOON
) -> AuthorizeRadiusUserJob:
    """An hour that was paid and that works."""
    sent = run(handlers, bought(payment_id=payment_id), engine, now=now)
    asked = only(AuthorizeRadiusUserJob, sent)
    run(handlers, authorized(asked), engine, now=now)
    return asked


def to(
    payment_id: UUID, *, mac: str | None = NEW_MAC, at: datetime = NOON, by_sms: bool = True
) -> MoveAccessJob:
    return MoveAccessJob(
        payment_id=payment_id, moved_at=at, mac=mac, router_id="router-2", by_sms=by_sms
    )


def end(payment_id: UUID, at: datetime = NOON) -> EndAccessJob:
    return EndAccessJob(payment_id=payment_id, reason="reversed", ended_at=at)


def grant_of(engine: Engine, payment_id: UUID) -> Grant:
    with Session(engine) as session:
        return session.scalars(select(Grant).where(Grant.payment_id == payment_id)).one()


def subscription_in(engine: Engine) -> Subscription:
    with Session(engine) as session:
        return session.scalars(select(Subscription)).one()


# Moved


def test_access_moves_to_the_device_and_the_credentials_are_told_again(
    engine: Engine, handlers: Handlers
) -> None:
    payment_id = new_id()
    asked = given(handlers, engine, payment_id)

    moved, cached, sms = run(handlers, to(payment_id), engine)

    assert moved == MoveGrantJob(
        grant_id=asked.grant_id, username="0712345678", mac=NEW_MAC, moved_at=NOON
    )
    assert isinstance(cached, CacheCredentialsJob)
    assert cached.payment_id == payment_id
    assert isinstance(sms, SendCredentialsSMSJob)
    assert (sms.payment_id, sms.again, sms.until) == (payment_id, True, asked.ends_at)
    grant = grant_of(engine, payment_id)
    assert (grant.mac, grant.router_id) == (NEW_MAC, "router-2")


def test_without_a_device_none_is_sent_off(engine: Engine, handlers: Handlers) -> None:
    payment_id = new_id()
    asked = given(handlers, engine, payment_id)

    sent = run(handlers, to(payment_id, mac=None), engine)

    assert names(sent) == ["CacheCredentialsJob", "SendCredentialsSMSJob"]
    assert grant_of(engine, payment_id).mac == asked.mac


def test_no_sms_where_none_is_wanted(engine: Engine, handlers: Handlers) -> None:
    payment_id = new_id()
    given(handlers, engine, payment_id)

    sent = run(handlers, to(payment_id, by_sms=False), engine)

    assert names(sent) == ["MoveGrantJob", "CacheCredentialsJob"]


def test_an_older_order_does_not_move_it_back(engine: Engine, handlers: Handlers) -> None:
    payment_id = new_id()
    given(handlers, engine, payment_id)
    run(handlers, to(payment_id, at=NOON + timedelta(seconds=9)), engine)

    sent = run(handlers, to(payment_id, mac="02:00:5E:10:00:11"), engine)

    assert not all_of(MoveGrantJob, sent)
    assert grant_of(engine, payment_id).mac == NEW_MAC


def test_what_radius_has_not_heard_of_is_told_once_it_works(
    engine: Engine, handlers: Handlers
) -> None:
    payment_id = new_id()
    asked = only(AuthorizeRadiusUserJob, run(handlers, bought(payment_id=payment_id), engine))

    sent = run(handlers, to(payment_id), engine)

    assert names(sent) == ["AuthorizeRadiusUserJob", "MoveGrantJob"]
    again = only(AuthorizeRadiusUserJob, sent)
    assert (again.mac, again.revision) == (NEW_MAC, 1)
    assert "SendCredentialsSMSJob" in names(run(handlers, authorized(asked), engine))


def test_access_that_is_not_given_yet_is_moved_later(engine: Engine, handlers: Handlers) -> None:
    with pytest.raises(Retry, match="no grant yet"):
        run(handlers, to(new_id()), engine)


def test_access_that_is_over_is_not_moved(engine: Engine, handlers: Handlers) -> None:
    payment_id = new_id()
    given(handlers, engine, payment_id)

    assert run(handlers, to(payment_id), engine, now=NOON + AN_HOUR) == []


# Taken away


def test_access_ends_and_what_was_bought_after_it_moves_forward(
    engine: Engine, handlers: Handlers
) -> None:
    first, second, third = new_id(), new_id(), new_id()
    asked = [given(handlers, engine, one) for one in (first, second, third)]
    now = NOON + timedelta(minutes=20)

    sent = run(handlers, end(first), engine, now=now)

    # RADIUS hears of the new times before the first one ends: nobody is without in between.
    assert names(sent) == [
        "AuthorizeRadiusUserJob",
        "CacheCredentialsJob",
        "AuthorizeRadiusUserJob",
        "CacheCredentialsJob",
        "RevokeGrantJob",
    ]
    moved = all_of(AuthorizeRadiusUserJob, sent)
    assert [(one.grant_id, one.starts_at, one.ends_at, one.revision) for one in moved] == [
        (asked[1].grant_id, now, now + AN_HOUR, 1),
        (asked[2].grant_id, now + AN_HOUR, now + 2 * AN_HOUR, 1),
    ]
    assert only(RevokeGrantJob, sent) == RevokeGrantJob(
        grant_id=asked[0].grant_id, username="0712345678", revoked_at=now
    )
    assert all_of(CacheCredentialsJob, sent)[1].until == now + 2 * AN_HOUR


def test_one_that_waits_ends_without_a_gap(engine: Engine, handlers: Handlers) -> None:
    first, second, third = new_id(), new_id(), new_id()
    asked = [given(handlers, engine, one) for one in (first, second, third)]

    sent = run(handlers, end(second), engine, now=NOON + timedelta(minutes=20))

    moved = only(AuthorizeRadiusUserJob, sent)
    assert (moved.grant_id, moved.starts_at) == (asked[2].grant_id, asked[0].ends_at)
    assert run(handlers, end(second), engine) == []


def test_the_next_payment_begins_at_once(engine: Engine, handlers: Handlers) -> None:
    first = new_id()
    given(handlers, engine, first)
    run(handlers, end(first), engine)

    asked = given(handlers, engine, new_id())

    assert asked.starts_at == NOON


def test_access_that_comes_after_its_end_is_not_given(engine: Engine, handlers: Handlers) -> None:
    payment_id = new_id()
    (again,) = run(handlers, end(payment_id), engine)
    # Access that was being given at that very moment is found two minutes later.
    assert again == end(payment_id)

    assert run(handlers, bought(payment_id=payment_id), engine) == []
    assert run(handlers, to(payment_id), engine) == []
    assert run(handlers, end(payment_id), engine) == []


def test_access_that_was_given_while_it_was_to_end_ends_all_the_same(
    engine: Engine, handlers: Handlers
) -> None:
    payment_id = new_id()
    sent = run(handlers, end(payment_id), engine)
    asked = _given_in_spite_of(handlers, engine, payment_id)

    (revoked,) = run(handlers, sent[0], engine, now=NOON + timedelta(minutes=2))

    assert isinstance(revoked, RevokeGrantJob)
    assert revoked.grant_id == asked.grant_id


def _given_in_spite_of(
    handlers: Handlers, engine: Engine, payment_id: UUID
) -> AuthorizeRadiusUserJob:
    """As by a transaction that began before the order to end it was committed."""
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE aside AS TABLE taken_back"))
        connection.execute(text("DELETE FROM taken_back"))
    asked = only(AuthorizeRadiusUserJob, run(handlers, bought(payment_id=payment_id), engine))
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO taken_back TABLE aside"))
    return asked


def test_nobody_is_told_of_access_that_was_taken_away_meanwhile(
    engine: Engine, handlers: Handlers
) -> None:
    payment_id = new_id()
    asked = only(AuthorizeRadiusUserJob, run(handlers, bought(payment_id=payment_id), engine))
    run(handlers, end(payment_id), engine)

    assert run(handlers, authorized(asked), engine) == []


def test_what_is_over_needs_no_end(engine: Engine, handlers: Handlers) -> None:
    payment_id = new_id()
    given(handlers, engine, payment_id)

    assert run(handlers, end(payment_id), engine, now=NOON + AN_HOUR) == []


# Subscriptions


def test_the_paid_time_goes_back_by_the_month_that_was_paid_back(
    engine: Engine, handlers: Handlers
) -> None:
    second = new_id()
    run(handlers, month(), engine)
    run(handlers, month(payment_id=second), engine)

    sent = run(handlers, end(second), engine, now=NOON + timedelta(days=3))

    assert names(sent) == ["RevokeGrantJob", "SubscriptionChanged"]
    changed = only(SubscriptionChanged, sent)
    assert (changed.state, changed.paid_until) == ("active", NOON + MONTH)


def test_a_month_that_runs_is_paid_back_and_the_next_one_begins(
    engine: Engine, handlers: Handlers
) -> None:
    first = new_id()
    run(handlers, month(payment_id=first), engine)
    run(handlers, month(), engine)
    now = NOON + timedelta(days=3)

    sent = run(handlers, end(first), engine, now=now)

    assert only(AuthorizeRadiusUserJob, sent).starts_at == now
    assert only(SubscriptionChanged, sent).paid_until == now + MONTH


def test_without_paid_time_it_is_suspended_at_once_and_lent_nothing(
    engine: Engine, handlers: Handlers
) -> None:
    only_one = new_id()
    run(handlers, month(payment_id=only_one), engine)
    end_of_month = NOON + MONTH - timedelta(minutes=9)
    run(handlers, CheckExpiredSubscriptionsJob(), engine, now=end_of_month)

    sent = run(handlers, end(only_one), engine, now=end_of_month)

    assert names(sent) == [
        "RevokeGrantJob",  # the month
        "RevokeGrantJob",  # the grace that was about to begin
        "SuspendRadiusUserJob",
        "AccountSuspended",
        "SubscriptionChanged",
    ]
    assert only(AccountSuspended, sent).reason == "reversed"
    found = subscription_in(engine)
    assert (found.state, found.grace_until) == ("suspended", None)
    assert found.paid_until == NOON


def test_who_paid_for_a_day_too_keeps_that(engine: Engine, handlers: Handlers) -> None:
    only_one = new_id()
    run(handlers, month(payment_id=only_one), engine)
    run(handlers, bought(terms=package(seconds=24 * HOUR)), engine)

    sent = run(handlers, end(only_one), engine)

    assert only(AuthorizeRadiusUserJob, sent).starts_at == NOON
    assert "SuspendRadiusUserJob" not in names(sent)
    assert subscription_in(engine).state == "suspended"
