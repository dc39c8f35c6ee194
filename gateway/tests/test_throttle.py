"""A phone is not pestered with prompts; nobody guesses vouchers or receipts."""

import threading
from typing import TYPE_CHECKING

import pytest
from flask import Flask
from flask.testing import FlaskClient
from limits.errors import StorageError
from limits.storage import MemoryStorage
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from gateway.throttle import Throttle, network_of, storage_at

if TYPE_CHECKING:
    from hotspot.testing.identity import Keys

    from .upstream import Upstream

PHONE = "0712345678"


@pytest.fixture
def engine(one_database: Engine) -> Engine:
    return one_database


@pytest.fixture
def app(same_app: Flask) -> Flask:
    return same_app


@pytest.fixture
def upstream(same_upstream: "Upstream") -> "Upstream":
    return same_upstream


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


def redeem(client: FlaskClient, address: str = "127.0.0.1") -> TestResponse:
    body = {"code": "CCCCC-CCCCC-CCCCC"}
    return client.post(
        "/api/v1/vouchers/redeem", json=body, environ_overrides={"REMOTE_ADDR": address}
    )


def test_vouchers_are_not_guessed_by_trying(client: FlaskClient, upstream: "Upstream") -> None:
    upstream.answer("/api/v1/vouchers/redeem", {"status": 404}, status=404)
    statuses = [redeem(client).status_code for _ in range(11)]
    assert statuses == [404] * 10 + [429]
    assert redeem(client, "127.0.0.2").status_code == 404
    refused = redeem(client)
    assert refused.content_type == "application/problem+json"
    assert 1 <= int(refused.headers["Retry-After"]) <= 60


def test_guests_behind_one_router_may_all_use_their_vouchers(
    client: FlaskClient, upstream: "Upstream"
) -> None:
    upstream.answer("/api/v1/vouchers/redeem", {"id": "1"}, status=202)
    assert {redeem(client).status_code for _ in range(30)} == {202}
    upstream.answer("/api/v1/vouchers/redeem", {"status": 409}, status=409)
    assert {redeem(client).status_code for _ in range(30)} == {409}


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
        throttle.check_code("10.0.0.1")
        throttle.count_wrong_code("10.0.0.1")


def test_an_address_that_can_roam_counts_as_its_network() -> None:
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff") == "2001:db8::/64"
    assert network_of("10.0.0.1") == "10.0.0.1"
    assert network_of("") == ""


def claim(
    client: FlaskClient, phone: str = PHONE, address: str = "127.0.0.1", **headers: str
) -> TestResponse:
    return client.post(
        "/api/v1/payments/claim",
        json={"receipt": "UAF9KD20QX", "phone": phone},
        environ_overrides={"REMOTE_ADDR": address},
        headers=headers,
    )


def test_receipts_are_shown_five_times_an_hour_for_a_phone_and_from_an_address(
    client: FlaskClient, upstream: "Upstream", capsys: pytest.CaptureFixture[str]
) -> None:
    upstream.answer("/api/v1/payments/claim", {"id": "1"}, status=202)
    assert [claim(client).status_code for _ in range(6)] == [202] * 5 + [429]
    assert claim(client, address="127.0.0.2").status_code == 429
    other = "0733000000"
    assert claim(client, other).status_code == 429
    refused = claim(client, PHONE)
    assert 1 <= int(refused.headers["Retry-After"]) <= 3600
    assert claim(client, other, "127.0.0.2").status_code == 202
    assert len(upstream.seen) == 6
    logged = capsys.readouterr().out
    assert "receipts may be being guessed" in logged
    assert "254712345678" not in logged


def test_what_is_no_claim_does_not_count(client: FlaskClient, upstream: "Upstream") -> None:
    upstream.answer("/api/v1/payments/claim", {}, status=422)
    assert {claim(client).status_code for _ in range(7)} == {422}
    assert {claim(client, "12").status_code for _ in range(7)} == {422}


def test_guests_behind_one_router_may_all_show_their_own_receipts(
    client: FlaskClient, upstream: "Upstream"
) -> None:
    own = {"X-Own-Receipt": "yes"}
    upstream.answer("/api/v1/payments/claim", {"id": "1"}, status=202, headers=own)
    phones = [f"07330000{number}" for number in range(10, 17)]
    answers = [claim(client, phone) for phone in phones]
    assert {answer.status_code for answer in answers} == {202}
    assert "X-Own-Receipt" not in answers[0].headers
    assert [claim(client, phones[0]).status_code for _ in range(5)] == [202] * 4 + [429]


def test_staff_may_always_claim_for_guests(
    client: FlaskClient, upstream: "Upstream", keys: "Keys"
) -> None:
    upstream.answer("/api/v1/payments/claim", {"id": "1"}, status=202)
    support, viewer = keys.headers("support"), keys.headers("viewer")
    assert {claim(client, **support).status_code for _ in range(7)} == {202}
    assert [claim(client, **viewer).status_code for _ in range(6)] == [202] * 5 + [429]
    assert claim(client, Authorization="Bearer nonsense").status_code == 401
