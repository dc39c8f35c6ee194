"""Operators see and resend messages; gateways report; nobody reads a password."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from hotspot.bus.work import Handlers
from hotspot.callbacks import REPORTING_GATEWAYS
from hotspot.contract.sms import RecordDeliveryReportJob, ResendSMSJob
from hotspot.ids import new_id
from hotspot.testing.handling import NOON, FakePublisher, run
from hotspot.testing.identity import Keys
from hotspot.vault import Vault
from notification_service.config import Config
from notification_service.gateways import Accepted, Refused
from notification_service.models import Sms
from notification_service.reports import delivery_url

from .fakes import PASSWORD, PHONE, FakeGateway, credentials


@pytest.fixture
def viewer(keys: Keys) -> dict[str, str]:
    return keys.headers("viewer")


@pytest.fixture
def support(keys: Keys) -> dict[str, str]:
    return keys.headers("support")


@pytest.fixture
def ids(engine: Engine, handlers: Handlers, gateway: FakeGateway, vault: Vault) -> list[str]:
    """A message that was sent, and one that was refused."""
    gateway.answers = [
        Accepted(provider_message_id="ATXid_1"),
        Refused(reason="406 UserInBlacklist"),
    ]
    run(handlers, credentials(vault), engine)
    run(handlers, credentials(vault), engine)
    with Session(engine) as session:
        return [str(one) for one in session.scalars(select(Sms.id).order_by(Sms.id))]


def test_prometheus_is_told_what_became_of_the_latest(ids: list[str], client: FlaskClient) -> None:
    shown = client.get("/metrics").text
    assert 'hotspot_sms_lately{state="sent"} 1.0' in shown
    assert 'hotspot_sms_lately{state="failed"} 1.0' in shown


@pytest.fixture
def report_path(config: Config) -> str:
    """Where the gateway reports to."""
    url = delivery_url(config)
    assert url is not None
    return url.removeprefix("https://wifi.example")


def body(answer: Any) -> dict[str, Any]:
    parsed: dict[str, Any] = answer.get_json(force=True)
    return parsed


# Messages


def test_messages_are_listed_newest_first_in_pages(
    client: FlaskClient, viewer: dict[str, str], ids: list[str]
) -> None:
    first = body(client.get("/api/v1/messages?limit=1", headers=viewer))
    second = body(client.get(f"/api/v1/messages?limit=1&cursor={first['next']}", headers=viewer))

    assert [one["id"] for one in first["items"] + second["items"]] == ids[::-1]
    assert second["next"] is None


def test_messages_are_filtered_by_phone_status_and_time(
    client: FlaskClient, viewer: dict[str, str], ids: list[str]
) -> None:
    def found(query: str) -> list[str]:
        page = body(client.get(f"/api/v1/messages?{query}", headers=viewer))
        return [one["id"] for one in page["items"]]

    assert found("phone=0712345678") == ids[::-1]
    assert found("phone=0733000000") == []
    assert found("status=failed") == [ids[1]]
    assert found("since=2026-01-15T09:00:00Z") == ids[::-1]
    assert found("since=2026-01-15T09:00:01Z") == []


def test_a_message_is_shown_with_its_state_and_reports_and_no_password(
    client: FlaskClient,
    viewer: dict[str, str],
    ids: list[str],
    engine: Engine,
    handlers: Handlers,
) -> None:
    delivered = RecordDeliveryReportJob(
        provider="africastalking",
        provider_message_id="ATXid_1",
        status="Success",
        received_at=NOON,
    )
    run(handlers, delivered, engine)

    answer = client.get(f"/api/v1/messages/{ids[0]}", headers=viewer)

    shown = body(answer)
    assert (shown["status"], shown["phone"]) == ("delivered", PHONE)
    assert "password ********" in shown["text"]
    assert shown["reports"] == [
        {"status": "Success", "failure_reason": None, "received_at": "2026-01-15T09:00:00Z"}
    ]
    assert PASSWORD not in answer.text
    assert "sealed" not in answer.text


def test_a_failed_message_names_its_reason(
    client: FlaskClient, viewer: dict[str, str], ids: list[str]
) -> None:
    shown = body(client.get(f"/api/v1/messages/{ids[1]}", headers=viewer))

    assert (shown["status"], shown["reason"]) == ("failed", "406 UserInBlacklist")


def test_resending_is_dispatched_on_the_payments_correlation(
    client: FlaskClient,
    support: dict[str, str],
    ids: list[str],
    publisher: FakePublisher,
    engine: Engine,
) -> None:
    answer = client.post(f"/api/v1/messages/{ids[1]}/resend", headers=support)

    assert answer.status_code == 202
    (job,) = publisher.sent
    assert isinstance(job, ResendSMSJob)
    assert str(job.sms_id) == ids[1]
    assert body(answer) == {"id": str(job.as_sms_id)}
    assert answer.headers["Location"] == f"/api/v1/messages/{job.as_sms_id}"
    with Session(engine) as session:
        original = session.get_one(Sms, job.sms_id)
    assert publisher.parcels[0].envelope.correlation_id == original.correlation_id


def test_a_message_that_is_being_sent_is_not_resent(
    client: FlaskClient,
    support: dict[str, str],
    ids: list[str],
    publisher: FakePublisher,
    engine: Engine,
) -> None:
    with engine.begin() as connection:
        connection.execute(update(Sms).values(state="sending"))

    answer = client.post(f"/api/v1/messages/{ids[0]}/resend", headers=support)

    assert (answer.status_code, publisher.sent) == (409, [])


def test_with_the_broker_away_resending_says_that_nothing_was_done(
    client: FlaskClient, support: dict[str, str], ids: list[str], publisher: FakePublisher
) -> None:
    publisher.away = True

    answer = client.post(f"/api/v1/messages/{ids[0]}/resend", headers=support)

    assert answer.status_code == 503
    assert answer.content_type == "application/problem+json"


def test_each_call_needs_its_role(client: FlaskClient, keys: Keys, ids: list[str]) -> None:
    resend = f"/api/v1/messages/{ids[0]}/resend"
    url = "/api/v1/messages/delivery-url"

    assert client.get("/api/v1/messages").status_code == 401
    assert client.get(f"/api/v1/messages/{ids[0]}").status_code == 401
    assert client.post(resend).status_code == 401
    assert client.post(resend, headers=keys.headers("viewer")).status_code == 403
    assert client.get(url, headers=keys.headers("support")).status_code == 403


def test_operators_are_told_the_delivery_url(
    client: FlaskClient, keys: Keys, config: Config, report_path: str
) -> None:
    shown = body(client.get("/api/v1/messages/delivery-url", headers=keys.headers("operator")))

    assert shown == {
        "provider": "africastalking",
        "url": f"https://wifi.example{report_path}",
    }


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("phone=12345", "phone"),
        ("status=happy", "status"),
        ("since=yesterday", "since"),
        ("limit=0", "limit"),
        ("cursor=!", "cursor"),
    ],
)
def test_bad_queries_are_problems_that_name_the_field(
    client: FlaskClient, viewer: dict[str, str], query: str, field: str
) -> None:
    answer = client.get(f"/api/v1/messages?{query}", headers=viewer)

    assert answer.status_code == 422
    assert answer.content_type == "application/problem+json"
    assert list(body(answer)["errors"]) == [field]


def test_unknown_messages_are_problems(client: FlaskClient, support: dict[str, str]) -> None:
    path = f"/api/v1/messages/{new_id()}"

    for answer in (
        client.get(path, headers=support),
        client.post(f"{path}/resend", headers=support),
    ):
        assert answer.status_code == 404
        assert answer.content_type == "application/problem+json"


# Delivery reports


def test_a_report_is_with_the_broker_before_it_is_answered(
    client: FlaskClient, report_path: str, publisher: FakePublisher
) -> None:
    form = {
        "id": "ATXid_1",
        "status": "Failed",
        "phoneNumber": f"+{PHONE}",
        "networkCode": "63902",
        "failureReason": "UserInBlackList",
        "retryCount": "1",
    }

    answer = client.post(report_path, data=form)

    assert answer.status_code == 200
    assert publisher.sent == [
        RecordDeliveryReportJob(
            provider="africastalking",
            provider_message_id="ATXid_1",
            status="Failed",
            received_at=NOON,
            failure_reason="UserInBlackList",
            phone=f"+{PHONE}",
        )
    ]


def test_a_report_that_the_broker_did_not_take_is_not_answered_as_taken(
    client: FlaskClient, report_path: str, publisher: FakePublisher
) -> None:
    publisher.away = True

    answer = client.post(report_path, data={"id": "ATXid_1", "status": "Success"})

    assert answer.status_code == 503


def test_an_unknown_token_finds_nothing_whatever_the_body_says(
    client: FlaskClient, vault: Vault, publisher: FakePublisher
) -> None:
    subject = REPORTING_GATEWAYS["africastalking"]
    tokens = ["x", "%00", vault.token("stk", subject), vault.token("sms-delivery", new_id())]

    for token in tokens:
        for form in ({}, {"id": "ATXid_1", "status": "Success"}):
            answer = client.post(f"/callbacks/delivery/{token}", data=form)
            assert answer.status_code == 404
            assert answer.content_type == "application/problem+json"
    assert publisher.sent == []


@pytest.mark.parametrize(
    ("form", "fields"),
    [
        ({}, ["id", "status"]),
        ({"id": "ATXid_1"}, ["status"]),
        ({"id": "", "status": "Success"}, ["id"]),
        ({"id": "x" * 201, "status": "Success"}, ["id"]),
        ({"id": "ATXid_\x00", "status": "Success"}, ["id"]),
        ({"id": "ATXid_1", "status": "S" * 51}, ["status"]),
        ({"id": "ATXid_1", "status": "Success", "phoneNumber": "1" * 31}, ["phoneNumber"]),
        ({"id": "ATXid_1", "status": "Failed", "failureReason": "a\x00b"}, ["failureReason"]),
    ],
)
def test_a_report_that_says_too_little_or_too_much_names_the_fields(
    client: FlaskClient,
    report_path: str,
    publisher: FakePublisher,
    form: dict[str, str],
    fields: list[str],
) -> None:
    answer = client.post(report_path, data=form)

    assert answer.status_code == 422
    assert answer.content_type == "application/problem+json"
    assert sorted(body(answer)["errors"]) == fields
    assert publisher.sent == []


def test_a_report_that_is_no_form_is_refused(client: FlaskClient, report_path: str) -> None:
    answer = client.post(report_path, json={"id": "ATXid_1", "status": "Success"})

    assert answer.status_code == 422


def test_a_report_that_is_too_large_is_refused(client: FlaskClient, report_path: str) -> None:
    answer = client.post(report_path, data={"id": "ATXid_1", "status": "S" * 70_000})

    assert answer.status_code == 413
    assert answer.content_type == "application/problem+json"
