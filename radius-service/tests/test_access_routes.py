"""What is left is told of a user, or of whoever has a device in hand."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from hotspot.testing.handling import NOON, FakePublisher
from hotspot.testing.identity import Keys
from radius_service.config import Config
from radius_service.web import create_app

from .test_booking import book, interim, start
from .world import GIB, MAC, OTHER_MAC, Database

Get = Callable[[str], Any]
NOTHING = {
    "state": "none",
    "username": None,
    "payment_id": None,
    "until": None,
    "seconds_left": None,
    "bytes_left": None,
}


@pytest.fixture
def get(config: Config, radius: Database, keys: Keys) -> Get:
    later = NOON + timedelta(minutes=15)
    app = create_app(config, publisher=FakePublisher(), engine=radius.engine, clock=lambda: later)
    client = app.test_client()

    def asked(query: str) -> Any:
        return client.get(f"/api/v1/access?{query}", headers=keys.headers("viewer"))

    return asked


def test_a_device_and_its_user_are_told_what_is_left(radius: Database, get: Get) -> None:
    given = radius.give(mac=MAC, data_bytes=2 * GIB)
    waiting = {
        "state": "ready",
        "username": "alice",
        "payment_id": str(given.payment_id),
        "until": "2026-01-15T10:00:00Z",
        "seconds_left": 2700,
        "bytes_left": 2 * GIB,
    }
    assert get("mac=02-00-5e-10-00-00").json == waiting
    assert get("username=Alice").json == waiting
    assert get(f"mac={OTHER_MAC}").json == NOTHING
    book(radius, start(), interim(at=NOON + timedelta(minutes=5), Acct_Output_Octets=GIB))
    online = waiting | {"state": "online", "bytes_left": GIB}
    for query in (f"mac={MAC}", "username=alice", "ip=10.5.50.7"):
        assert get(query).json == online


def test_a_device_that_borrows_a_login_is_known_by_its_session(radius: Database, get: Get) -> None:
    radius.give(mac=OTHER_MAC)
    book(radius, start())
    assert get(f"mac={MAC}").json["state"] == "online"


def test_an_address_that_several_routers_gave_is_nobodys(radius: Database, get: Get) -> None:
    radius.give()
    radius.give(username="bob")
    book(radius, start(), start(session="80200002", mac=OTHER_MAC, User_Name="bob"))
    assert get("ip=10.5.50.7").json == NOTHING


def test_nothing_is_left_after_the_end_and_of_a_suspended_user(radius: Database, get: Get) -> None:
    radius.give(ends_at=NOON + timedelta(minutes=10), mac=MAC)
    assert get(f"mac={MAC}").json == NOTHING
    radius.give(username="bob", mac=OTHER_MAC)
    radius.execute("INSERT INTO suspended_users VALUES ('bob', 'suspended', true, now())")
    assert get(f"mac={OTHER_MAC}").json == NOTHING


@pytest.mark.parametrize("query", ["", "mac=02", "ip=10.5", "username=a&mac=020000000001"])
def test_one_of_the_three_must_be_named(get: Get, query: str) -> None:
    assert get(query).status_code == 422
