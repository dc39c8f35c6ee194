"""Accounts, keys and one's own password at the dashboard; lists and backups of routers as files."""

import re
from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from gateway.config import Config
from gateway.live import Hub
from gateway.operators import Passwords
from gateway.web import create_app
from hotspot.testing.handling import FakePublisher
from hotspot.testing.identity import Keys

from .office import PASSWORD, Office
from .things import ID, ROUTER

Upstream = Any


class Desk:
    """Somebody at the dashboard, by its own login form."""

    def __init__(self, app: Flask, email: str, password: str = PASSWORD) -> None:
        self.client: FlaskClient = app.test_client()
        form = {"email": email, "password": password}
        self.answer = self.client.post("/dashboard/login", data=form)

    def see(self, path: str) -> Any:
        return self.client.get(f"/dashboard{path}")

    def give(self, path: str, **typed: Any) -> Any:
        key = re.search(r'name="form_key" value="([^"]+)"', self.see("/account").text)
        assert key, "nobody is logged in"
        return self.client.post(f"/dashboard{path}", data={"form_key": key[1], **typed})

    @property
    def is_in(self) -> bool:
        return bool(self.see("/account").status_code == 200)


@pytest.fixture
def app(
    *,
    config: Config,
    publisher: FakePublisher,
    no_accounts: Engine,
    passwords: Passwords,
    upstream: Upstream,
    hub: Hub,
) -> Flask:
    """A gateway whose services all answer."""
    urls = dict.fromkeys(config.services, upstream.url)
    return create_app(
        replace(config, services=urls),
        publisher=publisher,
        engine=no_accounts,
        hub=hub,
        passwords=passwords,
    )


@pytest.fixture
def hub(no_accounts: Engine) -> Hub:
    """Nobody listens here."""
    return Hub(no_accounts)


@pytest.fixture
def office(app: Flask, no_accounts: Engine, keys: Keys, passwords: Passwords) -> Office:
    """The gateway, with an owner."""
    made = Office(app=app, engine=no_accounts, keys=keys, passwords=passwords)
    made.employ("owner@b.example")
    return made


def test_an_owner_makes_an_account_changes_it_and_removes_it(office: Office) -> None:
    owner, form = Desk(office.app, "owner@b.example"), {"email": "w@b.example", "role": "viewer"}
    short = owner.give("/operators", **form, password="short")
    assert (short.status_code, "Correct what is marked." in short.text) == (422, True)
    assert 'value="w@b.example"' in short.text
    assert owner.give("/operators", **form, password=PASSWORD).status_code == 303
    taken = owner.give("/operators", **form, password=PASSWORD)
    assert (taken.status_code, "an account with this e-mail" in taken.text) == (409, True)
    viewer = Desk(office.app, "w@b.example")
    assert viewer.see("/operators").status_code == 403
    ((account,),) = office.rows("SELECT id FROM operators WHERE email = 'w@b.example'")
    same = {"role": "support", "was.role": "viewer", "password": ""}
    assert owner.give(f"/operators/{account}", **same).status_code == 303
    assert "support" in owner.see("/operators").text
    assert Desk(office.app, "w@b.example").is_in, "the password stayed as it was"
    assert owner.give(f"/operators/{account}/remove").status_code == 303
    assert not Desk(office.app, "w@b.example").is_in


def test_the_only_owner_stays(office: Office) -> None:
    owner = Desk(office.app, "owner@b.example")
    ((account,),) = office.rows("SELECT id FROM operators")
    refused = owner.give(f"/operators/{account}/remove")
    assert (refused.status_code, "only owner" in refused.text) == (409, True)


def test_a_key_is_shown_once_works_and_is_revoked(office: Office) -> None:
    owner = Desk(office.app, "owner@b.example")
    made = owner.give("/api-keys", name="bookkeeping", role="viewer")
    key = re.search(r"hsk_[A-Za-z0-9_-]{43}", made.text)
    assert key, made.text
    assert made.headers["Cache-Control"] == "no-store"
    assert key[0] not in owner.see("/api-keys").text
    assert office.ask("GET", "/operators/me", {"X-API-Key": key[0]}).status_code == 200
    ((key_id,),) = office.rows("SELECT id FROM api_keys")
    assert owner.give(f"/api-keys/{key_id}/revoke").status_code == 303
    assert office.ask("GET", "/operators/me", {"X-API-Key": key[0]}).status_code == 401
    assert f"/api-keys/{key_id}/revoke" not in owner.see("/api-keys").text


def test_a_new_password_ends_all_logins_but_this(office: Office) -> None:
    here, there = (Desk(office.app, "owner@b.example") for _ in range(2))
    wrong = here.give("/account/password", current="guessed", new=f"{PASSWORD}!")
    assert (wrong.status_code, "current password is wrong" in wrong.text) == (403, True)
    assert "guessed" not in wrong.text
    assert here.give("/account/password", current=PASSWORD, new=f"{PASSWORD}!").status_code == 303
    assert here.is_in
    assert len(office.rows("SELECT 1 FROM refresh_tokens WHERE revoked_at IS NULL")) == 1
    assert there.is_in, "for the minutes that its access token lives"
    assert not Desk(office.app, "owner@b.example").is_in


def test_log_out_everywhere_leaves_no_login(office: Office) -> None:
    Desk(office.app, "owner@b.example")
    owner = Desk(office.app, "owner@b.example")
    answer = owner.give("/account/logout-everywhere")
    assert answer.status_code == 303
    assert "here and everywhere else" in owner.client.get(answer.headers["Location"]).text
    assert not owner.is_in
    assert office.rows("SELECT 1 FROM refresh_tokens WHERE revoked_at IS NULL") == []
    key = office.ask("POST", "/auth/logout-everywhere", office.keys.headers("owner"))
    assert key.status_code == 403, "of no account"


def test_a_browser_that_is_known_says_so_when_it_logs_in_again(office: Office) -> None:
    owner = Desk(office.app, "owner@b.example")
    device = owner.client.get_cookie("hotspot_device", path="/dashboard/login")
    assert device is not None
    assert device.http_only
    for _ in range(12):  # somebody else behind the same address guesses
        Desk(office.app, "owner@b.example", "guessed")
    assert Desk(office.app, "owner@b.example").answer.status_code == 429
    owner.give("/logout")
    form = {"email": "owner@b.example", "password": PASSWORD}
    assert owner.client.post("/dashboard/login", data=form).status_code == 303


def test_a_list_of_routers_is_tried_out_and_then_read(office: Office, upstream: Upstream) -> None:
    owner, csv = Desk(office.app, "owner@b.example"), b"name,ip_address,username,password\nA,1,h,p"
    wrong = [{"line": 2, "name": "A", "errors": {"ip_address": ["no address"]}}]
    report = {"dry_run": True, "added": ["B"], "taken": ["C"], "wrong": wrong}
    upstream.answer("/api/v1/routers/import", report)
    tried = owner.give("/routers/import", file=(BytesIO(csv), "list.csv"), dry_run="yes")
    assert all(said in tried.text for said in ("Nothing was added yet", "ip_address: no address"))
    assert upstream.seen[-1].target == "/api/v1/routers/import?dry_run=true"
    assert upstream.seen[-1].body == csv
    upstream.answer("/api/v1/routers/import", {**report, "dry_run": False, "wrong": []}, status=202)
    done = owner.give("/routers/import", file=(BytesIO(csv), "list.csv"))
    assert (done.status_code, "are being added" in done.text) == (200, True)
    assert upstream.seen[-1].target == "/api/v1/routers/import"
    upstream.answer("/api/v1/routers", {"items": [ROUTER], "next": None})
    said = {"detail": "Nothing was imported.", "errors": {"line 2": ["ip_address: no address"]}}
    upstream.answer("/api/v1/routers/import", said, status=422)
    refused = owner.give("/routers/import", file=(BytesIO(csv), "list.csv"))
    assert (refused.status_code, "line 2: ip_address" in refused.text) == (422, True)


def test_a_backup_is_saved_as_a_file(office: Office, upstream: Upstream) -> None:
    upstream.answer(f"/api/v1/routers/{ID}/backups/3", "/ip hotspot")
    saved = Desk(office.app, "owner@b.example").see(f"/routers/{ID}/backups/3.rsc")
    assert saved.headers["Content-Disposition"] == f'attachment; filename="router-{ID}-3.rsc"'
    assert "/ip hotspot" in saved.text
