"""Grace: days that are lent to a subscription after its paid time, and paid back first."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from hotspot.contract.access import AuthorizeRadiusUserJob, RevokeGrantJob
from hotspot.contract.packages import PackageTerms
from hotspot.ids import new_id
from provisioning_service import grants
from provisioning_service.models import Grant, HotspotUser, Subscription
from provisioning_service.proration import data_for, worth

# RADIUS hears of the grace this long before the paid time is over, two runs of the 10-minute
# job: a grant that came after the end would come after the guest was sent off.
AHEAD: Final = timedelta(minutes=20)
_NO_TIME: Final = timedelta(0)


def lend(
    session: Session, subscription: Subscription, *, days: timedelta, since: datetime, at: datetime
) -> Grant | None:
    """Lend days from a moment on. None where nothing of them is left to be lent."""
    subscription.grace_until = since + days
    starts_at = max(since, at)
    if subscription.grace_until <= starts_at:
        return None
    device = grants.last_device(session, subscription.user_id)
    grant = Grant(
        id=new_id(),
        user_id=subscription.user_id,
        payment_id=subscription.id,
        kind=grants.GRACE,
        revision=0,
        package=subscription.package,
        paid_at=at,
        mac=device.mac,
        router_id=device.router_id,
        starts_at=starts_at,
        ends_at=subscription.grace_until,
        data_bytes=data_for(subscription.grace_until - starts_at, subscription.package),
        state="authorizing",
        created_at=at,
    )
    session.add(grant)
    session.flush()
    return grant


def take_back(
    session: Session, subscription: Subscription, user: HotspotUser, *, at: datetime
) -> list[AuthorizeRadiusUserJob | RevokeGrantJob]:
    """End the grace that a subscription has left, without sending anybody off.

    Answers with what RADIUS must be told, after it was told what comes in its place.
    """
    told: list[AuthorizeRadiusUserJob | RevokeGrantJob] = []
    for lent in grants.grace_left(session, user.id, at=at):
        if lent.starts_at < at:
            lent.ends_at = at
            lent.revision += 1
            told.append(grants.authorization(user, lent))
        else:
            lent.ended_at = at
            told.append(RevokeGrantJob(grant_id=lent.id, username=user.username, revoked_at=at))
    subscription.grace_until = None
    session.flush()
    return told


def owed(
    session: Session, subscription: Subscription, package: PackageTerms, *, at: datetime
) -> timedelta:
    """What was lent since the paid time was over, as time of the package that is paid for now.

    At most half of what is paid for, so that every payment gives access.
    """
    lent = session.scalars(
        select(Grant).where(
            Grant.user_id == subscription.user_id,
            Grant.kind == grants.GRACE,
            Grant.starts_at >= subscription.paid_until,
            Grant.starts_at < at,
        )
    )
    whole = sum((worth(_used(one, at), of=one.package, as_=package) for one in lent), _NO_TIME)
    return min(whole, timedelta(seconds=package.duration_seconds) / 2)


def _used(lent: Grant, at: datetime) -> timedelta:
    # What was taken back before it began was over before its beginning.
    return max(min(at, lent.ends_at, lent.ended_at or lent.ends_at) - lent.starts_at, _NO_TIME)
