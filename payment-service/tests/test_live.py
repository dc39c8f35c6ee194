"""Live pages see each change, whether or not anybody told them."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from hotspot.ids import new_id
from hotspot.testing.handling import NOON
from hotspot.testing.identity import Keys
from payment_service import seen
from payment_service.claims.tokens import Claim, Claims
from payment_service.live import Changes, follow

from .shop import PRICE, Shop, failure, success


class Silence(Changes):
    """Nobody is ever told of a change."""

    def __init__(self) -> None:
        self.over = False
        self._lock = threading.Lock()
        self._watchers = {}
        self._listening = True


@pytest.fixture
def read(shop: Shop) -> Callable[[UUID], seen.Body]:
    """The payment as its buyer sees it now."""

    def look(payment_id: UUID) -> seen.Body:
        with shop.engine.connect() as connection:
            row = seen.find(connection, payment_id)
        assert row is not None
        return seen.by_its_buyer(row, shop.vault, NOON)

    return look


def data_of(event: str) -> Any:
    assert event.startswith("data: ")
    assert event.endswith("\n\n")
    return json.loads(event.removeprefix("data: "))


def next_data(events: Iterator[str]) -> Any:
    """The next event that says something."""
    return data_of(next(event for event in events if event.startswith("data: ")))


def test_a_page_is_told_of_each_change_until_the_end(
    shop: Shop, engine: Engine, read: Callable[[UUID], seen.Body]
) -> None:
    payment_id = shop.prompted()
    # No heartbeat comes in time: what arrives here was notified.
    events = follow(payment_id, lambda: read(payment_id), Changes(engine), heartbeat=600)
    assert next_data(events)["status"] == "pending"
    shop.call_back(payment_id, success())
    paid = next_data(events)
    assert (paid["status"], paid["access"]["state"]) == ("completed", "provisioning")
    shop.cache_credentials(payment_id, NOON + timedelta(hours=1))
    assert next_data(events)["access"]["state"] == "ready"
    shop.cache_credentials(payment_id, NOON)
    assert next_data(events)["access"]["state"] == "ended"
    assert list(events) == []


def test_a_page_that_nobody_tells_sees_it_all_the_same(
    shop: Shop, read: Callable[[UUID], seen.Body]
) -> None:
    payment_id = shop.prompted()
    events = follow(payment_id, lambda: read(payment_id), Silence(), heartbeat=0.01)
    assert next_data(events)["status"] == "pending"
    assert next(events) == ": still here\n\n"
    shop.call_back(payment_id, failure(1032))
    assert next_data(events)["status"] == "cancelled"
    assert list(events) == []


def test_a_page_that_leaves_is_forgotten(
    shop: Shop, engine: Engine, read: Callable[[UUID], seen.Body]
) -> None:
    payment_id, changes = shop.prompted(), Changes(engine)
    events = follow(payment_id, lambda: read(payment_id), changes)
    next(events)
    events.close()  # type: ignore[attr-defined]
    assert changes._watchers == {}


def test_pages_are_let_go_when_the_process_stops(
    shop: Shop, engine: Engine, read: Callable[[UUID], seen.Body]
) -> None:
    payment_id, changes = shop.prompted(), Changes(engine)
    events = follow(payment_id, lambda: read(payment_id), changes, heartbeat=600)
    next_data(events)
    changes.close()
    assert not [event for event in events if event.startswith("data: ")]


def test_a_database_that_goes_away_does_not_end_the_page() -> None:
    bodies: list[seen.Body | Exception] = [
        {"status": "pending", "access": None},
        OperationalError("SELECT", {}, Exception("gone")),
        {"status": "failed", "access": None},
    ]

    def read() -> seen.Body:
        body = bodies.pop(0)
        if isinstance(body, Exception):
            raise body
        return body

    said = follow(new_id(), read, Silence(), heartbeat=0.01)
    told = [data_of(event)["status"] for event in said if event.startswith("data: ")]
    assert told == ["pending", "failed"]


def test_the_stream_is_for_the_holder_of_the_claim_token(
    shop: Shop, client: FlaskClient, keys: Keys
) -> None:
    payment_id = shop.prompted()
    shop.call_back(payment_id, failure(1037))
    claim = Claim(payment_id=payment_id, package_id=new_id(), price=PRICE, masked_phone="2547")
    token = Claims(keys.encryption).token(claim)
    headers = {"Authorization": f"Bearer {token}"}
    answer = client.get(f"/api/v1/payments/{payment_id}/events", headers=headers)
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/event-stream")
    (event,) = answer.get_data(as_text=True).split("\n\n")[:-1]
    shown = client.get(f"/api/v1/payments/{payment_id}", headers=headers).get_json()
    assert json.loads(event.removeprefix("data: ")) == shown
