"""The dashboard: who sees what, what its forms send, and what it says when something is away."""

import json
import re
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from html.parser import HTMLParser
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, insert

from gateway import operators
from gateway.config import Config
from gateway.dashboard.ordering import Order
from gateway.dashboard.orders import ORDERS
from gateway.dashboard.pages import POLICY
from gateway.dashboard.session import COOKIE, Login
from gateway.live import Hub
from gateway.models import ApiKey, Operator
from gateway.operators import Passwords
from gateway.web import create_app
from gateway.worker import HANDLERS
from hotspot.clock import utc_now
from hotspot.contract.money import Money
from hotspot.contract.payments import PaymentCompleted
from hotspot.ids import new_id
from hotspot.testing.handling import NOON, FakePublisher, run
from hotspot.testing.identity import Keys
from hotspot.vault import Vault
from hotspot.web.auth import ROLES

from .office import PASSWORD
from .things import EVIL, ID, LISTED, OTHERS, PACKAGE, PAGES, STATEMENT

Upstream = Any
LogIn = Callable[..., FlaskClient]
# Pages that viewers may not see; the door's table says so of what they ask.
MORE_THAN_VIEWERS = {
    "/audit": "owner",
    "/statements": "operator",
    f"/statements/{ID}": "operator",
    f"/routers/{ID}/backups/2": "operator",
    "/operators": "owner",
    f"/operators/{ID}": "owner",
    "/api-keys": "owner",
}
KEY = "the key of every form"
TYPED = {
    "form_key": KEY, "name": "x", "count": "4", "email": "new@b.example", "role": "viewer",
    "password": PASSWORD, "current": PASSWORD, "new": f"{PASSWORD}!",
}  # fmt: skip


@pytest.fixture
def app(
    *,
    config: Config,
    publisher: FakePublisher,
    engine: Engine,
    hub: Hub,
    upstream: Upstream,
    passwords: Passwords,
) -> Flask:
    """A gateway whose services all answer."""
    urls = dict.fromkeys(config.services, upstream.url)
    answering(upstream)
    config = replace(config, services=urls)
    return create_app(config, publisher=publisher, engine=engine, hub=hub, passwords=passwords)


@pytest.fixture
def staff(engine: Engine, passwords: Passwords) -> dict[str, str]:
    """The id of somebody with each role; beside them an account and a key with an evil name."""
    ids = {role: str(new_id()) for role in ROLES}
    hashed = passwords.hash(PASSWORD)
    with engine.begin() as connection:
        for email, account, role in (
            *((f"{role}@b.example", each, role) for role, each in ids.items()),
            (EVIL, ID, "viewer"),
        ):
            connection.execute(
                insert(Operator).values(
                    id=account,
                    email=email,
                    role=role,
                    password_hash=hashed,
                    created_at=NOON,
                    updated_at=NOON,
                )
            )
        connection.execute(
            insert(ApiKey).values(
                id=ID,
                name=EVIL,
                role="viewer",
                key_hash=b"h",
                hint="hsk_3fQx",
                created_by=ID,
                created_at=NOON,
            )
        )
    return ids


def answering(upstream: Upstream) -> None:
    for path, item in LISTED.items():
        upstream.answer(f"/api/v1{path}", {"items": [item], "next": None, "id": ID})
        upstream.answer(f"/api/v1{path}/{ID}", item)
    for path, body in OTHERS.items():
        upstream.answer(f"/api/v1{path}", body)


@pytest.fixture
def logged_in(app: Flask, keys: Keys) -> LogIn:
    """Somebody with the cookie of a login."""

    def log_in(
        role: str, *, lives: float = 300, refresh: str = "r", subject: str = "operator@example.com"
    ) -> FlaskClient:
        login = Login(
            access_token=keys.token(role, subject=subject),
            refresh_token=refresh,
            expires_at=utc_now().timestamp() + lives,
            email="a@b",
            form_key=KEY,
        )
        client = app.test_client()
        sealed = Vault(keys.encryption).seal(json.dumps(asdict(login)))
        client.set_cookie(COOKIE, sealed, path="/dashboard")
        return client

    return log_in


class _Scripts(HTMLParser):
    """Whatever could run or look otherwise than our two files say."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        is_ours = (given.get("src") or "").startswith("/dashboard/static/")
        if tag in ("style", "img", "iframe") or (tag == "script" and not is_ours):
            self.found.append(tag)
        self.found += [name for name in given if name == "style" or name.startswith("on")]
        self.found += [value for value in given.values() if value and "javascript:" in value]


def scripts_in(page: str) -> list[str]:
    reader = _Scripts()
    reader.feed(page)
    return reader.found


def url_of(order: Order) -> str:
    return order.url(id=ID, name="RotateLogs" if order.name == "run" else "UAF9KD20QX")


@pytest.mark.parametrize("role", ROLES)
def test_every_page_shows_a_role_what_it_may_do_and_runs_no_name_as_script(
    logged_in: LogIn, staff: dict[str, str], role: str
) -> None:
    client, offered = logged_in(role, subject=staff[role]), set[str]()
    for path in PAGES:
        page = client.get(f"/dashboard{path}")
        is_seen = ROLES.index(role) >= ROLES.index(MORE_THAN_VIEWERS.get(path, "viewer"))
        assert page.status_code == (200 if is_seen else 403), path
        assert page.headers["Content-Security-Policy"] == POLICY
        assert EVIL not in page.text
        assert scripts_in(page.text) == [], path
        offered |= set(re.findall(r'<form method="post" action="([^"]+)"', page.text))
    rank = ROLES.index(role)
    may = {url_of(one) for one in ORDERS if ROLES.index(one.who) <= rank}
    files = {"/dashboard/statements", "/dashboard/routers/import"}
    sent = files if rank >= ROLES.index("operator") else set[str]()
    # A subscription that is suspended is not suspended again.
    not_now = {url_of(one) for one in ORDERS if one.name == "suspend"}
    assert offered - {"/dashboard/logout"} == (may | sent) - not_now


@pytest.mark.parametrize("role", ROLES)
def test_an_order_is_given_by_those_who_may_and_refused_to_others(
    logged_in: LogIn, staff: dict[str, str], upstream: Upstream, role: str
) -> None:
    client = logged_in(role, subject=staff[role])
    for path in (order.api.format(id=ID, name="UAF9KD20QX") for order in ORDERS):
        if path not in LISTED:
            upstream.answer(f"/api/v1{path}", {"id": ID}, status=202)
    upstream.answer("/api/v1/schedules/RotateLogs/run", {}, status=202)
    upstream.answer(f"/api/v1/failed-jobs/{ID}", {"id": ID, "service": "payment"})
    for order in ORDERS:
        answer = client.post(url_of(order), data=TYPED)
        may = ROLES.index(role) >= ROLES.index(order.who)
        done = 200 if order.shows else 303
        assert answer.status_code == (done if may else 403), order.name
        if not may:
            assert "This needs the role" in answer.text


def test_nobody_sees_a_page_or_gives_an_order_without_a_login(app: Flask) -> None:
    client = app.test_client()
    client.set_cookie(COOKIE, "sealed by somebody else", path="/dashboard")
    for path in PAGES:
        answer = client.get(f"/dashboard{path}")
        assert answer.status_code == 303
        assert answer.headers["Location"].startswith("/dashboard/login?next=/dashboard")
    assert client.post("/dashboard/refresh").status_code == 303
    assert client.get("/dashboard/events").status_code == 401
    page = client.get("/dashboard/login").text
    for asset in re.findall(r'(?:src|href)="(/dashboard/static/[^"]+)"', page):
        assert client.get(asset).status_code == 200
    assert client.get("/dashboard/static/0/web.py").status_code == 404


def test_an_operator_logs_in_and_out(app: Flask, engine: Engine) -> None:
    operators.save(engine, email="A@b.example", role="owner", password="long enough", now=utc_now())
    client = app.test_client()
    form = {"email": "a@b.example", "password": "wrong", "next": "/dashboard/users?phone=07"}
    wrong = client.post("/dashboard/login", data=form)
    assert (wrong.status_code, "password is wrong" in wrong.text) == (401, True)
    assert 'value="a@b.example"' in wrong.text
    assert "Set-Cookie" not in wrong.headers
    right = client.post("/dashboard/login", data=form | {"password": "long enough"})
    assert right.headers["Location"] == "/dashboard/users?phone=07"
    cookie = right.headers["Set-Cookie"]
    assert all(word in cookie for word in ("HttpOnly", "SameSite=Strict", "Path=/dashboard"))
    page = client.get("/dashboard")
    assert "Role: <strong>owner</strong>" in page.text
    key = re.search(r'name="form_key" value="([^"]+)"', page.text)
    assert key
    assert client.post("/dashboard/logout", data={"form_key": key[1]}).status_code == 303
    assert client.get("/dashboard").status_code == 303


@pytest.mark.parametrize("leads", ["https://evil.example", "//evil.example", "/dashboard\\@evil"])
def test_a_login_leads_to_our_own_pages_alone(app: Flask, engine: Engine, leads: str) -> None:
    operators.save(engine, email="a@b.example", role="owner", password="long enough", now=utc_now())
    form = {"email": "a@b.example", "password": "long enough", "next": leads}
    answer = app.test_client().post("/dashboard/login", data=form)
    assert answer.headers["Location"] == "/dashboard"


def test_a_form_of_another_site_is_refused(logged_in: LogIn, publisher: FakePublisher) -> None:
    client, form = logged_in("owner"), {"form_key": KEY}
    guessed = client.post("/dashboard/refresh", data={"form_key": "guessed"})
    assert (guessed.status_code, "form is too old" in guessed.text) == (403, True)
    assert client.post("/dashboard/refresh").status_code == 403
    assert client.post("/dashboard/refresh", data={"form_key": "ñ"}).status_code == 403
    for header in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert client.post("/dashboard/refresh", data=form, headers=header).status_code == 403
        assert client.post("/dashboard/login", data=form, headers=header).status_code == 403
    assert publisher.sent == []
    ours = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    assert client.post("/dashboard/refresh", data=form, headers=ours).status_code == 303


def test_a_login_is_renewed_once_by_pages_that_ask_at_the_same_time(
    app: Flask, logged_in: LogIn, engine: Engine
) -> None:
    operators.save(engine, email="a@b.example", role="owner", password="long enough", now=utc_now())
    told = app.test_client().post(
        "/api/v1/auth/token", json={"email": "a@b.example", "password": "long enough"}
    )
    refresh = told.get_json()["refresh_token"]
    first, second = (logged_in("owner", lives=5, refresh=refresh) for _ in range(2))
    assert first.get("/dashboard").status_code == second.get("/dashboard").status_code == 200
    cookies = [client.get_cookie(COOKIE, path="/dashboard") for client in (first, second)]
    assert all(cookies)
    assert first.get("/dashboard").status_code == 200
    third = logged_in("owner", lives=5, refresh="one that is not known")
    assert third.get("/dashboard").headers["Location"] == "/dashboard/login?next=/dashboard"


def test_what_is_away_is_named_and_the_rest_is_shown(
    config: Config, engine: Engine, hub: Hub, keys: Keys, nobody: str
) -> None:
    urls = dict.fromkeys(config.services, nobody)
    app = create_app(
        replace(config, services=urls), publisher=FakePublisher(), engine=engine, hub=hub
    )
    login = Login(
        access_token=keys.token("owner"),
        refresh_token="r",
        expires_at=time.time() + 300,
        email="a@b",
        form_key=KEY,
    )
    client = app.test_client()
    client.set_cookie(
        COOKIE, Vault(keys.encryption).seal(json.dumps(asdict(login))), path="/dashboard"
    )
    front = client.get("/dashboard")
    assert front.status_code == 200
    assert "Money today" in front.text
    assert "router-service cannot be reached" in front.text
    for path in ("/payments", "/routers", f"/payments/{ID}", "/schedules", "/search?q=0712345678"):
        page = client.get(f"/dashboard{path}")
        assert (page.status_code, "cannot be reached" in page.text) == (200, True), path
    refused = client.post("/dashboard/routers", data={"form_key": KEY, "name": "x"})
    assert (refused.status_code, "Nothing was done" in refused.text) == (503, True)


def test_a_page_that_there_is_not_is_a_page_that_says_so(logged_in: LogIn) -> None:
    page = logged_in("viewer").get("/dashboard/nothing")
    assert (page.status_code, "There is no page" in page.text) == (404, True)
    assert "Overview" in page.text


def test_empty_lists_say_so(logged_in: LogIn, upstream: Upstream) -> None:
    for path in LISTED:
        upstream.answer(f"/api/v1{path}", {"items": [], "next": None})
    client = logged_in("viewer")
    words = {
        "/payments": "No payment is like that.",
        "/routers": "No router is registered yet",
        "/receipts": "No money is held",
        "/overdue": "Every session that is open has time left.",
        "/failed-jobs": "No job has failed.",
        "/search?q=0712345678": "Nothing is known of",
    }
    for path, said in words.items():
        assert said in client.get(f"/dashboard{path}").text, path


def test_filters_and_the_next_page_are_asked_of_the_api(
    logged_in: LogIn, upstream: Upstream
) -> None:
    upstream.answer("/api/v1/payments", {"items": [], "next": None})
    client = logged_in("viewer")
    client.get("/dashboard/payments?phone=0712&status=failed&since=2026-01-15&cursor=abc")
    asked = upstream.seen[-1].target
    assert asked == (
        "/api/v1/payments?phone=0712&status=failed&since=2026-01-15T00%3A00%3A00%2B03%3A00"
        "&cursor=abc"
    )
    upstream.answer("/api/v1/payments", {"items": [LISTED["/payments"]], "next": "older"})
    page = client.get("/dashboard/payments?status=failed")
    assert 'href="/dashboard/payments?status=failed&amp;cursor=older"' in page.text


def test_a_refused_form_is_shown_as_it_was_typed_without_its_password(
    logged_in: LogIn, upstream: Upstream
) -> None:
    refused = {"detail": "Correct: ip_address.", "errors": {"ip_address": ["no address"]}}
    upstream.answer("/api/v1/routers", refused, status=422)
    form = {"form_key": KEY, "name": "Shop", "ip_address": "999", "password": "hush-hush"}
    page = logged_in("operator").post("/dashboard/routers", data=form)
    assert page.status_code == 422
    said = ('value="999"', "no address", 'value="Shop"', "Correct what is marked.")
    assert all(text in page.text for text in said)
    assert "hush-hush" not in page.text


def test_a_new_package_is_sent_in_units_of_the_api(logged_in: LogIn, upstream: Upstream) -> None:
    upstream.answer("/api/v1/packages", {"id": ID}, status=202)
    form = {
        "form_key": KEY, "name": "1 hour", "price": "20", "duration_seconds": "60",
        "down_kbps": "2.5", "up_kbps": "1", "devices": "1", "kind": "hotspot", "on_sale": "yes",
    }  # fmt: skip
    answer = logged_in("operator").post("/dashboard/packages", data=form)
    assert answer.headers["Location"] == "/dashboard/packages?said=create-package"
    assert json.loads(upstream.seen[-1].body) == {
        "name": "1 hour", "price": {"amount": 2000, "currency": "KES"}, "duration_seconds": 3600,
        "down_kbps": 2500, "up_kbps": 1000, "devices": 1, "kind": "hotspot", "on_sale": True,
    }  # fmt: skip


def test_of_a_changed_package_only_what_was_changed_is_sent(
    logged_in: LogIn, upstream: Upstream
) -> None:
    client = logged_in("operator")
    page = client.get(f"/dashboard/packages/{ID}").text
    was = dict(re.findall(r'name="was\.(\w+)" value="([^"]*)"', page))
    assert (was["price"], was["duration_seconds"], was["on_sale"]) == ("20", "60", "yes")
    upstream.answer(f"/api/v1/packages/{ID}", PACKAGE, status=202)
    old = {f"was.{name}": value for name, value in was.items()}
    form = {"form_key": KEY, **old, **was, "price": "25"}
    client.post(f"/dashboard/packages/{ID}", data=form)
    sent = upstream.seen[-1]
    body = json.loads(sent.body)
    assert (sent.method, body) == ("PATCH", {"price": {"amount": 2500, "currency": "KES"}})


def test_live_events_come_by_the_cookie(logged_in: LogIn, engine: Engine) -> None:
    answer = logged_in("viewer").get("/dashboard/events", buffered=False)
    assert answer.content_type == "text/event-stream"
    frames = iter(answer.response)
    assert next(frames) == b"retry: 2000\n\n"
    event = PaymentCompleted(
        payment_id=new_id(),
        phone="254712345678",
        package_id=new_id(),
        receipt="TST1234567",
        amount=Money.shillings(20),
        completed_at=NOON,
    )
    run(HANDLERS, event, engine)
    frame = next(frame for frame in frames if b"event:" in frame)
    assert b"event: PaymentCompleted" in frame
    answer.close()


def test_vouchers_are_printed_through_the_api(logged_in: LogIn, upstream: Upstream) -> None:
    path = f"/api/v1/vouchers/batches/{ID}.pdf"
    upstream.answer(path, {}, headers={"Content-Disposition": "attachment; filename=v.pdf"})
    answer = logged_in("operator").get(f"/dashboard/vouchers/batches/{ID}.pdf")
    assert answer.headers["Content-Disposition"] == "attachment; filename=v.pdf"
    refused = logged_in("viewer").get(f"/dashboard/vouchers/batches/{ID}.pdf")
    assert (refused.status_code, "needs the role operator" in refused.text) == (403, True)


def test_a_statement_is_tried_out_and_then_imported(logged_in: LogIn, upstream: Upstream) -> None:
    client = logged_in("operator")
    upstream.answer("/api/v1/statements", STATEMENT)
    csv = b"Receipt No.,Completion Time\n" + b"x" * 450_000  # more than a form may have else
    form = {"form_key": KEY, "file": (BytesIO(csv), "statement.csv")}
    tried = client.post("/dashboard/statements", data=form)
    assert tried.status_code == 200
    assert upstream.seen[-1].target == "/api/v1/statements?dry_run=true"
    kept = re.search(r'name="statement" value="([^"]+)"', tried.text)
    assert kept
    upstream.answer("/api/v1/statements", {"id": ID}, status=202)
    done = client.post("/dashboard/statements/import", data={"form_key": KEY, "statement": kept[1]})
    assert done.status_code == 303
    assert (upstream.seen[-1].target, upstream.seen[-1].body) == ("/api/v1/statements", csv)
    wrong = {"detail": "Correct these fields.", "errors": {"line 2": ["is no line"]}}
    upstream.answer("/api/v1/statements", wrong, status=422)
    form = {"form_key": KEY, "file": (BytesIO(b"?"), "statement.csv")}
    refused = client.post("/dashboard/statements", data=form)
    assert (refused.status_code, "line 2: is no line" in refused.text) == (422, True)
