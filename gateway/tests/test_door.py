"""The table of the door: every route is in it, and it is what decides who may ask."""

import re
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from gateway.door import ANYONE, ROUTES, NotInTheTable, Route, guard
from hotspot.testing.databases import Databases
from hotspot.testing.identity import Keys
from hotspot.web.auth import ROLES


@pytest.fixture(scope="module")
def engine(databases: Databases) -> Engine:
    """One database for the whole walk: nothing here depends on its rows."""
    return databases.fresh("gateway")


GUARDED = [row for row in ROUTES if row.who != ANYONE]


def path_of(row: Route) -> str:
    return re.sub(r"<uuid:\w+>", str(uuid4()), row.path)


def name_of(row: Route) -> str:
    return f"{row.method} {row.path}"


@pytest.mark.parametrize("row", GUARDED, ids=name_of)
def test_nobody_passes_without_a_token(client: FlaskClient, row: Route) -> None:
    answer = client.open(path_of(row), method=row.method)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("row", [row for row in GUARDED if not row.streams], ids=name_of)
def test_a_role_passes_where_the_table_says_so(
    client: FlaskClient, keys: Keys, row: Route, role: str
) -> None:
    answer = client.open(path_of(row), method=row.method, headers=keys.headers(role))
    may_pass = ROLES.index(role) >= ROLES.index(row.who)
    assert (answer.status_code == 403) == (not may_pass)
    assert answer.status_code != 401


@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c"])
def test_a_bad_token_is_no_token(client: FlaskClient, token: str) -> None:
    answer = client.get("/api/v1/queues", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401


def test_a_token_in_a_head_request_is_looked_at_too(client: FlaskClient) -> None:
    assert client.head("/api/v1/users").status_code == 401


def test_a_route_that_is_not_in_the_table_stops_the_start(app: Flask) -> None:
    app._got_first_request = False
    app.add_url_rule("/api/v1/forgotten", "forgotten", lambda: "open to everyone")
    with pytest.raises(NotInTheTable, match="forgotten"):
        guard(app)


def test_the_document_describes_every_route(client: FlaskClient) -> None:
    document = client.get("/api/v1/openapi.json").get_json()
    for row in ROUTES:
        operation = document["paths"][re.sub(r"<uuid:(\w+)>", r"{\1}", row.path)][
            row.method.lower()
        ]
        assert ("security" in operation) == (row.who != ANYONE)
        assert operation["responses"]
