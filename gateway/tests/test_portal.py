"""The guests' pages: choose, pay, wait, and get the credentials, without any script."""

import html
import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from hotspot.testing.databases import Databases

if TYPE_CHECKING:
    from .conftest import Upstream

PACKAGE = {"id": str(uuid4()), "name": "1 hour", "price": {"amount": 2000, "currency": "KES"}}
ID = str(uuid4())
FORM = {
    "package_id": PACKAGE["id"],
    "phone": "0712 345 678",
    "mac": "02:00:5E:10:00:99",
    "ip": "",
    "router": "shop",
    "link-login-only": "http://10.5.50.1/login",
    "key": "the form's own",
}


@pytest.fixture(scope="module")
def engine(databases: Databases) -> Engine:
    """One database for all of them: nothing here depends on its rows."""
    return databases.fresh("gateway")


@pytest.fixture(autouse=True)
def selling(upstream: "Upstream") -> None:
    """A service with one package that takes every wish to pay."""
    upstream.answer("/api/v1/packages", {"items": [PACKAGE], "next": None})
    upstream.answer("/api/v1/payments", {"id": ID, "claim_token": "the-claim"}, status=202)


def payment(status: str, **more: Any) -> dict[str, Any]:
    return {"id": ID, "status": status, "failure": None, "access": None} | more


def access(state: str, login_url: str | None = None) -> dict[str, Any]:
    return {
        "state": state,
        "username": "0712345678" if state != "provisioning" else None,
        "password": "p<ss" if state != "provisioning" else None,
        "voucher": None,
        "login_url": login_url,
        "until": None,
    }


def test_packages_are_shown_and_what_the_router_told_is_kept(client: FlaskClient) -> None:
    page = client.get('/?mac=02:00&link-login-only=http://10.5.50.1/login&router="><script>')
    assert page.status_code == 200
    assert "1 hour" in page.text
    assert "KES 20.00" in page.text
    assert 'name="link-login-only" value="http://10.5.50.1/login"' in page.text
    assert "<script" not in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


def test_paying_leads_to_the_payments_own_page(client: FlaskClient, upstream: "Upstream") -> None:
    answer = client.post("/", data=FORM)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/status/{ID}")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("claim=the-claim;")
    assert f"Path=/status/{ID}" in cookie
    assert "HttpOnly" in cookie
    asked = upstream.seen[0]
    assert asked.headers["idempotency-key"] == "the form's own"
    assert json.loads(asked.body) == {
        "package_id": PACKAGE["id"],
        "phone": "0712 345 678",
        "mac": "02:00:5E:10:00:99",
        "ip": None,
        "router_id": "shop",
        "link_login_only": "http://10.5.50.1/login",
    }


def test_what_was_refused_is_said_and_what_was_typed_is_kept(
    client: FlaskClient, upstream: "Upstream"
) -> None:
    refused = {"detail": "x", "errors": {"phone": ["write a Kenyan mobile number"]}}
    upstream.answer("/api/v1/payments", refused, status=422)
    page = client.post("/", data=FORM | {"phone": "12"})
    assert page.status_code == 422
    assert "phone: write a Kenyan mobile number" in page.text
    assert 'value="12"' in page.text
    assert "checked" in page.text


def test_the_page_is_no_way_around_the_limit(client: FlaskClient) -> None:
    statuses = [client.post("/", data=FORM | {"key": str(at)}).status_code for at in range(4)]
    assert statuses == [303, 303, 303, 429]


@pytest.mark.parametrize(
    ("shown", "words", "waits"),
    [
        (payment("pending"), "Enter your M-Pesa PIN", True),
        (payment("completed", access=access("provisioning")), "is being made ready", True),
        (payment("completed", access=access("ready")), "p<ss", True),
        (payment("completed", access=access("online")), "You are online", False),
        (payment("completed", access=access("ended")), "Your time is up", False),
        (
            payment("cancelled", failure={"code": "1032", "message": "You cancelled."}),
            "You cancelled.",
            False,
        ),
        (payment("failed"), "Not paid", False),
    ],
)
def test_the_payments_page_says_how_it_stands(
    client: FlaskClient, upstream: "Upstream", shown: dict[str, Any], words: str, waits: bool
) -> None:
    upstream.answer(f"/api/v1/payments/{ID}", shown)
    client.set_cookie("claim", "the-claim", path=f"/status/{ID}")
    page = client.get(f"/status/{ID}")
    assert html.escape(words) in page.text
    assert ("http-equiv" in page.text) == waits
    assert upstream.seen[-1].headers["authorization"] == "Bearer the-claim"


@pytest.mark.parametrize(
    ("login_url", "leads"), [("http://10.5.50.1/login", True), ("javascript:alert(1)", False)]
)
def test_a_ready_guest_is_led_to_the_router_and_nowhere_else(
    client: FlaskClient, upstream: "Upstream", login_url: str, leads: bool
) -> None:
    upstream.answer(
        f"/api/v1/payments/{ID}", payment("completed", access=access("ready", login_url))
    )
    page = client.get(f"/status/{ID}")
    assert (f'action="{login_url}"' in page.text) == leads


def test_without_the_claim_nothing_is_shown(client: FlaskClient, upstream: "Upstream") -> None:
    upstream.answer(f"/api/v1/payments/{ID}", {"detail": "Send a token."}, status=401)
    answer = client.get(f"/status/{ID}")
    assert (answer.status_code, answer.get_json()["detail"]) == (401, "Send a token.")


def test_when_packages_cannot_be_had_the_page_says_so(
    client: FlaskClient, upstream: "Upstream"
) -> None:
    upstream.answer("/api/v1/packages", {"detail": "x"}, status=503)
    page = client.get("/")
    assert page.status_code == 503
    assert "cannot be shown just now" in page.text
