"""Who did what is recorded, and nothing that was secret in it."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from gateway.history import KEPT
from hotspot.bus.pruning import forget_batch
from hotspot.contract.operations import Pruned

from .office import ELSEWHERE, PASSWORD, Office

if TYPE_CHECKING:
    from .upstream import Upstream

CLERK, OWNER = "clerk@example.com", "owner@example.com"


@pytest.fixture
def engine(no_accounts: Engine) -> Engine:
    return no_accounts


@pytest.fixture
def app(same_app: Flask) -> Flask:
    return same_app


@pytest.fixture
def upstream(same_upstream: "Upstream") -> "Upstream":
    return same_upstream


@pytest.fixture
def owner(office: Office) -> dict[str, str]:
    """The headers of an owner."""
    return office.token(office.employ(OWNER))


def audit(office: Office, owner: dict[str, str], query: str = "") -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = office.ask("GET", f"/audit{query}", owner).get_json()["items"]
    return listed


def test_what_an_operator_did_is_told_with_what_came_of_it(
    office: Office, owner: dict[str, str], upstream: "Upstream"
) -> None:
    clerk = office.employ(CLERK, "operator")
    voucher = str(uuid4())
    upstream.answer(f"/api/v1/vouchers/{voucher}", {}, status=409)
    headers = office.token(clerk, "operator") | {"X-Request-ID": "asked-7"}
    office.ask("DELETE", f"/vouchers/{voucher}", headers, address=ELSEWHERE)
    (told,) = audit(office, owner)
    assert told.pop("id")
    assert abs(datetime.now(UTC) - datetime.fromisoformat(told.pop("at"))) < timedelta(minutes=1)
    assert told == {
        "actor": clerk,
        "name": CLERK,
        "role": "operator",
        "method": "DELETE",
        "route": "/api/v1/vouchers/<uuid:id>",
        "object_id": voucher,
        "status": 409,
        "request_id": "asked-7",
        "address": ELSEWHERE,
    }


def test_looks_and_strangers_are_not_told_but_what_was_refused_is(
    office: Office, owner: dict[str, str], upstream: "Upstream"
) -> None:
    upstream.answer("*", {})
    viewer = office.token(office.employ(CLERK, "viewer"), "viewer")
    office.ask("GET", "/payments", viewer)
    office.ask("POST", "/payments", json={"phone": "?"})
    office.ask("POST", "/packages", json={})
    office.ask("POST", "/packages", {"Authorization": "Bearer nonsense"}, json={})
    office.ask("POST", "/packages", viewer, json={})
    assert [(one["route"], one["status"]) for one in audit(office, owner)] == [
        ("/api/v1/packages", 403)
    ]


def test_what_was_made_is_named_by_its_location(
    office: Office, owner: dict[str, str], upstream: "Upstream"
) -> None:
    upstream.answer("*", {}, status=202, headers={"Location": "/api/v1/vouchers/batches/b-1"})
    office.ask("POST", "/vouchers", owner, json={})
    made = office.ask("POST", "/api-keys", owner, json={"name": "books", "role": "owner"})
    key = made.get_json()
    office.ask("DELETE", f"/sessions/{key['id']}", {"X-API-Key": key["key"]})
    third, second, first = audit(office, owner)
    assert (first["object_id"], second["object_id"]) == ("b-1", key["id"])
    assert (third["actor"], third["name"], third["status"]) == (f"key:{key['id']}", "books", 503)


def test_no_secret_is_kept(office: Office, owner: dict[str, str]) -> None:
    office.log_in(OWNER)
    office.log_in(OWNER, "a wrong guess")
    body = {"email": CLERK, "role": "viewer", "password": PASSWORD}
    office.ask("POST", "/operators", owner, json=body)
    key = office.ask("POST", "/api-keys", owner, json={"name": "b", "role": "viewer"}).get_json()
    kept = str(office.rows("SELECT * FROM audit"))
    assert all(secret not in kept for secret in (PASSWORD, "a wrong guess", key["key"]))
    routes = [one["route"].rpartition("/")[2] for one in audit(office, owner)]
    assert routes == ["api-keys", "operators", "token"]  # a login too, where it succeeds


def test_entries_are_found_by_actor_object_and_time(
    office: Office, owner: dict[str, str], upstream: "Upstream"
) -> None:
    upstream.answer("*", {}, status=202)
    clerk, objects = office.employ(CLERK, "operator"), [str(uuid4()) for _ in range(3)]
    for one in objects:
        office.ask("DELETE", f"/vouchers/{one}", office.token(clerk, "operator"))
    office.ask("DELETE", f"/vouchers/{objects[0]}", owner)
    assert len(audit(office, owner, f"?actor={clerk}")) == 3
    assert len(audit(office, owner, f"?object_id={objects[0]}")) == 2
    assert audit(office, owner, "?since=2099-01-01T00:00:00Z") == []
    page = office.ask("GET", "/audit?limit=3", owner).get_json()
    assert [one["object_id"] for one in audit(office, owner, f"?cursor={page['next']}")] == [
        objects[0]
    ]


def test_what_cannot_be_recorded_is_done_and_logged(
    office: Office, owner: dict[str, str], engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE audit RENAME TO audit_gone"))
    try:
        assert office.ask("DELETE", "/failed-jobs", owner).status_code == 202
    finally:
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE audit_gone RENAME TO audit"))
    assert "not in the audit log" in capsys.readouterr().out


def test_entries_are_forgotten_after_a_year_and_a_month(
    office: Office, owner: dict[str, str], engine: Engine
) -> None:
    office.ask("DELETE", "/failed-jobs", owner)
    now = datetime.now(UTC)
    with Session(engine) as session, session.begin():
        assert forget_batch(session, KEPT, now + timedelta(days=399)) == []
        assert forget_batch(session, KEPT, now + timedelta(days=401)) == [
            Pruned(what="audit", rows=1)
        ]
