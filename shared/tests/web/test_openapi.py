"""What a service's document says follows from how its routes are marked."""

from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate
from sqlalchemy import create_engine

from hotspot.settings import CommonConfig
from hotspot.testing.api import check_document, strangers_let_in
from hotspot.testing.handling import FakePublisher
from hotspot.testing.identity import Keys
from hotspot.web.app import new_app, register
from hotspot.web.auth import needs_role
from hotspot.web.fields import Phone, TrueOrFalse
from hotspot.web.openapi import document_of, refuses
from hotspot.web.pages import page, page_request, paged


class OrderSchema(Schema):
    """What is wanted."""

    phone = Phone(required=True)
    size = fields.String(required=True, validate=validate.Regexp(r"[A-Z]{1,3}\Z"))
    wrapped = TrueOrFalse(load_default=False)


class OrderedSchema(Schema):
    """What was taken."""

    id = fields.UUID(required=True)
    requested_at = fields.String(required=True)
    paid_until = fields.String(required=True, allow_none=True)
    daily_at = fields.String(required=True, metadata={"example": "03:00"})


class OrdersSchema(Schema):
    """A page of orders."""

    items = fields.List(fields.Nested(OrderedSchema), required=True)
    next = fields.String(required=True, allow_none=True)


@pytest.fixture
def blueprint() -> Blueprint:
    orders = Blueprint("orders", __name__, url_prefix="/orders")
    some = {"requested_at": "2026-01-15T09:00:00Z", "paid_until": None, "daily_at": "03:00"}

    @orders.get("")
    @needs_role("viewer")
    @orders.response(200, OrdersSchema)
    @paged
    def list_orders() -> dict[str, Any]:
        """Orders."""
        return page([], page_request(), lambda item: item["id"])

    @orders.post("/<uuid:order_id>")
    @needs_role("operator")
    @orders.arguments(OrderSchema)
    @orders.response(202, OrderedSchema)
    @refuses({409: "It was sent already."})
    def order(_: dict[str, Any], order_id: UUID) -> dict[str, Any]:
        """Order something."""
        return {"id": order_id, **some}

    return orders


@pytest.fixture
def app(keys: Keys, blueprint: Blueprint) -> Flask:
    config = CommonConfig(
        service="shop",
        database_url="postgresql://unused",
        amqp_url="amqp://unused",
        log_level="INFO",
        host="127.0.0.1",
        port=8001,
        encryption_keys=keys.encryption,
        jwt_public_key=keys.public_pem,
    )
    engine = create_engine("postgresql+psycopg://nobody:x@127.0.0.1:1/none")
    app = new_app(
        config, publisher=FakePublisher(), engine=engine, title="shop", has_failed_jobs=False
    )
    register(app, blueprint)
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def test_refusals_follow_from_role_path_body_and_marks(app: Flask) -> None:
    paths = document_of(app)["paths"]
    order = paths["/orders/{order_id}"]["post"]
    assert [*order["responses"]] == [
        *("202", "400", "401", "403", "404", "409", "413", "422", "503")
    ]
    assert order["responses"]["409"]["description"] == "It was sent already."
    assert (order["security"], order["x-role"]) == ([{"bearer": []}], "operator")
    listed = paths["/orders"]["get"]
    assert [*listed["responses"]] == ["200", "401", "422", "503"]
    assert [one["name"] for one in listed["parameters"]] == ["limit", "cursor"]


def test_bodies_are_closed_have_examples_and_tell_what_is_a_time(app: Flask) -> None:
    document = document_of(app)
    wanted = document["paths"]["/orders/{order_id}"]["post"]["requestBody"]["content"]
    assert wanted["application/json"]["example"] == {
        "phone": "0712 345 678",
        "size": "size",
        "wrapped": False,
    }
    schemas = document["components"]["schemas"]
    assert schemas["Order"]["additionalProperties"] is False
    assert schemas["Order"]["properties"]["size"]["pattern"] == "^(?:[A-Z]{1,3})$"
    times = {name: spec.get("format") for name, spec in schemas["Ordered"]["properties"].items()}
    assert times == {
        "id": "uuid",
        "requested_at": "date-time",
        "paid_until": "date-time",
        "daily_at": None,
    }


def test_a_route_that_lets_strangers_in_is_found(app: Flask, client: FlaskClient) -> None:
    assert strangers_let_in(app) == []
    app.view_functions["orders.list_orders"] = lambda: {"items": [], "next": None}
    assert len(strangers_let_in(app)) == 2


def test_an_answer_that_is_not_as_described_is_found(app: Flask, keys: Keys) -> None:
    app.view_functions["orders.list_orders"] = needs_role("viewer")(lambda: {"items": 7})
    app.view_functions["orders.order"] = needs_role("operator")(lambda **_: ("odd", 418))
    with pytest.raises(AssertionError) as found:
        check_document(app, keys.token("owner"))
    assert "GET /orders: Response violates schema" in str(found.value)
    assert "POST /orders/{order_id}: Undocumented status code: Received: 418" in str(found.value)


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=1e1",
        f"limit={'9' * 5000}",
        "limit=%00",
        "cursor=AZvBpHwAfT6LHy9qXTxLeg==",
        "cursor=AZvBpHwAfT6LHy9qXTxL!g",
        "cursor=AZvBpHwAfT6LHy9qXTxLe%00",
        "other=a%00",
    ],
)
def test_a_query_that_makes_no_sense_is_refused_by_field(
    client: FlaskClient, keys: Keys, query: str
) -> None:
    answer = client.get(f"/orders?{query}", headers=keys.headers("viewer"))
    assert (answer.status_code, [*answer.get_json()["errors"]]) == (422, [query.partition("=")[0]])


def test_a_path_with_a_nul_leads_nowhere(client: FlaskClient) -> None:
    answer = client.get("/orders/a%00b")
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")


@pytest.mark.parametrize("value", [0, 1, "true", "yes", None, []])
def test_true_or_false_is_one_of_the_two(client: FlaskClient, keys: Keys, value: object) -> None:
    body = {"phone": "0712345678", "size": "A", "wrapped": value}
    place = "/orders/019bc1a4-7c00-7d3e-8b1f-2f6a5d3c4b7a"
    answer = client.post(place, json=body, headers=keys.headers("operator"))
    assert (answer.status_code, [*answer.get_json()["errors"]]) == (422, ["wrapped"])
