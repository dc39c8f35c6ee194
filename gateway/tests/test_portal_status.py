"""The page of a payment without any script: what it says, and where it sends the password."""

import html
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from gateway.config import Config
from gateway.portal.settings import PortalSettings
from hotspot.testing.databases import Databases

from .portal_world import (
    ARRIVAL,
    BUY,
    CHALLENGE,
    ID,
    LOGIN,
    STATUS,
    failed,
    left,
    payment,
    served,
)

if TYPE_CHECKING:
    from .upstream import Upstream

ACCEPTED = {"id": ID, "status": "pending", "claim_token": "the.claim-token_1"}


@pytest.fixture(scope="module")
def engine(databases: Databases) -> Engine:
    """One database for all of them: nothing here depends on its rows."""
    return databases.fresh("gateway")


@pytest.fixture
def config(config: Config, upstream: "Upstream") -> Config:
    """One service that answers for all, and one more host to trust."""
    services = {**config.services, "radius": upstream.url}
    portal = PortalSettings(login_hosts=("wifi.example.co.ke",))
    return replace(config, services=services, portal=portal)


@pytest.fixture
def guest(client: FlaskClient, upstream: "Upstream") -> FlaskClient:
    """A browser that has asked to pay."""
    upstream.answer("/api/v1/payments", ACCEPTED, status=202)
    upstream.answer("/api/v1/access", left("none"))
    client.get("/password", query_string=ARRIVAL | CHALLENGE)
    assert client.post(BUY, data={"phone": "0712 345 678"}).status_code == 303
    return client


def page(guest: FlaskClient, upstream: "Upstream", shown: dict[str, Any], query: str = "") -> str:
    """The payment's page while the service shows it so."""
    upstream.answer(f"/api/v1/payments/{ID}", shown)
    answer = guest.get(STATUS + query)
    assert answer.status_code == 200
    return answer.text


@pytest.mark.parametrize(
    ("shown", "words", "refresh"),
    [
        (payment("pending"), "M-Pesa is asking 07*****678 to confirm.", 3),
        (payment("pending", waits_for="mpesa"), "M-Pesa does not answer", 3),
        (payment("pending", price=None, phone=None), "We are asking M-Pesa", 3),
        (payment("pending", phone=None), "Your voucher is being checked.", 3),
        (payment("completed"), "Payment received", 3),
        (served("provisioning"), "Payment received", 3),
        (served("ready"), "p<ss", None),
        (served("online"), "You are online", 60),
        (served("ended"), "Your package is used up", None),
        (failed("wrong_pin"), "The PIN was wrong", 30),
        (failed("a code of tomorrow"), "in the service's words", 30),
    ],
)
def test_it_says_how_the_payment_stands(
    guest: FlaskClient,
    upstream: "Upstream",
    shown: dict[str, Any],
    words: str,
    refresh: int | None,
) -> None:
    text = page(guest, upstream, shown)
    assert html.escape(words, quote=False) in text.replace("&#39;", "'")
    assert (f'http-equiv="refresh" content="{refresh}"' in text) == (refresh is not None)
    assert upstream.seen[-1].headers["authorization"] == "Bearer the.claim-token_1" or (
        shown["access"] and shown["access"]["state"] == "online"
    )


def test_who_waits_long_is_told_what_to_look_at(guest: FlaskClient, upstream: "Upstream") -> None:
    assert 'data-after="20" hidden' in page(guest, upstream, payment("pending"))
    cookie = guest.get_cookie("claims")
    assert cookie is not None
    long_ago = int(time.time()) - 25
    began = cookie.value.split(":")[1]
    guest.set_cookie("claims", cookie.value.replace(began, str(long_ago)))
    assert 'data-after="20">' in page(guest, upstream, payment("pending"))


def test_trying_again_needs_no_typing(guest: FlaskClient, upstream: "Upstream") -> None:
    text = page(guest, upstream, payment("cancelled", failure={"code": "x", "message": "y"}))
    assert 'name="phone" value="0712 345 678"' in text
    assert "Try again: pay KSh 20" in text
    key = text.partition('name="key" value="')[2].partition('"')[0]
    assert key in page(guest, upstream, failed("x"))  # two taps are one wish
    assert "the.claim-token_1" not in text
    guest.delete_cookie("phone")
    text = page(guest, upstream, failed("wrong_pin"))
    assert "Try again: pay" not in text
    assert text.count("Use another number") == 1


@pytest.mark.parametrize("code", ["prompt_unclear", "no_news", "held", "receipt_not_found"])
def test_who_may_have_paid_is_not_asked_to_pay_again_first(
    guest: FlaskClient, upstream: "Upstream", code: str
) -> None:
    text = page(guest, upstream, failed(code))
    assert "Nothing was charged" not in text
    offered = text.partition('class="button"')[2].partition("</a>")[0]
    assert "Try again" not in offered


def test_a_router_that_is_one_of_ours_gets_the_password_without_a_tap(
    guest: FlaskClient, upstream: "Upstream"
) -> None:
    for login in (
        "http://10.5.50.1/login",
        "http://172.16.9.1:8080/login",
        "https://login.hotspot/login",
        "https://wifi.example.co.ke/login",
    ):
        guest.get("/password", query_string={"link-login-only": login})
        text = page(guest, upstream, served("ready"))
        assert f'<form method="post" action="{login}" data-once="' in text


def test_an_unknown_address_gets_it_only_from_a_guest_who_says_so(
    guest: FlaskClient, upstream: "Upstream"
) -> None:
    for login in (
        "http://evil.example/login",
        "http://login.hotspot.evil.example/login",
        "http://203.0.113.7/login",
        "http://127.0.0.1/login",
        "http://0x0a053201/login",
    ):
        guest.get("/password", query_string={"link-login-only": login})
        text = page(guest, upstream, served("ready"))
        assert "data-once" not in text
        assert "has an address that we do not know" in text
        assert f"Log in at {login.split('/')[2]}" in text


def test_what_is_no_login_page_is_not_even_kept(guest: FlaskClient, upstream: "Upstream") -> None:
    for login in (
        "javascript:alert(1)",
        "http://guest@10.5.50.1/login",
        "http://10.5.50.1/; script-src *",
        "//10.5.50.1/login",
        "http://10.5.50.1:99999/login",
        "http://10.5.50.1/" + "x" * 600,
    ):
        guest.get("/password", query_string={"link-login-only": login, "mac": "x"})
        answer = guest.get("/password", query_string={"router": "shop", "link-login-only": login})
        assert html.escape(login) not in answer.text
        text = page(guest, upstream, served("ready", login_url=login))
        assert 'action="http://login.hotspot/login"' in text
        assert "data-once" not in text
        assert "Connect to our WiFi first" in text


def test_a_challenge_is_handed_to_the_script_and_passwords_only_on_their_page(
    guest: FlaskClient, upstream: "Upstream"
) -> None:
    text = page(guest, upstream, served("ready"))
    assert f'data-chap-id="f9" data-chap-challenge="{bytes(range(16)).hex()}"' in text
    assert "chap.js" in text
    assert f'name="dst" value="http://localhost{STATUS}?in=1"' in text
    policy = guest.get(STATUS).headers["Content-Security-Policy"]
    assert policy.endswith(f"form-action 'self' {LOGIN.removesuffix('/login')}")
    waiting = page(guest, upstream, payment("pending"))
    assert "chap.js" not in waiting
    assert "p&lt;ss" not in waiting


def test_who_comes_back_from_the_router_is_online_before_accounting_says_so(
    guest: FlaskClient, upstream: "Upstream"
) -> None:
    assert "You are online" in page(guest, upstream, served("ready"), "?in=1")
    assert "Your package is used up" in page(guest, upstream, served("ended"), "?in=1")


def test_whom_the_router_sends_here_is_not_online_whatever_the_books_say(
    guest: FlaskClient, upstream: "Upstream"
) -> None:
    upstream.answer(f"/api/v1/payments/{ID}", served("online"))
    answer = guest.get("/", query_string=ARRIVAL)
    assert answer.headers["Location"] == f"{STATUS}?go=1"
    assert "data-once" in page(guest, upstream, served("online"), "?go=1")


def test_a_refused_login_is_tried_once_more_and_then_explained(
    guest: FlaskClient, upstream: "Upstream"
) -> None:
    upstream.answer(f"/api/v1/payments/{ID}", served("ready"))
    refused = ARRIVAL | {"error": "invalid username or password"}
    first = guest.get("/", query_string=refused)
    assert first.headers["Location"] == f"{STATUS}?go=1"
    second = guest.get("/", query_string=refused)
    assert second.headers["Location"] == f"{STATUS}?go=1&error=wrong"
    text = page(guest, upstream, served("ready"), "?go=1&error=wrong")
    assert "The username or password is wrong." in text
    assert "data-once" not in text
    full = guest.get("/", query_string=ARRIVAL | {"error": "Too many devices are online"})
    assert full.headers["Location"].endswith("error=devices")


def test_time_and_data_that_are_left_are_those_that_radius_counts(
    guest: FlaskClient, upstream: "Upstream"
) -> None:
    upstream.answer("/api/v1/access", left("online", bytes_left=350_000_000))
    text = page(guest, upstream, served("online"))
    assert "2 hours 10 minutes" in text
    assert "350 MB" in text
    upstream.answer("/api/v1/access", {}, status=503)
    assert "until 17/1 16:20" in page(guest, upstream, served("online"))


def test_the_script_gets_the_middle_of_the_page_alone(
    guest: FlaskClient, upstream: "Upstream"
) -> None:
    whole = page(guest, upstream, payment("pending"))
    part = page(guest, upstream, payment("pending"), "?part=1")
    assert part.startswith("<main")
    assert part.strip() in whole


def test_without_the_claim_nothing_is_shown(
    guest: FlaskClient, client: FlaskClient, upstream: "Upstream"
) -> None:
    other = guest.get(f"/status/{uuid4()}")
    assert other.status_code == 401
    assert "It belongs to the browser that paid." in other.text
    assert guest.get(f"/status/{uuid4()}/events").status_code == 404
    upstream.answer(f"/api/v1/payments/{ID}", {"detail": "x"}, status=401)
    assert guest.get(STATUS).status_code == 401
    upstream.answer(f"/api/v1/payments/{ID}", {"detail": "x"}, status=503)
    away = guest.get(STATUS)
    assert away.status_code == 503
    assert 'http-equiv="refresh"' in away.text


def test_a_broken_cookie_is_no_cookie(guest: FlaskClient) -> None:
    for cookie in ("|", "x:1:y", f"{ID}:one:token", f"{ID}:1:", "\0"):
        guest.set_cookie("claims", cookie)
        guest.set_cookie("place", "%ff%00=&login=javascript:1&id=%5C999")
        assert guest.get(STATUS).status_code == 401


def test_a_browser_keeps_its_last_three_payments(guest: FlaskClient, upstream: "Upstream") -> None:
    ids = [str(uuid4()) for _ in range(3)]
    for at, one in enumerate(ids):
        upstream.answer("/api/v1/payments", ACCEPTED | {"id": one}, status=202)
        guest.post(BUY, data={"phone": f"0712 345 00{at}"})
        upstream.answer(f"/api/v1/payments/{one}", payment("pending", id=one))
    assert [guest.get(f"/status/{one}").status_code for one in (ID, *ids)] == [401, 200, 200, 200]


def test_live_events_are_passed_on_to_the_browser_that_has_the_claim(
    guest: FlaskClient, upstream: "Upstream"
) -> None:
    def speak(_: "Upstream", handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.send_header("Content-Length", "10")
        handler.end_headers()
        handler.wfile.write(b"data: {}\n\n")

    upstream.answers[f"/api/v1/payments/{ID}/events"] = speak
    answer = guest.get(f"{STATUS}/events")
    assert (answer.content_type, answer.data) == ("text/event-stream", b"data: {}\n\n")
    assert upstream.seen[-1].headers["authorization"] == "Bearer the.claim-token_1"
    assert "cookie" not in upstream.seen[-1].headers
