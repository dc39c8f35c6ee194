"""Grants: access from, until, by one payment."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from hotspot.contract.access import AuthorizeRadiusUserJob
from hotspot.contract.packages import PackageTerms
from hotspot.ids import new_id
from provisioning_service.models import Grant, HotspotUser


@dataclass(frozen=True, kw_only=True)
class Purchase:
    """What a payment bought, and the device that it was bought from."""

    payment_id: UUID
    package: PackageTerms
    paid_at: datetime
    receipt: str | None = None
    mac: str | None = None
    router_id: str | None = None


def grant_of_payment(session: Session, payment_id: UUID) -> Grant | None:
    """The grant that a payment has given already."""
    return session.scalar(select(Grant).where(Grant.payment_id == payment_id))


def extend(session: Session, user: HotspotUser, purchase: Purchase, *, at: datetime) -> Grant:
    """Give a locked user the time that was bought.

    It runs from now, not from when it was paid: a guest who waited loses nothing. Where a grant
    is running, or waits to run, the new one begins at its end.
    """
    starts_at = max(at, _access_until(session, user) or at)
    package = purchase.package
    grant = Grant(
        id=new_id(),
        user_id=user.id,
        payment_id=purchase.payment_id,
        package=package,
        receipt=purchase.receipt,
        paid_at=purchase.paid_at,
        mac=purchase.mac,
        router_id=purchase.router_id,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(seconds=package.duration_seconds),
        data_bytes=package.data_bytes,
        state="authorizing",
        created_at=at,
    )
    session.add(grant)
    session.flush()
    return grant


def authorization(user: HotspotUser, grant: Grant) -> AuthorizeRadiusUserJob:
    """What RADIUS must know of a grant."""
    return AuthorizeRadiusUserJob(
        user_id=user.id,
        username=user.username,
        sealed_password=user.sealed_password,
        phone=user.phone,
        grant_id=grant.id,
        payment_id=grant.payment_id,
        starts_at=grant.starts_at,
        ends_at=grant.ends_at,
        down_kbps=grant.package.down_kbps,
        up_kbps=grant.package.up_kbps,
        devices=grant.package.devices,
        data_bytes=grant.data_bytes,
        mac=grant.mac,
        router_id=grant.router_id,
    )


def make_ready(session: Session, grant_id: UUID, *, at: datetime) -> Grant | None:
    """The grant, the first time that RADIUS says the login works; None every further time."""
    return session.scalar(
        update(Grant)
        .where(Grant.id == grant_id, Grant.state == "authorizing")
        .values(state="ready", ready_at=at)
        .returning(Grant)
        .execution_options(populate_existing=True)
    )


def end(session: Session, grant_id: UUID, *, at: datetime) -> bool:
    """The grant is used up: time or data. False where that was known, or no such grant is."""
    ended = session.scalar(
        update(Grant)
        .where(Grant.id == grant_id, Grant.ended_at.is_(None))
        .values(ended_at=at)
        .returning(Grant.id)
    )
    return ended is not None


def _access_until(session: Session, user: HotspotUser) -> datetime | None:
    # A query of its own, after the lock: inside the locking one it would still see the grants
    # from before the wait, and two payments at once would give the same hour twice.
    return session.scalar(
        select(func.max(Grant.ends_at)).where(Grant.user_id == user.id, Grant.ended_at.is_(None))
    )
