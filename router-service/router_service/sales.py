"""What sells at each router: the memory that tells silence from a quiet night."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from router_service.models import Sales

HOUR = timedelta(hours=1)
WEEK = timedelta(days=7)
# A router is silent when so much should have been sold since its last sale, and nothing was. By
# chance alone (Poisson) that happens once in three thousand such stretches.
EXPECTED_BEFORE_ALARM = 8.0
WEEKS_LOOKED_BACK = 4
LONGEST_STRETCH = timedelta(hours=12)


def count_sale(session: Session, router_id: UUID, at: datetime) -> None:
    """One more in its hour."""
    sale = insert(Sales).values(router_id=router_id, hour=hour_of(at), sold=1)
    session.execute(
        sale.on_conflict_do_update(
            index_elements=[Sales.router_id, Sales.hour], set_={"sold": Sales.sold + 1}
        )
    )


def sold_by_hour(session: Session, now: datetime) -> Mapping[UUID, Mapping[datetime, int]]:
    """What each router sold in the hours of the last weeks."""
    since = hour_of(now) - WEEKS_LOOKED_BACK * WEEK - LONGEST_STRETCH
    sold: dict[UUID, dict[datetime, int]] = {}
    for row in session.execute(
        select(Sales.router_id, Sales.hour, Sales.sold).where(Sales.hour >= since)
    ):
        sold.setdefault(row.router_id, {})[row.hour] = row.sold
    return sold


def is_silent(sold: Mapping[datetime, int], now: datetime) -> bool:
    """Whether nothing was sold for so long that it cannot be chance.

    What is normal for an hour is the mean of the same hour in the weeks before. A router that
    has not been selling for a week yet has no normal.
    """
    if not sold or now - min(sold) < WEEK:
        return False
    expected = 0.0
    hour = hour_of(now) - HOUR  # the hour that runs may still sell
    while hour_of(now) - hour <= LONGEST_STRETCH:
        if sold.get(hour, 0) or sold.get(hour_of(now), 0):
            return False
        expected += expected_in(sold, hour)
        if expected >= EXPECTED_BEFORE_ALARM:
            return True
        hour -= HOUR
    return False


def expected_in(sold: Mapping[datetime, int], hour: datetime) -> float:
    """How much this hour normally sells."""
    first = min(sold)
    same = [hour - weeks * WEEK for weeks in range(1, WEEKS_LOOKED_BACK + 1)]
    counted = [sold.get(one, 0) for one in same if one >= hour_of(first)]
    return sum(counted) / len(counted) if counted else 0.0


def paying_lately(session: Session, router_id: UUID, now: datetime) -> int:
    """How much was sold here in the last two hours."""
    return (
        session.scalar(
            select(func.coalesce(func.sum(Sales.sold), 0)).where(
                Sales.router_id == router_id, Sales.hour >= hour_of(now) - HOUR
            )
        )
        or 0
    )


def hour_of(moment: datetime) -> datetime:
    """The beginning of its hour."""
    return moment.replace(minute=0, second=0, microsecond=0)
