"""The table of the door: every route is in it, and it is what decides who may ask."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import jwt
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from gateway import operators
from gateway.config import Config
from gateway.door import ANYONE, ROUTES, NotInTheTable, Route, guard
from gateway.live import Hub
from gateway.models import Operator
from gateway.operators import Passwords
from gateway.web import create_app
from hotspot.testing.databases import Databases
from hotspot.testing.handling import NOON, FakePublisher
from hotspot.testing.identity import Keys
from hotspot.web.auth import ROLES

from .upstream import Upstream, serving, settings

GUARDED = [row for row in ROUTES if row.who != ANYONE]
ANSWERED_AT_ONCE = [row for row in GUARDED if row.path != "/api/v1/events"]


@pytest.fixture(scope="module")
def engine(databases: Databases) -> Engine:
    """One database for the whole walk: nothing here depends on its rows."""
    return databases.fresh("gateway")


@pytest.fixture(scope="module")
def everywhere() -> Iterator[Upstream]:
    """All services at once: they take whatever reaches them."""
    with serving() as told:
        told.answer("*", {"items": []})
        yield told


@pytest.fixture(scope="module")
def config(keys: Keys, everywhere: Upstream) -> Config:
    """Settings with all services up."""
    some = settings(keys, everywhere.url)
    return replace(some, services=dict.fromkeys(some.services, everywhere.url))


@pytest.fixture(scope="module")
def app(config: Config, engine: Engine, passwords: Passwords) -> Iterator[Flask]:
    """One gateway for the whole walk."""
    hub = Hub(engine)
    yield create_app(config, publisher=FakePublisher(), engine=engine, hub=hub, passwords=passwords)
    hub.close()


@pytest.fixture(scope="module")
def owner_id(engine: Engine, passwords: Passwords) -> str:
    """The account behind the tokens of the walk."""
    account = {"email": "o@example.com", "role": "owner", "password": "-" * 12}
    operators.save(engine, **account, now=NOON, passwords=passwords)
    with Session(engine) as session:
        return str(session.scalars(select(Operator.id)).one())


def path_of(row: Route) -> str:
    some = {"uuid": str(uuid4()), "int": "1", "": "something"}
    return re.sub(r"<(?:(\w+):)?\w+>", lambda found: some[found[1] or ""], row.path)


def name_of(row: Route) -> str:
    return f"{row.method} {row.path}"


@pytest.mark.parametrize("row", GUARDED, ids=name_of)
def test_nobody_passes_without_a_token(
    client: FlaskClient, everywhere: Upstream, row: Route
) -> None:
    everywhere.seen.clear()
    wrong: tuple[dict[str, str], ...] = (
        {},
        {"Authorization": "Bearer a.b.c"},
        {"X-API-Key": f"hsk_{'a' * 43}"},
        {"X-API-Key": ""},
    )
    for headers in wrong:
        answer = client.open(path_of(row), method=row.method, headers=headers)
        assert answer.status_code == 401
        assert answer.content_type == "application/problem+json"
    assert everywhere.seen == []


@pytest.mark.parametrize(
    "row", [row for row in GUARDED if row.path != "/api/v1/events"], ids=name_of
)
def test_a_role_passes_where_the_table_says_so(
    client: FlaskClient, everywhere: Upstream, keys: Keys, owner_id: str, row: Route
) -> None:
    for role in ROLES:
        everywhere.seen.clear()
        bearer = {"Authorization": f"Bearer {keys.token(role, subject=owner_id)}"}
        path = path_of(row)
        answer = client.open(path, method=row.method, headers=bearer)
        may_pass = ROLES.index(role) >= ROLES.index(row.who)
        assert (answer.status_code == 403) == (not may_pass), f"{role} got {answer.status_code}"
        assert answer.status_code != 401
        if row.is_passed_on:
            assert [(one.method, one.target) for one in everywhere.seen] == (
                [(row.method, path)] if may_pass else []
            )
            # The service decides for itself once more, by the same token.
            assert all(role_in(one.headers, keys) == role for one in everywhere.seen)


def role_in(headers: dict[str, str], keys: Keys) -> Any:
    token = headers["authorization"].removeprefix("Bearer ")
    return jwt.decode(token, keys.public_pem, algorithms=["EdDSA"])["role"]


def test_live_events_need_a_token_and_any_role_will_do(client: FlaskClient, keys: Keys) -> None:
    with client.get("/api/v1/events", headers=keys.headers("viewer"), buffered=False) as answer:
        assert answer.status_code == 200


@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c"])
def test_a_bad_token_is_no_token(client: FlaskClient, token: str) -> None:
    answer = client.get("/api/v1/queues", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_token_in_a_head_request_is_looked_at_too(client: FlaskClient) -> None:
    assert client.head("/api/v1/users").status_code == 401


def test_a_route_that_is_not_in_the_table_stops_the_start(
    config: Config, engine: Engine, hub: Hub, passwords: Passwords
) -> None:
    app = create_app(config, publisher=FakePublisher(), engine=engine, hub=hub, passwords=passwords)
    app.add_url_rule("/api/v1/forgotten", "forgotten", lambda: "open to everyone")
    with pytest.raises(NotInTheTable, match="forgotten"):
        guard(app)
