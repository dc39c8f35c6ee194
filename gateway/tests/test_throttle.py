"""A phone is not pestered with prompts, and passwords are not guessed by trying."""

import threading
from typing import TYPE_CHECKING

import pytest
from flask import Flask
from flask.testing import FlaskClient
from limits.errors import StorageError
from limits.storage import MemoryStorage
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from gateway.throttle import Throttle, TooOften, network_of, storage_at
from hotspot.testing.databases import Databases

if TYPE_CHECKING:
    from .conftest import Upstream

PHONE = "0712345678"


@pytest.fixture(scope="module")
def engine(databases: Databases) -> Engine:
    """One database for all of them: nothing here depends on its rows."""
    return databases.fresh("gateway")


@pytest.fixture(autouse=True)
def accepting(upstream: "Upstream") -> None:
    """A service that takes every wish to pay."""
    upstream.answer("/api/v1/payments", {"id": "1"}, status=202)


def pay(client: FlaskClient, phone: str = PHONE, key: str | None = None) -> TestResponse:
    headers = {"Idempotency-Key": key} if key else {}
    return client.post("/api/v1/payments", json={"phone": phone}, headers=headers)


def test_a_fourth_prompt_within_a_minute_is_refused(
    client: FlaskClient, upstream: "Upstream"
) -> None:
    assert [pay(client).status_code for _ in range(4)] == [202, 202, 202, 429]
    assert len(upstream.seen) == 3
    refused = pay(client)
    assert refused.content_type == "application/problem+json"
    assert 1 <= int(refused.headers["Retry-After"]) <= 60


def test_a_phone_counts_as_one_however_it_is_written(client: FlaskClient) -> None:
    for written in ("0712 345 678", "+254712345678", "254712345678"):
        assert pay(client, written).status_code == 202
    assert pay(client, "712345678").status_code == 429
    assert pay(client, "0712345679").status_code == 202


def test_what_the_service_refused_does_not_count(client: FlaskClient, upstream: "Upstream") -> None:
    upstream.answer("/api/v1/payments", {}, status=422)
    assert {pay(client).status_code for _ in range(5)} == {422}
    upstream.answer("/api/v1/payments", {}, status=202)
    assert pay(client).status_code == 202


def test_a_repeated_request_prompts_nobody_and_does_not_count(
    client: FlaskClient, upstream: "Upstream"
) -> None:
    assert pay(client, key="one").status_code == 202
    replayed = {"Idempotent-Replayed": "true"}
    upstream.answer("/api/v1/payments", {"id": "1"}, status=202, headers=replayed)
    assert {pay(client, key="one").status_code for _ in range(5)} == {202}
    upstream.answer("/api/v1/payments", {"id": "2"}, status=202)
    assert [pay(client).status_code for _ in range(3)] == [202, 202, 429]


def test_a_repeated_request_is_answered_also_when_the_phone_had_enough(client: FlaskClient) -> None:
    assert [pay(client, key=key).status_code for key in "abc"] == [202, 202, 202]
    assert pay(client, key="a").status_code == 202
    assert pay(client, key="d").status_code == 429
    assert pay(client, "0733000000", key="a").status_code == 202


def test_many_at_once_are_no_way_around(app: Flask, upstream: "Upstream") -> None:
    statuses: list[int] = []

    def one() -> None:
        with app.test_client() as client:
            statuses.append(pay(client).status_code)

    threads = [threading.Thread(target=one) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [202] * 3 + [429] * 9
    assert len(upstream.seen) == 3


def test_phones_do_not_wait_for_one_another() -> None:
    throttle = Throttle(storage_at("memory://"))
    with throttle.turn_of("254712345678"), throttle.turn_of("254712345679"):
        pass
    with throttle.turn_of("254712345678"):
        pass


@pytest.mark.parametrize("body", [b"not json", b"[]", b'{"phone": 5}', b'{"phone": "12"}', b""])
def test_what_names_no_phone_is_for_the_service_to_refuse(
    client: FlaskClient, upstream: "Upstream", body: bytes
) -> None:
    upstream.answer("/api/v1/payments", {}, status=422)
    assert {client.post("/api/v1/payments", data=body).status_code for _ in range(5)} == {422}


def test_wrong_logins_from_one_address_are_limited(client: FlaskClient) -> None:
    body = {"email": "nobody@example.com", "password": "guess"}
    statuses = [client.post("/api/v1/auth/token", json=body).status_code for _ in range(11)]
    assert statuses == [401] * 10 + [429]
    elsewhere = {"REMOTE_ADDR": "127.0.0.2"}
    answer = client.post("/api/v1/auth/token", json=body, environ_overrides=elsewhere)
    assert answer.status_code == 401


def test_guessed_refresh_tokens_count_as_well(client: FlaskClient) -> None:
    body = {"refresh_token": "guess"}
    statuses = [client.post("/api/v1/auth/refresh", json=body).status_code for _ in range(11)]
    assert statuses == [401] * 10 + [429]


def test_many_right_logins_from_one_address_are_fine_but_not_without_end() -> None:
    throttle = Throttle(storage_at("memory://"))
    for _ in range(120):
        throttle.check_login("10.0.0.1")
    with pytest.raises(TooOften) as raised:
        throttle.check_login("10.0.0.1")
    assert 1 <= int(raised.value.headers["Retry-After"]) <= 60


def test_while_counts_cannot_be_kept_nobody_is_refused() -> None:
    class Away(MemoryStorage):
        def get(self, key: str) -> int:
            raise StorageError(ConnectionError(key))

        def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
            raise StorageError(ConnectionError(key))

        def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
            raise StorageError(ConnectionError(key))

    throttle = Throttle(Away())
    for _ in range(5):
        throttle.check_prompt("254712345678", None)
        throttle.check_prompt("254712345678", "key")
        throttle.count_prompt("254712345678", "key", replayed=False)
        throttle.check_login("10.0.0.1")
        throttle.count_wrong_login("10.0.0.1")


def test_an_address_that_can_roam_counts_as_its_network() -> None:
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff") == "2001:db8::/64"
    assert network_of("10.0.0.1") == "10.0.0.1"
    assert network_of("") == ""
