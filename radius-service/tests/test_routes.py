"""Operators look at sessions."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from hotspot.contract.sessions import DisconnectSessionJob
from hotspot.testing.handling import NOON, FakePublisher
from hotspot.testing.identity import Keys
from radius_service.coa import Answer
from radius_service.config import Config
from radius_service.web import create_app

from .test_booking import book, start, stop
from .test_kicks import send_off
from .world import Database

Get = Callable[..., Any]


@pytest.fixture
def publisher() -> FakePublisher:
    return FakePublisher()


@pytest.fixture
def client(config: Config, radius: Database, publisher: FakePublisher) -> FlaskClient:
    return create_app(config, publisher=publisher, engine=radius.engine).test_client()


@pytest.fixture
def get(client: FlaskClient, keys: Keys) -> Get:
    def asked(path: str = "", role: str = "viewer") -> Any:
        return client.get(f"/api/v1/sessions{path}", headers=keys.headers(role))

    return asked


def test_a_session_online_is_shown(radius: Database, get: Get) -> None:
    grant = radius.give()
    book(radius, start())
    (item,) = get().json["items"]
    assert item["status"] == "online"
    assert item["payment_id"] == str(grant.payment_id)
    assert (item["nas"], item["ip"], item["mac"]) == ("site-1", "10.5.50.7", "02:00:5E:10:00:00")
    assert item["started_at"] == "2026-01-15T09:00:00Z"
    assert item["until"] == "2026-01-15T10:00:00Z"
    assert get(f"/{item['id']}").json == {**item, "kicks": []}


def test_what_was_done_to_end_a_session_is_shown(radius: Database, get: Get) -> None:
    radius.give()
    book(radius, start())
    send_off(radius, Answer(outcome="refused", detail="Error-Cause 401"))
    session_id = radius.row("SELECT session_id FROM sessions").session_id
    (kick,) = get(f"/{session_id}").json["kicks"]
    steps = [(one["attempt"], one["step"], one["outcome"]) for one in kick["steps"]]
    assert steps == [(1, "disconnect_request", "refused"), (1, "router_api", "waiting")]
    assert kick["steps"][0]["detail"] == "Error-Cause 401"
    assert (kick["reason"], kick["attempts"], kick["ended_at"]) == ("operator", 1, None)
    assert kick["due_at"] == "2026-01-15T09:00:45Z"
    book(radius, stop(at=NOON))
    (kick,) = get(f"/{session_id}").json["kicks"]
    assert (kick["due_at"], kick["outcome"]) == (None, "stopped")
    assert kick["steps"][-1]["step"] == "verified"


def test_the_promise_is_shown(radius: Database, get: Get) -> None:
    assert get("/promise").json["service_without_time"] == 0
    radius.give()
    book(radius, start())
    shown = get("/promise").json  # today, that time is long over
    assert (shown["service_without_time"], shown["since"]) == (1, "2026-01-15T10:00:00Z")


def test_sessions_are_filtered(radius: Database, get: Get) -> None:
    radius.give()
    radius.give(username="bob", phone="254712000000", router_id="r2")
    book(radius, start())
    assert [one["username"] for one in get("?status=awaiting").json["items"]] == ["bob"]
    assert [one["username"] for one in get("?phone=0712345678").json["items"]] == ["alice"]
    assert [one["username"] for one in get("?router_id=r2").json["items"]] == ["bob"]


def test_the_list_goes_on_where_the_page_ended(radius: Database, get: Get) -> None:
    for name in ("one", "two", "three"):
        radius.give(username=name)
    first = get("?limit=2").json
    second = get(f"?limit=2&cursor={first['next']}").json
    assert [one["username"] for one in first["items"] + second["items"]] == ["three", "two", "one"]
    assert second["next"] is None


@pytest.mark.parametrize("query", ["?status=asleep", "?phone=hello", "?limit=0", "?cursor=x"])
def test_a_filter_that_makes_no_sense_is_named(get: Get, query: str) -> None:
    answer = get(query)
    assert answer.status_code == 422
    assert answer.content_type == "application/problem+json"
    assert list(answer.json["errors"]) == [query[1:].partition("=")[0]]


def test_an_unknown_session_is_not_found(get: Get) -> None:
    assert get("/01900000-0000-7000-8000-000000000001").status_code == 404


def test_an_operator_has_a_guest_sent_off(
    radius: Database, client: FlaskClient, publisher: FakePublisher, keys: Keys
) -> None:
    grant = radius.give()
    session_id = radius.row("SELECT session_id FROM sessions").session_id
    path = f"/api/v1/sessions/{session_id}"
    assert client.delete(path, headers=keys.headers("viewer")).status_code == 403
    assert client.delete(path, headers=keys.headers("support")).status_code == 409
    book(radius, start())
    answer = client.delete(path, headers=keys.headers("support"))
    assert answer.status_code == 202
    assert publisher.sent == [DisconnectSessionJob(session_id=session_id, reason="operator")]
    (parcel,) = publisher.parcels
    assert parcel.envelope.correlation_id == grant.payment_id


def test_nobody_looks_without_a_token(client: FlaskClient) -> None:
    assert client.get("/api/v1/sessions").status_code == 401
