"""Who pays for another package keeps the value of the time that is left."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from hotspot.bus.work import Handlers
from hotspot.contract.access import (
    AuthorizeRadiusUserJob,
    CheckExpiredSubscriptionsJob,
    SubscriptionChanged,
)
from hotspot.contract.money import Money
from hotspot.contract.packages import PackageTerms
from hotspot.contract.payments import CacheCredentialsJob
from hotspot.testing.handling import NOON, run
from provisioning_service.models import Subscription
from provisioning_service.proration import LONGEST, data_for, worth

from .examples import DAY, FAST, HOME, all_of, authorized, bought, month, only, package

MONTH = timedelta(days=30)


def paid_until(engine: Engine) -> datetime:
    with Session(engine) as session:
        return session.scalars(select(Subscription.paid_until)).one()


def of(shillings: int, days: int) -> PackageTerms:
    return package("subscription", days * DAY, shillings=shillings)


@pytest.mark.parametrize(
    ("left", "old", "new", "kept"),
    [
        # Twice the price a second: half the time.
        (timedelta(days=10), of(1500, 30), of(3000, 30), timedelta(days=5)),
        (timedelta(days=10), of(3000, 30), of(1500, 30), timedelta(days=20)),
        # The price a second counts, not the price.
        (timedelta(days=10), of(1500, 30), of(350, 7), timedelta(days=10)),
        (timedelta(days=3), of(1000, 30), of(700, 7), timedelta(days=1)),
        (timedelta(seconds=100), of(1000, 30), of(3000, 30), timedelta(seconds=33.333333)),
        # Without a price there is nothing to compare: time counts as it is.
        (timedelta(days=10), of(0, 30), of(1500, 30), timedelta(days=10)),
        (timedelta(days=10), of(1500, 30), of(0, 30), timedelta(days=10)),
        (timedelta(0), of(1500, 30), of(3000, 30), timedelta(0)),
    ],
)
def test_time_is_worth_what_it_cost(
    left: timedelta, old: PackageTerms, new: PackageTerms, kept: timedelta
) -> None:
    assert worth(left, of=old, as_=new) == kept


_packages = st.builds(
    lambda shillings, seconds: package("subscription", seconds, shillings=shillings),
    st.integers(1, 1_000_000),
    st.integers(60, 400 * DAY),
)


@given(_packages, _packages, st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=400)))
def test_never_more_than_a_second_of_value_is_lost_and_none_is_won(
    old: PackageTerms, new: PackageTerms, left: timedelta
) -> None:
    kept = worth(left, of=old, as_=new)
    assume(kept < LONGEST)

    def cost(time: timedelta, package: PackageTerms) -> int:
        ticks = time // timedelta.resolution
        return ticks * package.price.amount * old.duration_seconds * new.duration_seconds

    before = cost(left, old) // old.duration_seconds
    after = cost(kept, new) // new.duration_seconds
    of_a_second = cost(timedelta(seconds=1), new) // new.duration_seconds
    assert 0 <= before - after < of_a_second


def test_what_costs_next_to_nothing_is_not_given_for_longer_than_dates_last(
    engine: Engine, handlers: Handlers
) -> None:
    run(handlers, month(of(1_000_000, 30)), engine)

    run(handlers, month(of(1, 3650)), engine)

    assert paid_until(engine) == NOON + LONGEST + timedelta(days=3650)


def test_data_goes_with_its_part_of_the_time() -> None:
    assert data_for(timedelta(days=3), HOME) == 2 * 10**8
    assert data_for(timedelta(seconds=1), package(seconds=3)) == 666_666_666


def test_what_is_left_of_the_old_package_runs_first_at_the_new_speed(
    engine: Engine, handlers: Handlers
) -> None:
    first = only(AuthorizeRadiusUserJob, run(handlers, month(), engine))
    run(handlers, authorized(first), engine)
    at = NOON + timedelta(days=20)

    sent = run(handlers, month(FAST), engine, now=at)

    new, kept = all_of(AuthorizeRadiusUserJob, sent)
    # Ten days at 50 bob a day are five at 100; then the month that was paid for.
    assert (kept.grant_id, kept.revision, kept.down_kbps) == (first.grant_id, 1, 10_000)
    assert (kept.starts_at, kept.ends_at) == (NOON, at + timedelta(days=5))
    assert kept.data_bytes == first.data_bytes
    assert (new.starts_at, new.ends_at) == (kept.ends_at, kept.ends_at + MONTH)
    assert only(CacheCredentialsJob, sent).until == kept.ends_at
    changed = only(SubscriptionChanged, sent)
    assert (changed.package_id, changed.paid_until) == (FAST.package_id, new.ends_at)


def test_months_that_were_paid_ahead_count_too_and_leave_no_gap(
    engine: Engine, handlers: Handlers
) -> None:
    run(handlers, month(), engine)
    run(handlers, bought(terms=package(seconds=DAY)), engine)
    run(handlers, month(), engine)
    at = NOON + timedelta(days=20)

    sent = run(handlers, month(FAST), engine, now=at)

    new, *kept = all_of(AuthorizeRadiusUserJob, sent)
    days = [(one.starts_at - NOON, one.ends_at - NOON, one.down_kbps) for one in [*kept, new]]
    assert days == [
        (timedelta(days=0), timedelta(days=25), 10_000),
        # A day of something else that was bought in between stays a day of that.
        (timedelta(days=25), timedelta(days=26), 5_000),
        (timedelta(days=26), timedelta(days=41), 10_000),
        (timedelta(days=41), timedelta(days=71), 10_000),
    ]


def test_there_and_back_again_costs_nothing(engine: Engine, handlers: Handlers) -> None:
    run(handlers, month(), engine)
    at = NOON + timedelta(days=1)
    run(handlers, month(FAST), engine, now=at)

    run(handlers, month(HOME), engine, now=at)

    # 29 days were left, the fast month is worth two, and one more was paid for.
    assert paid_until(engine) == at + timedelta(days=29) + 2 * MONTH + MONTH


def test_the_same_package_at_another_price_changes_nothing_that_was_bought(
    engine: Engine, handlers: Handlers
) -> None:
    run(handlers, month(), engine)

    run(handlers, month(replace(HOME, price=Money.shillings(9000))), engine)

    assert paid_until(engine) == NOON + 2 * MONTH


def test_what_was_lent_is_paid_back_by_its_value(engine: Engine, handlers: Handlers) -> None:
    run(handlers, month(), engine)
    end = NOON + MONTH
    run(handlers, CheckExpiredSubscriptionsJob(), engine, now=end)
    at = end + timedelta(days=2)

    run(handlers, month(FAST), engine, now=at)

    # Two days of the old package are one of the new.
    assert paid_until(engine) == at + MONTH - timedelta(days=1)


def test_with_nothing_left_there_is_nothing_to_convert(engine: Engine, handlers: Handlers) -> None:
    run(handlers, month(), engine)
    at = NOON + 2 * MONTH

    sent = run(handlers, month(FAST), engine, now=at)

    assert len(all_of(AuthorizeRadiusUserJob, sent)) == 1
    assert paid_until(engine) == at + MONTH


@pytest.mark.parametrize("left", [timedelta.resolution, timedelta(seconds=1)])
def test_the_last_moment_of_a_package_is_converted_too(
    engine: Engine, handlers: Handlers, left: timedelta
) -> None:
    run(handlers, month(), engine)
    run(handlers, month(), engine)
    at = NOON + 2 * MONTH - left

    run(handlers, month(FAST), engine, now=at)

    assert paid_until(engine) == at + MONTH + max(left / 2, timedelta.resolution)
