"""A subscriber who pays is reconnected where the subscription is in grace or suspended."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from hotspot.contract.access import ReconnectSubscriptionJob, SubscriptionChanged
from hotspot.ids import new_id
from hotspot.testing.handling import NOON
from payment_service.models import Package

from .shop import PHONE, RECEIPT, Shop, names
from .test_credit import confirmation, sold


def changed(shop: Shop, state: Any, **more: Any) -> UUID:
    with shop.engine.connect() as connection:
        home = connection.scalar(select(Package.id).where(Package.code == "HOME10"))
    values = {
        "subscription_id": new_id(),
        "user_id": new_id(),
        "phone": PHONE,
        "package_id": home,
        "paid_until": NOON,
        "changed_at": NOON,
    }
    event = SubscriptionChanged(**{**values, "state": state, **more})
    assert shop.run(event) == []
    return event.subscription_id


@pytest.mark.parametrize(
    ("state", "shillings", "is_reconnected"),
    [
        ("grace", 2500, True),
        ("suspended", 2500, True),
        ("active", 2500, False),
        ("grace", 20, False),
    ],
)
def test_a_subscriber_who_pays_is_reconnected_where_that_is_needed(
    market: Shop, state: str, shillings: int, is_reconnected: bool
) -> None:
    subscription_id = changed(market, state)
    sent = market.run(confirmation(shillings=f"{shillings}.00"))
    reconnected = [one for one in sent if isinstance(one, ReconnectSubscriptionJob)]
    assert len(reconnected) == is_reconnected
    assert ("CreateHotspotUserJob" in names(sent)) is not is_reconnected
    for job in reconnected:
        assert job.subscription_id == subscription_id
        assert job.package is not None
        assert (job.package.name, job.receipt) == ("Home 10 Mbps", RECEIPT)


def test_a_subscriber_pays_for_the_subscription_whatever_else_would_fit(market: Shop) -> None:
    with market.engine.connect() as connection:
        week = connection.scalar(select(Package.id).where(Package.code == "WEEK7GB"))
    changed(market, "active", package_id=week)
    assert sold(market.run(confirmation(shillings="1000.00")))[1] == "Week 7 GB"


def test_the_newest_change_of_a_subscription_counts(market: Shop) -> None:
    subscription_id = changed(market, "suspended")
    earlier = NOON - timedelta(seconds=1)
    changed(market, "active", subscription_id=subscription_id, changed_at=earlier)
    sent = market.run(confirmation(shillings="2500.00"))
    assert "ReconnectSubscriptionJob" in names(sent)
