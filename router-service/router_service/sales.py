"""What sells at each router: the memory that tells silence from a quiet night."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from router_service.models import Router, Sales

HOUR = timedelta(hours=1)
WEEK = timedelta(days=7)
# A router is silent when so much should have been sold since its last sale, and nothing was. By
# chance alone (Poisson) that happens once in three thousand such stretches.
EXPECTED_BEFORE_ALARM = 8.0
WEEKS_LOOKED_BACK = 4
STRETCH_HOURS = 12


def count_sale(session: Session, router_id: UUID, at: datetime) -> None:
    """One more in its hour."""
    sale = insert(Sales).values(router_id=router_id, hour=hour_of(at), sold=1)
    session.execute(
        sale.on_conflict_do_update(
            index_elements=[Sales.router_id, Sales.hour], set_={"sold": Sales.sold + 1}
        )
    )


@dataclass(frozen=True, kw_only=True)
class Memory:
    """What a router sold in the hours that count now, and the hour of its first sale."""

    since: datetime
    sold: Mapping[datetime, int]


def memories(session: Session, now: datetime) -> dict[UUID, Memory]:
    """The memory of each router that sold nothing in this hour and the one before.

    The others are not silent, and their weeks need not be read.
    """
    last_hours = [hour_of(now) - back * HOUR for back in range(1, STRETCH_HOURS + 1)]
    hours = [hour - weeks * WEEK for hour in last_hours for weeks in range(WEEKS_LOOKED_BACK + 1)]
    selling = select(Sales.router_id).where(Sales.hour >= hour_of(now) - HOUR)
    counted = select(Sales.router_id, Sales.hour, Sales.sold).where(
        Sales.hour.in_(hours), Sales.router_id.not_in(selling)
    )
    sold: dict[UUID, dict[datetime, int]] = {}
    for row in session.execute(counted):
        sold.setdefault(row.router_id, {})[row.hour] = row.sold
    if not sold:
        return {}
    # Looked up in the key's index for each router: the whole table is large.
    first = select(func.min(Sales.hour)).where(Sales.router_id == Router.id).scalar_subquery()
    begun = session.execute(select(Router.id, first.label("since")).where(Router.id.in_(sold)))
    return {row.id: Memory(since=row.since, sold=sold[row.id]) for row in begun}


def is_silent(memory: Memory, now: datetime) -> bool:
    """Whether nothing was sold for so long that it cannot be chance.

    What is normal for an hour is the mean of the same hour in the weeks before. A router that
    has not been selling for a week yet has no normal. The hour that runs may still sell.
    """
    if now - memory.since < WEEK or memory.sold.get(hour_of(now), 0):
        return False
    expected = 0.0
    for back in range(1, STRETCH_HOURS + 1):
        hour = hour_of(now) - back * HOUR
        if memory.sold.get(hour, 0):
            return False
        expected += expected_in(memory, hour)
        if expected >= EXPECTED_BEFORE_ALARM:
            return True
    return False


def expected_in(memory: Memory, hour: datetime) -> float:
    """How much this hour normally sells."""
    same = [hour - weeks * WEEK for weeks in range(1, WEEKS_LOOKED_BACK + 1)]
    counted = [memory.sold.get(one, 0) for one in same if one >= hour_of(memory.since)]
    return sum(counted) / len(counted) if counted else 0.0


def paying_lately(session: Session, routers: Collection[UUID], now: datetime) -> set[UUID]:
    """Those of the routers where somebody paid in this hour or the one before."""
    if not routers:
        return set()
    paid = select(Sales.router_id).where(
        Sales.router_id.in_(routers), Sales.hour >= hour_of(now) - HOUR
    )
    return set(session.scalars(paid))


def hour_of(moment: datetime) -> datetime:
    """The beginning of its hour."""
    return moment.replace(minute=0, second=0, microsecond=0)
