"""Operators read users and subscriptions; nobody reads a password."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from hotspot.bus.work import Handlers
from hotspot.contract.access import AuthorizeRadiusUserJob
from hotspot.ids import new_id
from hotspot.testing.handling import run
from hotspot.testing.identity import Keys
from hotspot.vault import Vault

from .examples import DAY, PHONE, authorized, bought, package

OTHER = "254733000000"


@pytest.fixture
def asked(engine: Engine, handlers: Handlers) -> AuthorizeRadiusUserJob:
    """One guest who can log in, and one subscriber who waits for it."""
    (guest,) = run(handlers, bought(), engine)
    assert isinstance(guest, AuthorizeRadiusUserJob)
    run(handlers, authorized(guest), engine)
    month = package("subscription", 30 * DAY, "Home 5 Mbps")
    run(handlers, bought(phone=OTHER, terms=month), engine)
    return guest


@pytest.fixture
def viewer(keys: Keys) -> dict[str, str]:
    """The headers of an operator who may read."""
    return keys.headers("viewer")


def test_users_are_listed_newest_first_in_pages(
    client: FlaskClient, viewer: dict[str, str], asked: AuthorizeRadiusUserJob
) -> None:
    first = body(client.get("/api/v1/users?limit=1", headers=viewer))
    second = body(client.get(f"/api/v1/users?limit=1&cursor={first['next']}", headers=viewer))

    assert [user["phone"] for user in first["items"] + second["items"]] == [OTHER, PHONE]
    assert second["next"] is None


@pytest.mark.parametrize("typed", ["0712345678", "%2B254712345678", "712345678"])
def test_a_user_is_found_by_the_phone_as_people_type_it(
    client: FlaskClient, viewer: dict[str, str], asked: AuthorizeRadiusUserJob, typed: str
) -> None:
    found = body(client.get(f"/api/v1/users?phone={typed}", headers=viewer))

    assert [user["username"] for user in found["items"]] == ["0712345678"]


def test_users_are_filtered_by_when_they_were_made(
    client: FlaskClient, viewer: dict[str, str], asked: AuthorizeRadiusUserJob
) -> None:
    after = body(client.get("/api/v1/users?since=2026-01-16T00:00:00Z", headers=viewer))
    before = body(client.get("/api/v1/users?since=2026-01-15T00:00:00Z", headers=viewer))

    assert (len(after["items"]), len(before["items"])) == (0, 2)


def test_one_user_is_shown_with_grants_and_without_the_password(
    client: FlaskClient, viewer: dict[str, str], asked: AuthorizeRadiusUserJob, vault: Vault
) -> None:
    answer = client.get(f"/api/v1/users/{asked.user_id}", headers=viewer)

    (grant,) = body(answer)["grants"]
    assert grant["payment_id"] == str(asked.payment_id)
    assert grant["package_name"] == "1 hour"
    assert grant["starts_at"] == "2026-01-15T09:00:00Z"
    assert vault.open(asked.sealed_password) not in answer.text
    assert "password" not in answer.text


def test_subscriptions_are_listed_by_phone_and_status(
    client: FlaskClient, viewer: dict[str, str], asked: AuthorizeRadiusUserJob
) -> None:
    (active,) = body(client.get("/api/v1/subscriptions?status=active", headers=viewer))["items"]
    none = body(client.get(f"/api/v1/subscriptions?phone={PHONE}", headers=viewer))["items"]
    shown = body(client.get(f"/api/v1/subscriptions/{active['id']}", headers=viewer))

    assert (active["phone"], active["package_name"]) == (OTHER, "Home 5 Mbps")
    assert active["paid_until"] == "2026-02-14T09:00:00Z"
    assert none == []
    assert shown == active


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("users?phone=12345", "phone"),
        ("users?since=yesterday", "since"),
        ("users?limit=0", "limit"),
        ("users?limit=201", "limit"),
        ("users?cursor=!", "cursor"),
        ("subscriptions?phone=hello", "phone"),
        ("subscriptions?status=happy", "status"),
        ("subscriptions?limit=x", "limit"),
    ],
)
def test_bad_queries_are_problems_that_name_the_field(
    client: FlaskClient, viewer: dict[str, str], path: str, field: str
) -> None:
    answer = client.get(f"/api/v1/{path}", headers=viewer)

    assert answer.status_code == 422
    assert answer.content_type == "application/problem+json"
    assert list(body(answer)["errors"]) == [field]


@pytest.mark.parametrize("kind", ["users", "subscriptions"])
def test_what_is_not_there_is_a_problem(
    client: FlaskClient, viewer: dict[str, str], kind: str
) -> None:
    unknown = client.get(f"/api/v1/{kind}/{new_id()}", headers=viewer)
    not_an_id = client.get(f"/api/v1/{kind}/7", headers=viewer)

    assert (unknown.status_code, not_an_id.status_code) == (404, 404)
    assert {unknown.content_type, not_an_id.content_type} == {"application/problem+json"}


@pytest.mark.parametrize("kind", ["users", "subscriptions"])
def test_without_a_token_nothing_is_shown(client: FlaskClient, kind: str) -> None:
    for path in (f"/api/v1/{kind}", f"/api/v1/{kind}?phone=bad", f"/api/v1/{kind}/{new_id()}"):
        assert client.get(path).status_code == 401


def test_the_openapi_document_names_the_routes(client: FlaskClient) -> None:
    described = body(client.get("/openapi.json"))

    assert {"/api/v1/users", "/api/v1/subscriptions"} <= set(described["paths"])


def body(answer: Any) -> dict[str, Any]:
    parsed: dict[str, Any] = answer.get_json(force=True)
    return parsed
