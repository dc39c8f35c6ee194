"""What users used is added up day by day as it is reported."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from hotspot.testing.handling import NOON, FakePublisher
from hotspot.testing.identity import Keys
from radius_service.config import Config
from radius_service.web import create_app

from .test_booking import book, interim, start, stop
from .world import GIB, OTHER_MAC, Database

HOUR = timedelta(hours=1)


@pytest.fixture
def client(config: Config, radius: Database) -> FlaskClient:
    app = create_app(
        config, publisher=FakePublisher(), engine=radius.engine, clock=lambda: NOON + 24 * HOUR
    )
    return app.test_client()


def get(client: FlaskClient, keys: Keys, path: str) -> Any:
    return client.get(path, headers=keys.headers("viewer"))


def test_use_is_added_to_the_day_in_nairobi_on_which_it_was_reported(
    radius: Database, client: FlaskClient, keys: Keys
) -> None:
    radius.give(ends_at=NOON + 30 * HOUR, devices=2)
    before_midnight, after = NOON + 11 * HOUR, NOON + 13 * HOUR  # noon is 9:00 UTC
    book(
        radius,
        start(),
        interim(at=before_midnight, Acct_Output_Octets=GIB, Acct_Input_Octets=10),
        interim(at=before_midnight, Acct_Output_Octets=GIB, Acct_Input_Octets=10),
        stop(at=after, Acct_Output_Octets=3 * GIB, Acct_Input_Octets=15),
        start(session="80200002", mac=OTHER_MAC),
        stop(at=NOON + HOUR, session="80200002", mac=OTHER_MAC, Acct_Output_Octets=7),
    )
    first = {
        "username": "alice",
        "day": "2026-01-15",
        "bytes_in": 10,
        "bytes_out": GIB + 7,
        "seconds": 12 * 3600,
    }
    second = {
        "username": "alice",
        "day": "2026-01-16",
        "bytes_in": 5,
        "bytes_out": 2 * GIB,
        "seconds": 2 * 3600,
    }
    for path in ("/api/v1/use?username=Alice", "/api/v1/use?phone=0712345678"):
        assert get(client, keys, path).json == {"items": [second, first], "next": None}
    since = get(client, keys, "/api/v1/use?username=alice&since=2026-01-16")
    assert since.json["items"] == [second]


@pytest.mark.parametrize("query", ["", "?phone=hello", "?username=a&since=x", "?username=%00"])
def test_a_question_that_makes_no_sense_is_refused(
    client: FlaskClient, keys: Keys, query: str
) -> None:
    assert get(client, keys, f"/api/v1/use{query}").status_code == 422


def test_nobody_looks_at_use_without_a_token(client: FlaskClient) -> None:
    assert client.get("/api/v1/use?username=alice").status_code == 401
