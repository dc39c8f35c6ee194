"""Grants: access from, until, by one payment. A user's grants follow one another in a row."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import literal_column, select, type_coerce, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from hotspot.contract.access import AuthorizeRadiusUserJob
from hotspot.contract.packages import PackageTerms
from hotspot.ids import new_id
from provisioning_service.models import Grant, HotspotUser

PAID: Final = "paid"
GRACE: Final = "grace"
# Written into the statement: the partial index on what is paid serves no plan that is made for
# any kind.
IS_PAID: Final = Grant.kind == literal_column(f"'{PAID}'")
# Whether a grant's package is of the kind hotspot or subscription.
PACKAGE_KIND: Final = type_coerce(Grant.package, JSONB)["kind"].astext


@dataclass(frozen=True, kw_only=True)
class Purchase:
    """What a payment bought, and the device that it was bought from."""

    payment_id: UUID
    package: PackageTerms
    paid_at: datetime
    receipt: str | None = None
    mac: str | None = None
    router_id: str | None = None

    @property
    def time(self) -> timedelta:
        """How long it is for."""
        return timedelta(seconds=self.package.duration_seconds)


@dataclass(frozen=True, kw_only=True)
class Device:
    """What a user was let in with."""

    mac: str | None = None
    router_id: str | None = None


def last_device(session: Session, user_id: UUID) -> Device:
    """The device of a user's latest grant that had one: the one that waits at home."""
    found = session.execute(
        select(Grant.mac, Grant.router_id)
        .where(Grant.user_id == user_id, Grant.mac.is_not(None))
        .order_by(Grant.ends_at.desc())
        .limit(1)
    ).first()
    return Device() if found is None else Device(mac=found.mac, router_id=found.router_id)


def grant_of_payment(session: Session, payment_id: UUID) -> Grant | None:
    """The grant that a payment has given already."""
    return session.scalar(select(Grant).where(Grant.payment_id == payment_id, IS_PAID))


def as_it_is_now(session: Session, grant: Grant) -> Grant:
    """A grant, read again once its user is locked."""
    session.refresh(grant)
    return grant


def move(grant: Grant, *, mac: str, router_id: str | None, at: datetime) -> bool:
    """Tie a grant to another device; False where a newer order has tied it already."""
    if grant.moved_at is not None and grant.moved_at > at:
        return False
    grant.mac, grant.moved_at = mac, at
    grant.router_id = router_id or grant.router_id
    grant.revision += 1
    return True


def give(
    session: Session,
    user: HotspotUser,
    purchase: Purchase,
    *,
    since: datetime,
    time: timedelta,
    at: datetime,
) -> Grant:
    """Give a user some time for a payment, from a moment on."""
    grant = Grant(
        id=new_id(),
        user_id=user.id,
        payment_id=purchase.payment_id,
        kind=PAID,
        revision=0,
        package=purchase.package,
        receipt=purchase.receipt,
        paid_at=purchase.paid_at,
        mac=purchase.mac,
        router_id=purchase.router_id,
        starts_at=since,
        ends_at=since + time,
        data_bytes=purchase.package.data_bytes,
        state="authorizing",
        created_at=at,
    )
    session.add(grant)
    session.flush()
    return grant


def extend(session: Session, user: HotspotUser, purchase: Purchase, *, at: datetime) -> Grant:
    """Give a locked user the time that was bought.

    It runs from now, not from when it was paid: a guest who waited loses nothing. Where a grant
    is running, or waits to run, the new one begins at its end.
    """
    since = end_of(standing(session, user.id, at=at), at=at)
    return give(session, user, purchase, since=since, time=purchase.time, at=at)


def standing(session: Session, user_id: UUID, *, at: datetime) -> Sequence[Grant]:
    """What a locked user has paid for and still has, in its order. Days of grace do not count."""
    # A query of its own, after the lock: inside the locking one it would still see the grants
    # from before the wait, and two payments at once would give the same hour twice.
    return _not_over(session, user_id, PAID, at)


def grace_left(session: Session, user_id: UUID, *, at: datetime) -> Sequence[Grant]:
    """Days of grace that a locked user still has."""
    return _not_over(session, user_id, GRACE, at)


def end_of(grants: Sequence[Grant], *, at: datetime) -> datetime:
    """When the last of these is over; now, where there is none."""
    return max((grant.ends_at for grant in grants), default=at)


def lay_in_a_row(grants: Sequence[Grant], *, at: datetime) -> None:
    """Have the grants that wait begin where the one before them ends, without a gap."""
    end = at
    for grant in grants:
        if grant.starts_at > at:
            time = grant.ends_at - grant.starts_at
            grant.starts_at, grant.ends_at = end, end + time
        end = max(end, grant.ends_at)


@contextmanager
def revising(grants: Sequence[Grant]) -> Iterator[list[Grant]]:
    """Count the changes that are made to the terms of grants; answers with those that changed."""
    before = [_terms(grant) for grant in grants]
    changed: list[Grant] = []
    yield changed
    for grant, terms in zip(grants, before, strict=True):
        if _terms(grant) != terms:
            grant.revision += 1
            changed.append(grant)


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
        revision=grant.revision,
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


def _not_over(session: Session, user_id: UUID, kind: str, at: datetime) -> Sequence[Grant]:
    return session.scalars(
        select(Grant)
        .where(
            Grant.user_id == user_id,
            Grant.ends_at > at,
            Grant.ended_at.is_(None),
            Grant.kind == kind,
        )
        .order_by(Grant.starts_at, Grant.id)
        .execution_options(populate_existing=True)
    ).all()


def _terms(grant: Grant) -> tuple[object, ...]:
    return (grant.starts_at, grant.ends_at, grant.package, grant.data_bytes, grant.mac)
