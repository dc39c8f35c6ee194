"""The door's document is made of the services' own, through the table; people can read it."""

import re
from typing import TYPE_CHECKING, Any

import pytest
from flask.testing import FlaskClient
from openapi_spec_validator import OpenAPIV31SpecValidator
from sqlalchemy import Engine

from gateway.door import ANYONE, ROUTES
from hotspot.testing.databases import Databases
from hotspot.web.openapi import operations

if TYPE_CHECKING:
    from .upstream import Upstream

PATHS = {
    "/api/v1/payments/{payment_id}/reverse": {
        "parameters": [{"name": "payment_id", "in": "path", "required": True, "schema": {}}],
        "post": {
            "summary": "Send money back",
            "requestBody": {
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Why"}}}
            },
            "responses": {"202": {"description": "Taken"}, "409": {"description": "Too late"}},
        },
    },
    "/api/v1/secret": {"get": {"responses": {"200": {"description": "Not in the table"}}}},
}
SAID = {
    "openapi": "3.1.0",
    "info": {"title": "payment-service", "version": "v1"},
    "paths": PATHS,
    "components": {
        "schemas": {
            "Why": {
                "type": "object",
                "properties": {"left": {"$ref": "#/components/schemas/Money"}},
            },
            "Money": {"type": "integer"},
            "Unused": {"type": "string"},
        }
    },
}


@pytest.fixture(scope="module")
def engine(databases: Databases) -> Engine:
    """One database for all of them: nothing here depends on its rows."""
    return databases.fresh("gateway")


def whole(client: FlaskClient) -> dict[str, Any]:
    document: dict[str, Any] = client.get("/api/v1/openapi.json").get_json()
    OpenAPIV31SpecValidator(document).validate()
    return document


def test_every_route_of_the_table_is_described_and_no_other(
    client: FlaskClient, upstream: "Upstream"
) -> None:
    upstream.answer("/openapi.json", SAID)
    document = whole(client)
    described = {(method.upper(), path): one for path, method, one in operations(document)}
    in_table = {(row.method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", row.path)): row for row in ROUTES}
    assert set(described) == set(in_table)
    for place, row in in_table.items():
        assert (described[place].get("x-role") is not None) == (row.who != ANYONE)
        if row.who != ANYONE:
            assert described[place]["security"] == [{"bearer": []}, {"apiKey": []}]


def test_what_a_service_says_of_a_row_is_told_with_what_the_door_does(
    client: FlaskClient, upstream: "Upstream"
) -> None:
    upstream.answer("/openapi.json", SAID)
    document = whole(client)
    reverse = document["paths"]["/api/v1/payments/{id}/reverse"]["post"]
    assert reverse["summary"] == "Send money back"
    assert [one["name"] for one in reverse["parameters"]] == ["id"]
    assert set(reverse["responses"]) == {
        *("202", "401", "403", "409"),
        *("413", "502", "503", "504"),
    }
    assert "Needs the role `owner`" in reverse["description"]
    schemas = document["components"]["schemas"]
    assert {"payment.Why", "payment.Money", "Problem"} <= set(schemas)
    assert "payment.Unused" not in schemas
    assert "429" in document["paths"]["/api/v1/auth/token"]["post"]["responses"]


def test_a_service_that_is_down_is_described_by_the_table_alone(client: FlaskClient) -> None:
    users = whole(client)["paths"]["/api/v1/users/{id}"]["get"]
    assert "does not say more" in users["summary"]
    assert users["parameters"][0]["schema"] == {"type": "string", "format": "uuid"}


def test_a_service_that_says_nonsense_is_as_good_as_down(
    client: FlaskClient, upstream: "Upstream"
) -> None:
    upstream.answer("/openapi.json", ["nonsense"])
    assert "does not say more" in str(whole(client)["paths"]["/api/v1/packages"])


def test_services_are_asked_seldom(client: FlaskClient, upstream: "Upstream") -> None:
    upstream.answer("/openapi.json", SAID)
    for _ in range(3):
        whole(client)
    assert len(upstream.seen) == 1


def test_the_page_for_people_loads_nothing_from_elsewhere(client: FlaskClient) -> None:
    page = client.get("/api/docs")
    assert page.content_type == "text/html; charset=utf-8"
    policy = page.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    linked = re.findall(r'(?:href|src)="([^"]+)"', page.text)
    assert len(linked) == 6
    for place in linked:
        assert client.get(place).status_code == 200, place
    assert client.get("/api/docs/setup.py").status_code == 404
