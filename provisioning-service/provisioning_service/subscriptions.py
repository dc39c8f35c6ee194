"""Subscriptions: active while paid, then in grace, then suspended; active again when paid."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from hotspot.contract.access import AccountUnsuspended, SubscriptionPaid
from hotspot.contract.message import Message
from hotspot.ids import new_id
from provisioning_service.models import Grant, HotspotUser, Subscription


@dataclass(frozen=True, kw_only=True)
class Renewal:
    """A subscription that was paid, and what it was before: None for a new one."""

    subscription: Subscription
    was: str | None


def renew(session: Session, user: HotspotUser, grant: Grant, *, at: datetime) -> Renewal:
    """Make or renew the subscription of a locked user, up to the end of the grant that was paid.

    The grant begins where the paid time ended, so days paid are not lost by paying early.
    """
    found = session.scalar(
        select(Subscription)
        .where(Subscription.user_id == user.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        return Renewal(subscription=_begin(session, user, grant, at=at), was=None)
    was = found.state
    found.package = grant.package
    found.paid_until = max(found.paid_until, grant.ends_at)
    if was != "active":
        found.state, found.changed_at = "active", at
    session.flush()
    return Renewal(subscription=found, was=was)


def facts_of(renewal: Renewal, user: HotspotUser, *, at: datetime) -> list[Message]:
    """What the rest of the system hears of a renewal."""
    paid = SubscriptionPaid(
        subscription_id=renewal.subscription.id,
        user_id=user.id,
        phone=user.phone,
        package_name=renewal.subscription.package.name,
        paid_until=renewal.subscription.paid_until,
    )
    if renewal.was != "suspended":
        return [paid]
    released = AccountUnsuspended(
        subscription_id=renewal.subscription.id,
        user_id=user.id,
        phone=user.phone,
        unsuspended_at=at,
    )
    return [paid, released]


def lapse(session: Session, *, at: datetime) -> int:
    """Move what is no longer paid into grace; answers how many that were."""
    due = _lock_due(session, state="active", paid_before=at)
    for subscription in due:
        subscription.state, subscription.changed_at = "grace", at
    return len(due)


def suspend_overdue(session: Session, *, grace: timedelta, at: datetime) -> Sequence[Subscription]:
    """Suspend what stayed unpaid for longer than the grace."""
    due = _lock_due(session, state="grace", paid_before=at - grace)
    for subscription in due:
        subscription.state, subscription.changed_at = "suspended", at
    return due


def _begin(session: Session, user: HotspotUser, grant: Grant, *, at: datetime) -> Subscription:
    subscription = Subscription(
        id=new_id(),
        user_id=user.id,
        package=grant.package,
        state="active",
        paid_until=grant.ends_at,
        created_at=at,
        changed_at=at,
    )
    session.add(subscription)
    session.flush()
    return subscription


def _lock_due(session: Session, *, state: str, paid_before: datetime) -> Sequence[Subscription]:
    # Whatever is locked is being paid at this moment: waiting for it could only deadlock.
    return session.scalars(
        select(Subscription)
        .where(Subscription.state == state, Subscription.paid_until <= paid_before)
        .order_by(Subscription.paid_until)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
