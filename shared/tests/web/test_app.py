"""What every web process answers, whatever its service."""

from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_smorest import Blueprint
from marshmallow import Schema, fields
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session

from hotspot.bus import ledger
from hotspot.bus.envelope import enclose
from hotspot.bus.tables import bus_metadata
from hotspot.contract.operations import FlushFailedJobsJob, RetryFailedJobsJob
from hotspot.contract.payments import ProcessPaymentJob
from hotspot.ids import new_id
from hotspot.settings import CommonConfig
from hotspot.testing.handling import NOON, FakePublisher
from hotspot.testing.identity import Keys
from hotspot.web.app import new_app, publish, register
from hotspot.web.auth import needs_role


class Order(Schema):
    """A body for the test."""

    count = fields.Integer(required=True)


@pytest.fixture
def publisher() -> FakePublisher:
    return FakePublisher()


@pytest.fixture
def app(keys: Keys, publisher: FakePublisher, empty_database: Engine) -> Flask:
    bus_metadata.create_all(empty_database)
    config = CommonConfig(
        service="payment",
        database_url="",
        amqp_url="",
        log_level="INFO",
        host="127.0.0.1",
        port=1,
        encryption_keys=keys.encryption,
        jwt_public_key=keys.public_pem,
    )
    app = new_app(config, publisher=publisher, engine=empty_database, title="Test")
    register(app, _routes())
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def _routes() -> Blueprint:
    blueprint = Blueprint("test", __name__)

    @blueprint.post("/orders")
    @blueprint.arguments(Order)
    @blueprint.response(202)
    def order(_body: dict[str, Any]) -> dict[str, Any]:
        publish(ProcessPaymentJob(payment_id=new_id()))
        return {}

    @blueprint.get("/owners")
    @blueprint.response(204)
    @needs_role("operator")
    def only_operators() -> dict[str, Any]:
        return {}

    @blueprint.get("/broken")
    @blueprint.response(204)
    def broken() -> dict[str, Any]:
        raise ZeroDivisionError("the inside of the machine")

    return blueprint


def assert_problem(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    body: dict[str, Any] = answer.get_json(force=True)
    assert body["status"] == status
    assert {"type", "title", "detail"} <= set(body)
    return body


@pytest.mark.parametrize(
    ("body", "field"),
    [({}, "count"), ({"count": "many"}, "count"), ({"count": 1, "colour": "red"}, "colour")],
)
def test_bad_input_is_a_problem_that_names_the_field(
    client: FlaskClient, body: dict[str, Any], field: str
) -> None:
    problem = assert_problem(client.post("/orders", json=body), 422)
    assert list(problem["errors"]) == [field]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("get", "/nowhere", 404), ("get", "/orders", 405)],
)
def test_http_errors_are_problems(client: FlaskClient, method: str, path: str, status: int) -> None:
    assert_problem(getattr(client, method)(path), status)


def test_a_body_that_is_not_json_is_a_problem(client: FlaskClient) -> None:
    answer = client.post("/orders", data="{", content_type="application/json")
    assert_problem(answer, 400)


@pytest.mark.parametrize("monster", [b"[" * 60_000, b'{"count": ' + b"9" * 5_000 + b"}"])
def test_json_that_no_reader_takes_is_a_problem_too(client: FlaskClient, monster: bytes) -> None:
    answer = client.post("/orders", data=monster, content_type="application/json")
    assert_problem(answer, 400)


def test_a_body_that_is_too_large_is_a_problem(client: FlaskClient) -> None:
    assert_problem(client.post("/orders", json={"count": "1" * 2**20}), 413)


def test_a_body_that_does_not_tell_its_length_is_refused_not_cut(client: FlaskClient) -> None:
    for size, status in ((2**20 - 20, 202), (2**20, 413)):
        body = BytesIO(b'{"count": 1}'.ljust(size))
        answer = client.post(
            "/orders",
            input_stream=body,
            content_type="application/json",
            headers={"Transfer-Encoding": "chunked"},
            environ_overrides={"wsgi.input_terminated": True},
        )
        assert answer.status_code == status


def test_a_path_with_slashes_too_many_is_a_problem_not_a_redirect(client: FlaskClient) -> None:
    assert_problem(client.get("/health//live", headers={"Host": "evil.example"}), 404)


def test_an_unexpected_error_tells_nothing_of_the_inside(client: FlaskClient) -> None:
    problem = assert_problem(client.get("/broken"), 500)
    assert "machine" not in str(problem)


def test_a_broker_that_is_away_is_said_and_nothing_is_done(
    client: FlaskClient, publisher: FakePublisher
) -> None:
    publisher.away = True
    assert_problem(client.post("/orders", json={"count": 1}), 503)
    publisher.away = False
    assert client.post("/orders", json={"count": 1}).status_code == 202
    assert len(publisher.sent) == 1


@pytest.mark.parametrize(
    ("role", "status"), [("viewer", 403), ("support", 403), ("operator", 204), ("owner", 204)]
)
def test_roles_include_those_below_them(
    client: FlaskClient, keys: Keys, role: str, status: int
) -> None:
    assert client.get("/owners", headers=keys.headers(role)).status_code == status


def test_without_a_valid_token_nobody_gets_in(client: FlaskClient, keys: Keys) -> None:
    expired = keys.token("owner", lives=timedelta(minutes=-5))
    for headers in (
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer x.y.z"},
        {"Authorization": f"Basic {keys.token('owner')}"},
        {"Authorization": f"Bearer {expired}"},
        {"Authorization": f"Bearer {keys.token('king')}"},
    ):
        assert_problem(client.get("/owners", headers=headers), 401)


def test_health_names_what_is_missing(client: FlaskClient, publisher: FakePublisher) -> None:
    assert client.get("/health/live").status_code == 200
    assert client.get("/health/ready").status_code == 200
    publisher.away = True
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.get_json()["missing"]) == (503, ["broker"])


def test_health_says_when_the_database_is_away(app: Flask, client: FlaskClient) -> None:
    url = "postgresql+psycopg://nobody:x@127.0.0.1:1/none"
    app.extensions["engine"] = create_engine(url, connect_args={"connect_timeout": 1})
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.get_json()["missing"]) == (503, ["database"])


def test_a_request_id_goes_in_and_out(client: FlaskClient) -> None:
    given = client.get("/health/live", headers={"X-Request-ID": "abc"})
    assert given.headers["X-Request-ID"] == "abc"
    assert client.get("/health/live").headers["X-Request-ID"]


def test_metrics_and_openapi_are_served(client: FlaskClient) -> None:
    assert b"python_info" in client.get("/metrics").data
    spec = client.get("/openapi.json").get_json()
    assert "/api/v1/failed-jobs" in spec["paths"]


@pytest.fixture
def failed(app: Flask, empty_database: Engine) -> list[str]:
    ids = []
    for at in range(5):
        job = ProcessPaymentJob(payment_id=new_id())
        envelope = enclose(job, sender="test", now=NOON)
        failure = ledger.Failure(
            queue="payments",
            reason=f"reason {at}",
            exception="Reject",
            traceback="Traceback ...",
            failed_at=NOON,
        )
        with Session(empty_database) as session:
            ledger.record_failure(session, envelope, failure)
            session.commit()
        ids.append(str(envelope.message_id))
    return ids


def test_failed_jobs_are_listed_newest_first_in_pages(
    client: FlaskClient, keys: Keys, failed: list[str]
) -> None:
    seen: list[str] = []
    cursor = ""
    while cursor is not None:
        path = f"/api/v1/failed-jobs?limit=2{cursor and '&cursor=' + cursor}"
        answer = client.get(path, headers=keys.headers("viewer")).get_json()
        seen.extend(item["id"] for item in answer["items"])
        cursor = answer["next"]
    assert seen == failed[::-1]


def test_one_failed_job_is_shown_with_payload_and_traceback(
    client: FlaskClient, keys: Keys, failed: list[str]
) -> None:
    path = f"/api/v1/failed-jobs/{failed[0]}"
    item = client.get(path, headers=keys.headers("viewer")).get_json()
    assert item["reason"] == "reason 0"
    assert "payment_id" in item["payload"]
    assert item["traceback"].startswith("Traceback")
    unknown = f"/api/v1/failed-jobs/{new_id()}"
    assert_problem(client.get(unknown, headers=keys.headers("viewer")), 404)


@pytest.mark.parametrize(("limit", "cursor"), [("0", ""), ("201", ""), ("x", ""), ("5", "nope!")])
def test_bad_pages_are_refused(client: FlaskClient, keys: Keys, limit: str, cursor: str) -> None:
    path = f"/api/v1/failed-jobs?limit={limit}" + (f"&cursor={cursor}" if cursor else "")
    assert_problem(client.get(path, headers=keys.headers("viewer")), 422)


def test_retry_and_flush_are_dispatched_for_operators(
    client: FlaskClient, keys: Keys, failed: list[str], publisher: FakePublisher
) -> None:
    calls: list[tuple[Callable[..., Any], str]] = [
        (client.post, f"/api/v1/failed-jobs/{failed[0]}/retry"),
        (client.post, "/api/v1/failed-jobs/retry"),
        (client.delete, "/api/v1/failed-jobs"),
    ]
    for call, path in calls:
        assert_problem(call(path, headers=keys.headers("support")), 403)
        assert call(path, headers=keys.headers("operator")).status_code == 202
    retry_one, retry_all, flush = publisher.sent
    assert isinstance(retry_one, RetryFailedJobsJob)
    assert [str(one) for one in retry_one.message_ids] == [failed[0]]
    assert retry_all == RetryFailedJobsJob(service="payment")
    assert flush == FlushFailedJobsJob(service="payment")
