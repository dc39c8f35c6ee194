"""The dashboard's figures are those of today in Nairobi, and each event counts once."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from gateway.config import Config
from gateway.live import Hub
from gateway.web import create_app
from gateway.worker import HANDLERS
from hotspot.contract.message import Message
from hotspot.contract.money import Money
from hotspot.contract.operations import DashboardStatsUpdated, UpdateDashboardStatsJob
from hotspot.contract.payments import PaymentCompleted, PaymentFailed, PaymentRequested
from hotspot.contract.sessions import SessionStarted
from hotspot.contract.sms import SmsDelivered, SmsFailed, SmsSent
from hotspot.ids import new_id
from hotspot.testing.handling import NOON, FakePublisher, envelope_for, run, run_envelope

PAYMENT, PHONE = new_id(), "254712345678"


def requested() -> PaymentRequested:
    price = Money.shillings(20)
    return PaymentRequested(
        payment_id=PAYMENT, phone=PHONE, package_id=new_id(), price=price, requested_at=NOON
    )


def completed() -> PaymentCompleted:
    return PaymentCompleted(
        payment_id=PAYMENT,
        phone=PHONE,
        package_id=new_id(),
        receipt="TST1234567",
        amount=Money.shillings(20),
        completed_at=NOON,
    )


def failed() -> PaymentFailed:
    return PaymentFailed(
        payment_id=PAYMENT, status="expired", code="1037", reason="no answer", failed_at=NOON
    )


def started() -> SessionStarted:
    return SessionStarted(
        session_id=new_id(),
        user_id=new_id(),
        username="0712345678",
        grant_id=new_id(),
        payment_id=PAYMENT,
        nas="127.0.0.1",
        started_at=NOON,
    )


def hear(engine: Engine, *heard: Message, now: datetime = NOON) -> None:
    for event in heard:
        run(HANDLERS, event, engine, now=now)


@pytest.fixture
def client(config: Config, publisher: FakePublisher, engine: Engine, hub: Hub) -> FlaskClient:
    app = create_app(config, publisher=publisher, engine=engine, clock=lambda: NOON, hub=hub)
    return app.test_client()


def stats(client: FlaskClient, viewer: dict[str, str]) -> dict[str, Any]:
    shown: dict[str, Any] = client.get("/api/v1/dashboard/stats", headers=viewer).get_json()
    return shown


def test_figures_are_worked_out_and_told(
    client: FlaskClient, viewer: dict[str, str], engine: Engine
) -> None:
    sms = {"sms_id": new_id(), "phone": PHONE}
    hear(engine, requested(), completed(), started(), started())
    hear(engine, SmsSent(provider="log", sent_at=NOON, **sms))  # type: ignore[arg-type]
    hear(engine, SmsDelivered(delivered_at=NOON, **sms))  # type: ignore[arg-type]
    hear(engine, SmsFailed(reason="no", failed_at=NOON, **sms))  # type: ignore[arg-type]
    assert run(HANDLERS, UpdateDashboardStatsJob(), engine) == [DashboardStatsUpdated(as_of=NOON)]
    shown = stats(client, viewer)
    assert shown == {
        "as_of": "2026-01-15T09:00:00Z",
        "day": "2026-01-15",
        "payments_requested": 1,
        "payments_completed": 1,
        "payments_failed": 0,
        "revenue": {"amount": 2000, "currency": "KES"},
        "users_served": 0,
        "sessions_started": 2,
        "sms_sent": 1,
        "sms_delivered": 1,
        "sms_failed": 1,
        "jobs_failed": 0,
    }


def test_an_event_that_comes_twice_counts_once_even_without_its_inbox_mark(
    client: FlaskClient, viewer: dict[str, str], engine: Engine
) -> None:
    envelope = envelope_for(completed())
    run_envelope(HANDLERS, envelope, engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM inbox")
    run_envelope(HANDLERS, envelope, engine)
    run(HANDLERS, UpdateDashboardStatsJob(), engine)
    assert stats(client, viewer)["payments_completed"] == 1


@pytest.mark.parametrize("order", [(failed, completed), (completed, failed)])
def test_a_late_success_is_no_failure(
    client: FlaskClient, viewer: dict[str, str], engine: Engine, order: tuple[Any, ...]
) -> None:
    hear(engine, *(make() for make in order))
    run(HANDLERS, UpdateDashboardStatsJob(), engine)
    shown = stats(client, viewer)
    assert (shown["payments_completed"], shown["payments_failed"]) == (1, 0)


def test_a_payment_that_failed_twice_failed_once(
    client: FlaskClient, viewer: dict[str, str], engine: Engine
) -> None:
    hear(engine, failed(), failed())
    run(HANDLERS, UpdateDashboardStatsJob(), engine)
    assert stats(client, viewer)["payments_failed"] == 1


def test_the_day_begins_at_midnight_in_nairobi(
    client: FlaskClient, viewer: dict[str, str], engine: Engine
) -> None:
    hear(engine, completed(), now=NOON)
    next_day = NOON + timedelta(hours=12)  # 21:00 UTC
    hear(engine, replace(completed(), payment_id=new_id()), now=next_day)
    run(HANDLERS, UpdateDashboardStatsJob(), engine, now=next_day)
    shown = stats(client, viewer)
    assert (shown["day"], shown["payments_completed"]) == ("2026-01-16", 1)


def test_before_anything_happened_the_figures_are_zero(
    client: FlaskClient, viewer: dict[str, str]
) -> None:
    shown = stats(client, viewer)
    assert shown["payments_completed"] == 0
    assert shown["as_of"].endswith("Z")


def test_old_figures_are_shown_and_worked_out_anew(
    config: Config,
    viewer: dict[str, str],
    engine: Engine,
    publisher: FakePublisher,
    hub: Hub,
) -> None:
    run(HANDLERS, UpdateDashboardStatsJob(), engine)
    later = create_app(
        config,
        publisher=publisher,
        engine=engine,
        clock=lambda: NOON + timedelta(seconds=61),
        hub=hub,
    ).test_client()
    assert stats(later, viewer)["as_of"] == "2026-01-15T09:00:00Z"
    assert publisher.sent == [UpdateDashboardStatsJob()]
    publisher.away = True
    assert stats(later, viewer)["as_of"] == "2026-01-15T09:00:00Z"


def test_fresh_figures_ask_nobody(
    client: FlaskClient, viewer: dict[str, str], engine: Engine, publisher: FakePublisher
) -> None:
    run(HANDLERS, UpdateDashboardStatsJob(), engine)
    stats(client, viewer)
    assert publisher.sent == []


def test_a_refresh_is_ordered(
    client: FlaskClient, viewer: dict[str, str], publisher: FakePublisher
) -> None:
    answer = client.post("/api/v1/dashboard/refresh", headers=viewer)
    assert answer.status_code == 202
    assert publisher.sent == [UpdateDashboardStatsJob()]
    publisher.away = True
    assert client.post("/api/v1/dashboard/refresh", headers=viewer).status_code == 503
