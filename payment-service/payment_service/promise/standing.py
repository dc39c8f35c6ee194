"""Where each confirmed payment stands: at any moment in exactly one place.

One expression decides it (`standing_at`). Payments that are over, which nearly all there ever were
are, are not looked at to find the others: partial indexes name those that are not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    exists,
    func,
    or_,
    select,
    text,
    union,
)
from sqlalchemy.orm import Session

from payment_service.access import ENDED, ONLINE, READY
from payment_service.models import COMPLETED, Access, AskedAgain, Payment, Voucher
from payment_service.mpesa.results import HELD

PROMISED_WITHIN = timedelta(seconds=60)
# Each completed payment has a row in `access`, made in the same transaction. One without it would
# be healed, which makes the row, long before it is as old as this.
LOOKED_BACK = timedelta(days=7)

Ids = Select[*tuple[Any, ...]]


class Standing(StrEnum):
    """One for each confirmed payment.

    READY: the login works. VOUCHER_KEPT: its voucher gives the access once it is redeemed.
    USED_UP: the time or the data is over. NEEDS_PERSON: in front of a person, with the reason.
    WAITING: none of these. The promise is that nobody waits for longer than a minute.
    """

    ONLINE = "online"
    READY = "ready"
    VOUCHER_KEPT = "voucher_kept"
    USED_UP = "used_up"
    REVERSED = "reversed"
    NEEDS_PERSON = "needs_person"
    WAITING = "waiting"


OVER = (Standing.USED_UP, Standing.REVERSED)
WITHOUT_SERVICE = (Standing.WAITING, Standing.NEEDS_PERSON)


@dataclass(frozen=True, kw_only=True)
class Unserved:
    """Payments that wait for longer than is promised: how many, and the first of them since when.

    `ids`: some of them, those that wait longest first.
    """

    count: int
    since: datetime | None


def standing_at(now: datetime) -> ColumnElement[str]:
    """Where a confirmed payment stands, over `payments` joined with `access` and `vouchers`.

    `needs_attention` alone is no standing: whoever must look at what is left over of a payment does
    not thereby serve its guest.
    """
    is_over = or_(Access.state == ENDED, and_(Access.state == READY, Access.until <= now))
    its_voucher_opens = and_(
        Access.payment_id.is_(None),
        Voucher.id.is_not(None),
        Voucher.redeemed_at.is_(None),
        Voucher.cancelled_at.is_(None),
        or_(Voucher.expires_at.is_(None), Voucher.expires_at > now),
    )
    return case(
        (Payment.reversed_at.is_not(None), Standing.REVERSED.value),
        (is_over, Standing.USED_UP.value),
        (Access.state == ONLINE, Standing.ONLINE.value),
        (Access.state == READY, Standing.READY.value),
        (Payment.status != COMPLETED, Standing.NEEDS_PERSON.value),
        (_was_given_up(), Standing.NEEDS_PERSON.value),
        (its_voucher_opens, Standing.VOUCHER_KEPT.value),
        else_=Standing.WAITING.value,
    )


def _was_given_up() -> ColumnElement[bool]:
    """Nobody could be served, however often it was asked for (`promise`): a person was called."""
    return exists().where(
        AskedAgain.payment_id == Payment.id,
        AskedAgain.step == "access",
        AskedAgain.gave_up_at.is_not(None),
    )


def is_confirmed() -> ColumnElement[bool]:
    """Whether there is money for certain: it bought something, or it is held as it does not fit."""
    return or_(Payment.status == COMPLETED, Payment.failure_code == HELD.code)


def confirmed_at() -> ColumnElement[datetime]:
    """Since when there is money."""
    return func.coalesce(Payment.completed_at, Payment.failed_at)


def standings(ids: Ids, now: datetime) -> Select[*tuple[Any, ...]]:
    """Confirmed payments among these ids, with their standing, and since when there is money."""
    return (
        select(Payment.id, standing_at(now).label("standing"), confirmed_at().label("since"))
        .join(Access, Access.payment_id == Payment.id, isouter=True)
        .join(Voucher, Voucher.payment_id == Payment.id, isouter=True)
        .where(Payment.id.in_(ids), is_confirmed())
    )


def counts(connection: Connection | Session, now: datetime, since: datetime) -> Mapping[str, int]:
    """How many payments stand where; of those that are over, the ones confirmed after `since`."""
    seen = standings(_union(not_over(now), over_since(since)), now).subquery()
    counted = connection.execute(
        select(seen.c.standing, func.count())
        .where(or_(seen.c.standing.not_in(OVER), seen.c.since >= since))
        .group_by(seen.c.standing)
    )
    found = {row[0]: int(row[1]) for row in counted}
    return {standing.value: found.get(standing.value, 0) for standing in Standing}


def unserved(session: Connection | Session, now: datetime) -> Unserved:
    """The promise's figure."""
    seen = standings(waiting(now), now).subquery()
    count, since = session.execute(
        select(func.count(), func.min(seen.c.since)).where(
            seen.c.standing == Standing.WAITING.value, seen.c.since < now - PROMISED_WITHIN
        )
    ).one()
    return Unserved(count=count, since=since)


def waiting(now: datetime) -> Ids:
    """Payments whose access is not there yet. The literal lets the partial index be used."""
    provisioning = select(Access.payment_id).where(text("access.state = 'provisioning'"))
    return _union(provisioning, _without_access(now))


def not_over(now: datetime) -> Ids:
    """Every confirmed payment that is not over, and some that are."""
    has_access = select(Access.payment_id).where(text("access.state <> 'ended'"))
    held = select(Payment.id).where(Payment.needs_attention.is_not(None))
    return _union(has_access, held, _without_access(now))


def over_since(since: datetime) -> Ids:
    """Every payment that is over and was confirmed since then, and some that are not."""
    return select(Payment.id).where(
        text("payments.status = 'completed'"), Payment.completed_at >= since
    )


def _without_access(now: datetime) -> Ids:
    has_one = exists().where(Access.payment_id == Payment.id)
    return over_since(now - LOOKED_BACK).where(~has_one)


def _union(*parts: Ids) -> Ids:
    together = union(*parts).subquery()
    return select(next(iter(together.c)))
