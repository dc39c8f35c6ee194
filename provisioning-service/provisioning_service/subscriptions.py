"""Subscriptions: active while paid, then in grace, then suspended; active again when paid."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal, cast
from uuid import UUID

from sqlalchemy import Select, func, literal_column, or_, select
from sqlalchemy.orm import Session

from hotspot.contract.access import SubscriptionChanged
from hotspot.contract.message import Message
from hotspot.contract.packages import PackageTerms
from hotspot.ids import new_id
from provisioning_service import grace, grants
from provisioning_service.grants import Purchase
from provisioning_service.models import Grant, HotspotUser, Subscription, TakenBack
from provisioning_service.proration import worth

ACTIVE: Final = "active"
GRACE: Final = "grace"
SUSPENDED: Final = "suspended"

Due = Select[Subscription, HotspotUser]


@dataclass(frozen=True, kw_only=True)
class Renewal:
    """A subscription that was paid, and what it was before: None for a new one.

    `grant` is what was paid for; `revised` are grants whose terms changed by it; `ended` is what
    RADIUS must be told of the grace that is over.
    """

    subscription: Subscription
    was: str | None
    grant: Grant
    revised: Sequence[Grant] = ()
    ended: Sequence[Message] = ()


def of_user(session: Session, user: HotspotUser) -> Subscription | None:
    """The subscription of a locked user."""
    return session.scalar(
        select(Subscription)
        .where(Subscription.user_id == user.id)
        .execution_options(populate_existing=True)
    )


def renew(session: Session, user: HotspotUser, purchase: Purchase, *, at: datetime) -> Renewal:
    """Make or renew the subscription of a locked user by what was paid for.

    The new time begins where the paid time ends, so days paid are not lost by paying early; what
    was lent comes off it. What is left of another package counts by its price.
    """
    subscription = of_user(session, user)
    running = grants.standing(session, user.id, at=at)
    if purchase.mac is None:
        device = grants.last_device(session, user.id)
        purchase = replace(purchase, mac=device.mac, router_id=device.router_id)
    if subscription is None:
        since = grants.end_of(running, at=at)
        grant = grants.give(session, user, purchase, since=since, time=purchase.time, at=at)
        begun = begin(session, new_id(), user, grant.package, paid_until=grant.ends_at, at=at)
        return Renewal(subscription=begun, was=None, grant=grant)
    with grants.revising(running) as revised:
        change_package(running, purchase.package, at=at)
        grants.lay_in_a_row(running, at=at)
    grant = grants.give(
        session,
        user,
        purchase,
        since=grants.end_of(running, at=at),
        time=purchase.time - grace.owed(session, subscription, purchase.package, at=at),
        at=at,
    )
    ended = grace.take_back(session, subscription, user, at=at)
    was = subscription.state
    subscription.package = purchase.package
    subscription.paid_until = grant.ends_at
    enter(subscription, ACTIVE, at=at)
    session.flush()
    return Renewal(subscription=subscription, was=was, grant=grant, revised=revised, ended=ended)


def begin(
    session: Session,
    subscription_id: UUID,
    user: HotspotUser,
    package: PackageTerms,
    *,
    paid_until: datetime,
    at: datetime,
) -> Subscription:
    """The first subscription of a locked user.

    One that nobody has paid yet is suspended: nothing was bought, and nothing is lent to whom
    nobody knows. Its first payment makes it active.
    """
    subscription = Subscription(
        id=subscription_id,
        user_id=user.id,
        package=package,
        state=ACTIVE if paid_until > at else SUSPENDED,
        paid_until=paid_until,
        created_at=at,
        changed_at=at,
    )
    session.add(subscription)
    session.flush()
    return subscription


def change_package(running: Sequence[Grant], package: PackageTerms, *, at: datetime) -> None:
    """Have what is left of a subscription's paid time count as time of another package.

    Its data cap stays as it was bought: nobody knows here how much of it is used.
    """
    for grant in running:
        if grant.package.kind == "subscription" and grant.package.package_id != package.package_id:
            begins = max(at, grant.starts_at)
            left = worth(grant.ends_at - begins, of=grant.package, as_=package)
            grant.package, grant.ends_at = package, begins + max(left, timedelta.resolution)


def enter(subscription: Subscription, state: str, *, at: datetime) -> bool:
    """Put it in a state; False where it was in that state already."""
    if subscription.state == state:
        return False
    subscription.state, subscription.changed_at = state, at
    return True


def changed(subscription: Subscription, user: HotspotUser, *, at: datetime) -> SubscriptionChanged:
    """What the rest of the system hears of any change."""
    return SubscriptionChanged(
        subscription_id=subscription.id,
        user_id=user.id,
        phone=phone_of(user),
        package_id=subscription.package.package_id,
        state=cast(Literal["active", "grace", "suspended"], subscription.state),
        paid_until=subscription.paid_until,
        changed_at=at,
    )


def phone_of(user: HotspotUser) -> str:
    """The number of a subscriber: without one there is no subscription."""
    if user.phone is None:
        raise LookupError(f"user {user.id} has a subscription and no phone")
    return user.phone


def ending(*, at: datetime, most: int) -> Due:
    """Active ones whose paid time is over, or is about to be and no grace was given for it yet.

    Locked with their users; whatever is locked is being paid at this moment: waiting for it
    could only deadlock. The state is written into the statement, so that whatever plan is kept
    reads the beginning of the partial index.
    """
    return _due(
        Subscription.state == literal_column(f"'{ACTIVE}'"),
        Subscription.paid_until <= at + grace.AHEAD,
        or_(Subscription.paid_until <= at, Subscription.grace_until.is_(None)),
        first=Subscription.paid_until,
        most=most,
    )


def overdue(*, at: datetime, most: int) -> Due:
    """Those in grace whose grace is over. Locked, as above."""
    return _due(
        Subscription.state == literal_column(f"'{GRACE}'"),
        Subscription.grace_until <= at,
        first=Subscription.grace_until,
        most=most,
    )


def with_other_access(
    session: Session, user_ids: Collection[UUID], *, at: datetime
) -> Collection[UUID]:
    """Those of these users who have paid for access that is not over: an hour, say."""
    found = session.scalars(
        select(Grant.user_id)
        .where(
            Grant.user_id.in_(user_ids),
            Grant.ends_at > at,
            Grant.ended_at.is_(None),
            grants.IS_PAID,
        )
        .distinct()
    )
    return set(found)


def paid_until(session: Session, user: HotspotUser) -> datetime | None:
    """When the last of what a subscriber paid for, and was not paid back, is over."""
    taken_back = select(TakenBack.payment_id).where(TakenBack.payment_id == Grant.payment_id)
    return session.scalar(
        select(func.max(Grant.ends_at)).where(
            Grant.user_id == user.id,
            grants.IS_PAID,
            grants.PACKAGE_KIND == "subscription",
            ~taken_back.exists(),
        )
    )


def _due(*conditions: object, first: object, most: int) -> Due:
    return (
        select(Subscription, HotspotUser)
        .join(HotspotUser, HotspotUser.id == Subscription.user_id)
        .where(*conditions)  # type: ignore[arg-type]
        .order_by(first)  # type: ignore[arg-type]
        .limit(most)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
