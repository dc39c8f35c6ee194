"""The captive portal API (RFC 8908), per device as far as it is known."""

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from gateway.config import Config
from gateway.portal.captive import captive_blueprint
from gateway.portal.left import Remaining
from gateway.portal.settings import PortalSettings
from gateway.services import Services
from gateway.throttle import Throttle, storage_at
from hotspot.testing.databases import Databases
from hotspot.web.problem import answer_errors

from .portal_world import MAC, left

if TYPE_CHECKING:
    from .upstream import Upstream

PORTAL = "https://wifi.example.co.ke/"


@pytest.fixture(scope="module")
def engine(databases: Databases) -> Engine:
    """One database for all of them: nothing here depends on its rows."""
    return databases.fresh("gateway")


@pytest.fixture
def config(config: Config, upstream: "Upstream") -> Config:
    """A portal with an address of its own."""
    services = {**config.services, "radius": upstream.url}
    return replace(config, services=services, portal=PortalSettings(url=PORTAL.rstrip("/")))


def test_a_device_that_is_online_is_told_how_long(
    client: FlaskClient, upstream: "Upstream"
) -> None:
    upstream.answer("/api/v1/access", left("online", bytes_left=1000))
    answer = client.get("/captive", query_string={"mac": MAC})
    assert answer.content_type == "application/captive+json"
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.get_json(force=True) == {
        "captive": False,
        "user-portal-url": PORTAL,
        "can-extend-session": True,
        "seconds-remaining": 7800,
        "bytes-remaining": 1000,
    }


@pytest.mark.parametrize("state", ["ready", "none"])
def test_any_other_device_is_sent_to_the_portal(
    client: FlaskClient, upstream: "Upstream", state: str
) -> None:
    upstream.answer("/api/v1/access", left(state))
    told = {"captive": True, "user-portal-url": PORTAL, "can-extend-session": True}
    assert client.get("/captive").get_json(force=True) == told


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ({"mac": MAC, "ip": "10.1.1.1"}, "mac=02%3A00%3A5E%3A10%3A00%3A99"),
        ({"ip": "10.1.1.1"}, "ip=10.1.1.1"),
        ({"mac": "nonsense"}, "ip=127.0.0.1"),
        ({}, "ip=127.0.0.1"),
    ],
)
def test_a_device_is_known_by_what_it_names_or_by_its_own_address(
    client: FlaskClient, upstream: "Upstream", query: dict[str, str], asked: str
) -> None:
    upstream.answer("/api/v1/access", left("none"))
    client.get("/captive", query_string=query)
    assert upstream.seen[-1].target == f"/api/v1/access?{asked}"


def test_nobody_is_called_captive_while_it_is_not_known(
    client: FlaskClient, upstream: "Upstream"
) -> None:
    upstream.answer("/api/v1/access", {}, status=503)
    assert client.get("/captive").status_code == 503


class Worn(Throttle):
    """Nobody may look any more."""

    def may_look(self, address: str) -> bool:
        return False


def test_who_asks_about_too_many_devices_must_wait(config: Config) -> None:
    throttle = Throttle(storage_at("memory://"))
    assert [throttle.may_look("10.0.0.1") for _ in range(241)] == [True] * 240 + [False]
    assert throttle.may_look("10.0.0.2")
    app = Flask("captive")
    answer_errors(app)
    worn, remaining = Worn(storage_at("memory://")), Remaining(Services({}), "")
    app.register_blueprint(captive_blueprint(worn, remaining, config.portal))
    assert app.test_client().get("/captive").status_code == 429
