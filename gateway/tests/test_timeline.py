"""The timeline: each event and job once, in the order of time, whatever order they arrived in."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import Engine, func, select

from gateway.models import RecordedEvent, RecordedStep
from gateway.worker import HANDLERS
from hotspot.contract.message import Message
from hotspot.contract.money import Money
from hotspot.contract.operations import JobFailed, PruneHistoryJob, Step, StepsRecorded
from hotspot.contract.payments import PaymentCompleted
from hotspot.contract.sessions import LoginAccepted, SessionExpired
from hotspot.ids import new_id
from hotspot.testing.handling import NOON, envelope_for, run, run_envelope

PAYMENT = new_id()
MS = timedelta(milliseconds=1)
Outcome = Literal["done", "repeated", "retried", "failed"]


def step(message: str, *, at: int = 0, attempt: int = 1, outcome: Outcome = "done") -> Step:
    """A step of the payment that began `at` milliseconds past noon, having waited for 5."""
    return Step(
        message_id=new_id(),
        message=message,
        correlation_id=PAYMENT,
        causation_id=None,
        attempt=attempt,
        sent_at=NOON + (at - 5) * MS,
        started_at=NOON + at * MS,
        duration_ms=2.5,
        outcome=outcome,
        error="it broke" if outcome in ("retried", "failed") else None,
    )


def completed() -> PaymentCompleted:
    return PaymentCompleted(
        payment_id=PAYMENT,
        phone="254712345678",
        package_id=new_id(),
        receipt="TST1234567",
        amount=Money.shillings(20),
        completed_at=NOON,
    )


def record(engine: Engine, service: str, *steps: Step) -> None:
    run(HANDLERS, StepsRecorded(service=service, steps=steps), engine)


def hear(engine: Engine, event: Message, *, at: int = 0, correlation: UUID = PAYMENT) -> None:
    run(HANDLERS, event, engine, now=NOON + at * MS, correlation_id=correlation, service="gateway")


def trace(client: FlaskClient, viewer: dict[str, str], of: UUID = PAYMENT) -> dict[str, Any]:
    answer = client.get(f"/api/v1/trace/{of}", headers=viewer)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.get_json()
    return shown


def rows_of(engine: Engine, table: type[RecordedEvent] | type[RecordedStep]) -> int | None:
    with engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(table))


def test_a_trace_is_sorted_by_time_and_says_how_long_things_took(
    client: FlaskClient, viewer: dict[str, str], engine: Engine
) -> None:
    record(engine, "provisioning", step("CreateHotspotUserJob", at=30))
    record(engine, "payment", step("RecordStkCallbackJob", at=10), step("PromptPhoneJob"))
    hear(engine, completed(), at=10)
    shown = trace(client, viewer)
    assert shown["id"] == shown["correlation_id"] == str(PAYMENT)
    assert [(one["kind"], one["service"], one["message"]) for one in shown["items"]] == [
        ("job", "payment", "PromptPhoneJob"),
        ("job", "payment", "RecordStkCallbackJob"),
        ("event", "test", "PaymentCompleted"),
        ("job", "provisioning", "CreateHotspotUserJob"),
    ]
    callback, fact = shown["items"][1:3]
    assert callback["at"] == callback["started_at"] == "2026-01-15T09:00:00.010000Z"
    assert (callback["queued_ms"], callback["duration_ms"]) == (5.0, 2.5)
    assert (callback["outcome"], callback["attempt"], callback["error"]) == ("done", 1, None)
    assert (fact["outcome"], fact["started_at"], fact["duration_ms"]) == ("published", None, None)


def test_each_attempt_is_a_line_also_after_an_operators_retry(
    client: FlaskClient, viewer: dict[str, str], engine: Engine
) -> None:
    first = step("SendCredentialsSMSJob", outcome="retried")
    last = replace(first, attempt=2, started_at=NOON + 5000 * MS, outcome="failed")
    again = replace(first, started_at=NOON + 9000 * MS, outcome="done", error=None)
    record(engine, "notification", last, first)
    record(engine, "notification", again)
    record(engine, "notification", first)
    shown = trace(client, viewer)["items"]
    assert [(one["attempt"], one["outcome"]) for one in shown] == [
        (1, "retried"),
        (2, "failed"),
        (1, "done"),
    ]
    assert shown[0]["error"] == "it broke"


def test_an_event_handled_as_a_job_shows_both(
    client: FlaskClient, viewer: dict[str, str], engine: Engine
) -> None:
    record(engine, "provisioning", step("HotspotUserProvisionRequested", at=20))
    shown = trace(client, viewer)["items"]
    assert [(one["kind"], one["message"], one["service"]) for one in shown] == [
        ("event", "HotspotUserProvisionRequested", "payment"),
        ("job", "CreateHotspotUserJob", "provisioning"),
    ]


def test_a_listener_is_a_line_and_the_gateways_own_listening_is_not(
    client: FlaskClient, viewer: dict[str, str], engine: Engine
) -> None:
    heard = step("PaymentCompleted", at=1)
    record(engine, "notification", heard)
    record(engine, "gateway", heard)
    shown = trace(client, viewer)["items"]
    assert [(one["kind"], one["service"]) for one in shown] == [("event", "notification")]


def test_what_a_server_publishes_without_a_job_is_there(
    client: FlaskClient, viewer: dict[str, str], engine: Engine
) -> None:
    accepted = LoginAccepted(
        user_id=new_id(),
        username="0712345678",
        grant_id=new_id(),
        payment_id=PAYMENT,
        nas="127.0.0.1",
        accepted_at=NOON,
    )
    hear(engine, accepted)
    (shown,) = trace(client, viewer)["items"]
    assert (shown["message"], shown["kind"]) == ("LoginAccepted", "event")


def test_a_payments_event_is_found_also_under_another_correlation(
    client: FlaskClient, viewer: dict[str, str], engine: Engine
) -> None:
    nightly = new_id()
    expired = SessionExpired(
        session_id=new_id(),
        user_id=new_id(),
        username="0712345678",
        grant_id=new_id(),
        payment_id=PAYMENT,
        expired_at=NOON,
    )
    envelope = envelope_for(expired, correlation_id=nightly)
    run_envelope(HANDLERS, envelope, engine)
    heard = replace(
        step("SessionExpired", at=3), message_id=envelope.message_id, correlation_id=nightly
    )
    of_another = replace(step("CheckExpiredSessionsJob", at=4), correlation_id=nightly)
    record(engine, "provisioning", heard, of_another)
    of_payment = trace(client, viewer)
    assert [one["message"] for one in of_payment["items"]] == ["SessionExpired"] * 2
    of_check = trace(client, viewer, nightly)
    assert of_check["correlation_id"] == str(nightly)
    assert len(of_check["items"]) == 3


def test_a_message_that_this_gateway_does_not_know_is_shown_by_its_name(
    client: FlaskClient, viewer: dict[str, str], engine: Engine
) -> None:
    record(engine, "payment", step("JobOfTomorrow"))
    (shown,) = trace(client, viewer)["items"]
    assert (shown["kind"], shown["message"]) == ("job", "JobOfTomorrow")


def test_an_unknown_id_is_not_found(client: FlaskClient, viewer: dict[str, str]) -> None:
    answer = client.get(f"/api/v1/trace/{new_id()}", headers=viewer)
    assert answer.status_code == 404
    assert client.get("/api/v1/trace/me", headers=viewer).status_code == 404


def test_a_step_that_is_told_twice_is_one_row(engine: Engine) -> None:
    told = step("ProcessPaymentJob")
    record(engine, "payment", told)
    record(engine, "payment", told, step("ProcessPaymentJob", at=7))
    assert rows_of(engine, RecordedStep) == 2


def test_the_failure_of_a_job_joins_its_payment(
    client: FlaskClient, viewer: dict[str, str], engine: Engine
) -> None:
    failed = JobFailed(
        service="notification",
        message_id=new_id(),
        message="SendCredentialsSMSJob",
        queue="hotspot-sms",
        reason="refused",
        attempts=3,
        failed_at=NOON,
    )
    hear(engine, failed)
    (shown,) = trace(client, viewer)["items"]
    assert shown["message"] == "JobFailed"


def forget(engine: Engine, now: datetime) -> None:
    run(HANDLERS, PruneHistoryJob(service="gateway", begun_at=now), engine, now=now)


def test_what_is_a_month_old_is_forgotten(engine: Engine) -> None:
    hear(engine, completed())
    record(engine, "payment", step("ProcessPaymentJob"))
    forget(engine, NOON + timedelta(days=29))
    assert (rows_of(engine, RecordedEvent), rows_of(engine, RecordedStep)) == (1, 1)
    forget(engine, NOON + timedelta(days=31))
    assert (rows_of(engine, RecordedEvent), rows_of(engine, RecordedStep)) == (0, 0)
