"""The dashboard's figures are those of today in Nairobi, and each event counts once."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, Literal

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from gateway.config import Config
from gateway.live import Hub
from gateway.rebuilding import rebuild
from gateway.web import create_app
from gateway.worker import HANDLERS
from hotspot.contract.message import Message
from hotspot.contract.money import Money
from hotspot.contract.operations import (
    AlarmCleared,
    AlarmRaised,
    DashboardStatsUpdated,
    PromiseChecked,
    UpdateDashboardStatsJob,
)
from hotspot.contract.payments import (
    PaymentCompleted,
    PaymentFailed,
    PaymentRequested,
    PaymentReversed,
)
from hotspot.contract.sessions import SessionEnded, SessionStarted
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


def checked(
    promise: Literal["money_without_service", "service_without_time"],
    broken: int,
    at: datetime,
    since: datetime | None = None,
) -> PromiseChecked:
    return PromiseChecked(promise=promise, broken=broken, checked_at=at, since=since)


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
    assert (len(shown.pop("days")), len(shown.pop("routers"))) == (30, 1)
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
        "payments_reversed": 0,
        "sent_back": {"amount": 0, "currency": "KES"},
        "guests_online": 2,
        "alarms": [],
        "money_without_service": None,
        "service_without_time": None,
        "promises": {"money_without_service": None, "service_without_time": None},
    }


def test_the_promises_are_shown_as_they_were_counted_last(
    client: FlaskClient, viewer: dict[str, str], engine: Engine
) -> None:
    early, late = NOON - timedelta(minutes=1), NOON
    hear(engine, checked("money_without_service", 0, late))
    hear(engine, checked("money_without_service", 3, early))
    hear(engine, checked("service_without_time", 2, late, since=early))
    shown = stats(client, viewer)
    assert (shown["money_without_service"], shown["service_without_time"]) == (0, 2)
    assert shown["promises"] == {
        "money_without_service": {"broken": 0, "as_of": "2026-01-15T09:00:00Z", "since": None},
        "service_without_time": {
            "broken": 2,
            "as_of": "2026-01-15T09:00:00Z",
            "since": "2026-01-15T08:59:00Z",
        },
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


def ended(session: SessionStarted) -> SessionEnded:
    return SessionEnded(
        session_id=session.session_id,
        user_id=session.user_id,
        username=session.username,
        grant_id=session.grant_id,
        payment_id=session.payment_id,
        ended_at=NOON,
        cause="User-Request",
        bytes_in=1,
        bytes_out=2,
    )


def test_guests_online_are_counted_in_whatever_order_they_come_and_go(
    client: FlaskClient, viewer: dict[str, str], engine: Engine
) -> None:
    stays, late = started(), started()
    hear(engine, stays, started(), ended(stays), ended(late), late)
    assert stats(client, viewer)["guests_online"] == 1


def test_charts_have_every_day_and_today_by_router(
    client: FlaskClient, viewer: dict[str, str], engine: Engine
) -> None:
    paid = replace(completed(), router_id="kilimani")
    hear(engine, paid, started())
    hear(engine, replace(paid, payment_id=new_id()), now=NOON - timedelta(days=2))
    run(HANDLERS, UpdateDashboardStatsJob(), engine)
    shown = stats(client, viewer)
    assert [day["revenue"]["amount"] for day in shown["days"][-3:]] == [2000, 0, 2000]
    assert (len(shown["days"]), shown["days"][-1]["day"]) == (30, "2026-01-15")
    today = {
        row["router"]: (row["revenue"]["amount"], row["sessions_started"])
        for row in shown["routers"]
    }
    assert today == {"kilimani": (2000, 0), "127.0.0.1": (0, 1)}


def test_alarms_stand_until_they_are_cleared(
    client: FlaskClient, viewer: dict[str, str], engine: Engine
) -> None:
    raised = AlarmRaised(
        service="radius", alarm="stuck", subject="a", said="A guest stays.", raised_at=NOON
    )
    over = AlarmCleared(
        service="radius", alarm="stuck", subject="b", cleared_at=NOON + timedelta(minutes=1)
    )
    hear(engine, raised, over, replace(raised, subject="b"))
    assert [one["subject"] for one in stats(client, viewer)["alarms"]] == ["a"]


def test_the_figures_are_rebuilt_from_the_events_as_they_were_counted(
    client: FlaskClient, viewer: dict[str, str], engine: Engine
) -> None:
    paid, gone = replace(completed(), router_id="kilimani"), started()
    lost = replace(failed(), payment_id=new_id())
    hear(engine, requested(), failed(), paid, lost, lost, started(), gone, ended(gone))
    hear(engine, replace(paid, payment_id=new_id()), now=NOON - timedelta(days=3))
    back = PaymentReversed(
        payment_id=PAYMENT, receipt="TST1234567", amount=Money.shillings(20), reversed_at=NOON
    )
    hear(engine, back)
    run(HANDLERS, UpdateDashboardStatsJob(), engine)
    counted, kept = stats(client, viewer), day_figures(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE day_figures SET value = 999")
        connection.exec_driver_sql("DELETE FROM stays")
        connection.exec_driver_sql("DELETE FROM gauges")
        connection.exec_driver_sql("INSERT INTO day_figures VALUES ('2025-01-01', 'revenue', 7)")
    assert rebuild(engine, NOON) == date(2025, 12, 17)
    assert stats(client, viewer) == counted
    # What no events are kept of stays as it was counted; a 0 is as good as no row.
    assert day_figures(engine) == kept | {("2025-01-01", "revenue"): 7}


def day_figures(engine: Engine) -> dict[tuple[str, str], int]:
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT day::text, figure, value FROM day_figures")
        return {(day, figure): value for day, figure, value in rows if value}
