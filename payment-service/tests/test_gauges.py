"""What Prometheus is told of money."""

from datetime import timedelta

from prometheus_client import CollectorRegistry, generate_latest
from sqlalchemy import create_engine

from hotspot.contract.payments import CheckMoneyWithoutServiceJob
from hotspot.testing.handling import NOON
from hotspot.web.gauges import DatabaseGauges
from payment_service.gauges import gauges

from .shop import Shop

LATE = NOON + timedelta(seconds=61)


def test_a_broken_promise_and_its_alarm_are_shown(shop: Shop) -> None:
    shop.completed()
    shop.run(CheckMoneyWithoutServiceJob(), now=LATE)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(DatabaseGauges(shop.engine, gauges(lambda: LATE)))

    shown = generate_latest(registry).decode()

    assert 'hotspot_promise_broken{promise="money_without_service"} 1.0' in shown
    assert 'hotspot_alarm{alarm="money_without_service",subject="payment"} 1.0' in shown


def test_nothing_is_shown_while_the_database_is_away() -> None:
    nowhere = create_engine("postgresql+psycopg://nobody@127.0.0.1:1/none")
    assert list(DatabaseGauges(nowhere, gauges(lambda: NOON)).collect()) == []
