"""The guests' pages without any script: choose, pay, use a voucher, show a receipt."""

import gzip
import json
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

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
    MAC,
    PACKAGE,
    STATUS,
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
    """One service that answers for all; and whose WiFi it is."""
    services = {**config.services, "radius": upstream.url}
    return replace(config, services=services, portal=PortalSettings(provider="Zuri <WiFi>"))


@pytest.fixture(autouse=True)
def selling(upstream: "Upstream") -> None:
    """A service with one package that takes every wish to pay."""
    upstream.answer("/api/v1/packages", {"items": [PACKAGE], "next": None})
    upstream.answer(f"/api/v1/packages/{PACKAGE['id']}", PACKAGE)
    upstream.answer("/api/v1/payments", ACCEPTED, status=202)
    upstream.answer("/api/v1/access", left("none"))


def asked(upstream: "Upstream", path: str) -> Any:
    """The body of the last request that a service got there."""
    seen = next(one for one in reversed(upstream.seen) if one.target.partition("?")[0] == path)
    return json.loads(seen.body)


def test_packages_are_shown_clearly(client: FlaskClient) -> None:
    page = client.get("/", query_string=ARRIVAL)
    assert page.status_code == 200
    for words in ("1 hour", "KSh 20", "up to 5 Mbps", "no data limit", "1 device"):
        assert words in page.text
    assert f'href="{BUY}"' in page.text
    assert "Zuri &lt;WiFi&gt;" in page.text
    assert 'lang="en"' in page.text


def test_nothing_of_the_page_runs_or_comes_from_elsewhere(client: FlaskClient) -> None:
    page = client.get("/?router=%22%3E%3Cscript%3E&error=<script>&link-login-only=http://10.1.1.1/")
    assert "<script" not in page.text
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "script-src 'self';" in policy
    assert policy.endswith("form-action 'self'")
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["X-Frame-Options"] == "DENY"
    assert page.text.index("</main>") < page.text.index('id="said"')


def test_a_page_is_small(client: FlaskClient) -> None:
    page = client.get("/", headers={"Accept-Encoding": "gzip, deflate"})
    assert page.headers["Content-Encoding"] == "gzip"
    assert "KSh 20" in gzip.decompress(page.data).decode()
    assert len(page.data) < 4000


def test_scripts_are_kept_for_ever_under_a_name_of_their_own(client: FlaskClient) -> None:
    page = client.get(BUY)
    link = page.text.partition('<script src="')[2].partition('"')[0]
    script = client.get(link)
    assert script.content_type.startswith("text/javascript")
    assert "immutable" in script.headers["Cache-Control"]
    assert client.get("/portal/0123456789ab/portal.js").status_code == 404


def test_paying_leads_to_the_payments_own_page(client: FlaskClient, upstream: "Upstream") -> None:
    client.get("/", query_string=ARRIVAL | CHALLENGE)
    page = client.get(BUY)
    assert "Pay KSh 20" in page.text
    answer = client.post(BUY, data={"phone": "0712 345 678", "key": "the form's own"})
    assert (answer.status_code, answer.headers["Location"]) == (303, STATUS)
    cookies = answer.headers.getlist("Set-Cookie")
    assert all("HttpOnly" in one and "SameSite=Lax" in one for one in cookies)
    assert any("the.claim-token_1" in one for one in cookies)
    assert "claim-token" not in answer.headers["Location"]
    assert upstream.seen[-1].headers["idempotency-key"] == "the form's own"
    assert asked(upstream, "/api/v1/payments") == {
        "package_id": PACKAGE["id"],
        "phone": "0712 345 678",
        "mac": MAC,
        "ip": "10.5.50.7",
        "router_id": "shop",
        "link_login_only": LOGIN,
    }
    assert 'value="0712 345 678"' in client.get(BUY).text  # remembered


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "Write the phone number that will pay."),
        ("0712 345", "This number is too short."),
        ("0712 345 6789", "This number is too long."),
        ("020 1234567", "This is not a Kenyan mobile number."),
        ("+1 650 253 00", "This is not a Kenyan mobile number."),
    ],
)
def test_a_wrong_number_is_explained_and_kept(
    client: FlaskClient, upstream: "Upstream", typed: str, words: str
) -> None:
    page = client.post(BUY, data={"phone": typed})
    assert page.status_code == 422
    assert words in page.text
    assert f'value="{typed}"' in page.text
    assert 'aria-invalid="true" autofocus' in page.text
    assert not any(one.method == "POST" for one in upstream.seen)


def test_a_form_that_was_used_before_is_a_new_wish(
    client: FlaskClient, upstream: "Upstream"
) -> None:
    """The guest went back to the form of a payment that failed, and tapped again."""
    replayed = {"Idempotent-Replayed": "true"}

    def speak(told: "Upstream", handler: BaseHTTPRequestHandler) -> None:
        is_first = told.seen[-1].headers["idempotency-key"] == "used"
        body = json.dumps(ACCEPTED | {"status": "failed" if is_first else "pending"}).encode()
        handler.send_response(202)
        for name, value in (replayed if is_first else {}).items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    upstream.answers["/api/v1/payments"] = speak
    form = {"phone": "0712 345 678", "key": "used"}
    assert client.post(BUY, data=form).status_code == 303
    keys = [one.headers["idempotency-key"] for one in upstream.seen if one.method == "POST"]
    assert keys[0] == "used"
    assert len(set(keys)) == 2
    other = {"errors": {"Idempotency-Key": ["was used for another request"]}}
    upstream.answer("/api/v1/payments", other, status=422)
    page = client.post(BUY, data=form | {"phone": "0712 345 679"})
    assert "Something went wrong" in page.text  # and not for ever


def test_the_page_is_no_way_around_the_limit(client: FlaskClient) -> None:
    form = {"phone": "0712 345 678"}
    pages = [client.post(BUY, data=form | {"key": str(at)}) for at in range(4)]
    assert [page.status_code for page in pages] == [303, 303, 303, 429]
    assert "Too many tries. Try again in" in pages[3].text


def test_when_a_service_is_away_the_page_says_that_nothing_was_charged(
    client: FlaskClient, upstream: "Upstream"
) -> None:
    upstream.answer("/api/v1/payments", {"detail": "x"}, status=503)
    page = client.post(BUY, data={"phone": "0712 345 678"})
    assert page.status_code == 503
    assert "Nothing was charged. Try again in a moment." in page.text
    upstream.answer("/api/v1/packages", {"detail": "x"}, status=503)
    page = client.get("/")
    assert page.status_code == 503
    assert "cannot be shown right now" in page.text
    assert 'http-equiv="refresh"' in page.text
    upstream.answer(f"/api/v1/packages/{PACKAGE['id']}", {"detail": "x"}, status=404)
    assert "no longer on sale" in client.get(BUY).text


def test_a_scanned_voucher_is_filled_in_and_redeemed(
    client: FlaskClient, upstream: "Upstream"
) -> None:
    page = client.get("/", query_string={"voucher": "4KCX9-DM7RH-PWT3V", "mac": MAC})
    assert 'value="4KCX9-DM7RH-PWT3V"' in page.text
    upstream.answer("/api/v1/vouchers/redeem", ACCEPTED, status=202)
    answer = client.post("/voucher", data={"voucher": "4KCX9-DM7RH-PWT3V", "key": "its own"})
    assert (answer.status_code, answer.headers["Location"]) == (303, STATUS)
    assert upstream.seen[-1].headers["idempotency-key"] == "its own"
    assert asked(upstream, "/api/v1/vouchers/redeem") == {
        "code": "4KCX9-DM7RH-PWT3V",
        "mac": MAC,
        "ip": None,
        "router_id": None,
        "link_login_only": None,
    }


def test_a_voucher_that_gives_nothing_says_why_and_guessing_ends(
    client: FlaskClient, upstream: "Upstream"
) -> None:
    unknown = {"type": "urn:hotspot:problem:unknown-voucher", "detail": "x"}
    upstream.answer("/api/v1/vouchers/redeem", unknown, status=404)
    pages = [client.post("/voucher", data={"voucher": "X"}) for _ in range(11)]
    assert "There is no such voucher." in pages[0].text
    assert [page.status_code for page in pages] == [404] * 10 + [429]
    used = {"type": "urn:hotspot:problem:voucher-used", "detail": "x"}
    upstream.answer("/api/v1/vouchers/redeem", used, status=409)
    assert "Write the code" in client.post("/voucher", data={"voucher": " "}).text


def test_a_receipt_is_claimed(client: FlaskClient, upstream: "Upstream") -> None:
    upstream.answer("/api/v1/payments/claim", ACCEPTED, status=202)
    form = {"receipt": "uaf9kd20qx", "phone": "0712 345 678"}
    answer = client.post("/claim", data=form)
    assert (answer.status_code, answer.headers["Location"]) == (303, STATUS)
    assert asked(upstream, "/api/v1/payments/claim")["receipt"] == "uaf9kd20qx"
    refused = {"errors": {"receipt": ["too short"]}}
    upstream.answer("/api/v1/payments/claim", refused, status=422)
    page = client.post("/claim", data=form | {"receipt": "12"})
    assert page.status_code == 422
    assert "This is not an M-Pesa code." in page.text
    assert 'value="12"' in page.text


def test_the_language_is_the_phones_until_the_guest_chooses(client: FlaskClient) -> None:
    swahili = {"Accept-Language": "sw-KE,sw;q=0.9,en;q=0.5"}
    assert "Chagua kifurushi" in client.get("/", headers=swahili).text
    assert "Choose a package" in client.get("/", headers={"Accept-Language": "fr"}).text
    page = client.get("/?lang=en", headers=swahili)
    assert "Choose a package" in page.text
    assert 'href="/?lang=sw" lang="sw"' in page.text
    assert "Pay with M-Pesa" in client.get(BUY, headers=swahili).text


@pytest.mark.parametrize("state", ["ready", "online"])
def test_a_known_device_is_let_in_without_a_password(
    client: FlaskClient, upstream: "Upstream", state: str
) -> None:
    upstream.answer("/api/v1/access", left(state, bytes_left=1_550_000_000))
    page = client.get("/", query_string=ARRIVAL)
    assert "still has 2 hours 10 minutes and 1.5 GB" in page.text
    assert f'action="{LOGIN}"' in page.text
    # The router says whose device it is: whoever else sends this gets nothing by it.
    assert f'name="username" value="{MAC}"' in page.text
    assert f"form-action 'self' {LOGIN.removesuffix('/login')}" in str(page.headers)
    assert "0712345678" not in page.text  # whose it is is nobody's business
    looked = next(one for one in upstream.seen if one.target.startswith("/api/v1/access"))
    assert looked.target.endswith("mac=02%3A00%3A5E%3A10%3A00%3A99")


def test_who_is_online_and_only_looks_is_told_so(client: FlaskClient, upstream: "Upstream") -> None:
    client.get("/", query_string=ARRIVAL)
    upstream.answer("/api/v1/access", left("online"))
    page = client.get("/")
    assert "This device is online. Time left: 2 hours 10 minutes." in page.text
    assert LOGIN not in page.text
    assert "2 hours 10 minutes" in client.get("/online").text


def test_without_radius_the_packages_are_shown_all_the_same(
    client: FlaskClient, upstream: "Upstream"
) -> None:
    upstream.answer("/api/v1/access", {"detail": "x"}, status=503)
    assert "1 hour" in client.get("/", query_string=ARRIVAL).text
    assert "cannot tell" in client.get("/online").text


def test_a_refused_login_is_explained(client: FlaskClient) -> None:
    said = "RADIUS server is not responding"
    page = client.get("/", query_string=ARRIVAL | {"error": said})
    assert "The WiFi could not check your login." in page.text
    assert said not in page.text  # anyone can put words into an address


def test_a_guest_with_an_sms_types_what_it_says_into_a_form_for_the_router(
    client: FlaskClient,
) -> None:
    client.get("/", query_string=ARRIVAL | CHALLENGE)
    page = client.get("/password")
    assert f'action="{LOGIN}"' in page.text
    assert 'data-chap-id="f9"' in page.text
    client.get("/", query_string={"link-login-only": "https://login.hotspot.evil.example/login"})
    assert "evil" not in client.get("/password").text


def test_a_payment_under_way_comes_before_the_packages(
    client: FlaskClient, upstream: "Upstream"
) -> None:
    client.post(BUY, data={"phone": "0712 345 678"})
    upstream.answer(f"/api/v1/payments/{ID}", payment("pending"))
    answer = client.get("/", query_string=ARRIVAL)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{STATUS}?go=1")
    assert client.get("/?new=1").status_code == 200
    upstream.answer(f"/api/v1/payments/{ID}", payment("cancelled"))
    assert client.get("/").status_code == 200


def test_who_has_paid_and_is_not_online_yet_is_not_asked_to_pay_again(
    client: FlaskClient, upstream: "Upstream"
) -> None:
    """The router did not answer, and the back button leads to the form."""
    client.post(BUY, data={"phone": "0712 345 678"})
    upstream.answer(f"/api/v1/payments/{ID}", served("ready"))
    for path in (BUY, "/?new=1"):
        page = client.get(path)
        assert "You have paid before, and can go online now." in page.text
        assert f'href="{STATUS}"' in page.text
    upstream.answer(f"/api/v1/payments/{ID}", served("online"))
    assert STATUS not in client.get(BUY).text
