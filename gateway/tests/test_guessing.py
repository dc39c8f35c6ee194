"""Who guesses passwords waits; the owner of the account does not."""

import threading
from uuid import uuid4

import pytest
from fakeredis import FakeRedisConnection, FakeServer
from flask import Flask
from limits.storage import Storage
from redis import ConnectionPool
from sqlalchemy import Engine

from gateway.guessing import FREE_TRIES, LONGEST_WAIT_SECONDS, Attempt, LoginThrottle, pause_after
from gateway.throttle import Throttle, TooOften, storage_at

from .office import ELSEWHERE, HERE, Office

OWNER = "owner@example.com"


@pytest.fixture
def engine(no_accounts: Engine) -> Engine:
    return no_accounts


@pytest.fixture
def app(same_app: Flask) -> Flask:
    return same_app


@pytest.fixture
def redis() -> ConnectionPool:
    """Connections to a Redis in this process."""
    return ConnectionPool(connection_class=FakeRedisConnection, server=FakeServer())


@pytest.fixture(params=["memory", "redis"])
def storage(request: pytest.FixtureRequest, redis: ConnectionPool) -> Storage:
    """Where several gateways count, or one."""
    if request.param == "redis":
        return storage_at("redis://here", connection_pool=redis)
    return storage_at("memory://")


def attempt(address: str = HERE) -> Attempt:
    return Attempt(email=f"{uuid4()}@example.com", address=address)


def guess(throttle: LoginThrottle, trying: Attempt) -> bool:
    """Whether a wrong password was looked at."""
    try:
        throttle.check(trying)
    except TooOften:
        return False
    throttle.count_wrong(trying)
    return True


def test_after_a_few_wrong_tries_there_is_a_pause(storage: Storage) -> None:
    throttle, trying = LoginThrottle(storage), attempt(str(uuid4()))
    assert [guess(throttle, trying) for _ in range(7)] == [True] * (FREE_TRIES + 1) + [False] * 2
    with pytest.raises(TooOften) as refused:
        throttle.check(trying)
    assert 1 <= int(refused.value.headers["Retry-After"]) <= 2


def test_a_right_password_makes_earlier_mistakes_forgotten(storage: Storage) -> None:
    throttle, trying = LoginThrottle(storage), attempt(str(uuid4()))
    for _ in range(2):
        assert all(guess(throttle, trying) for _ in range(FREE_TRIES))
        throttle.check(trying)
        throttle.forget(trying)


def test_prompts_vouchers_and_receipts_are_counted_for_several_gateways(
    redis: ConnectionPool,
) -> None:
    here, there = (Throttle(storage_at("redis://", connection_pool=redis)) for _ in range(2))
    for one in (here, there, here):
        one.check_prompt("254712345678", "key")
        one.count_prompt("254712345678", None, replayed=False)
    with pytest.raises(TooOften):
        there.check_prompt("254712345678", None)
    for _ in range(10):
        here.count_wrong_code("10.0.0.1")
    with pytest.raises(TooOften):
        there.check_code("10.0.0.1")
    for _ in range(5):
        here.count_claim("254712345678", "10.0.0.1", is_own=False)
    with pytest.raises(TooOften):
        there.check_claim("254733000000", "10.0.0.1")


def test_each_further_wrong_try_doubles_the_wait_up_to_a_quarter_of_an_hour() -> None:
    waits = [pause_after(wrong) for wrong in (1, 4, 5, 6, 7, 8, 13, 14, 100)]
    assert waits == [0, 0, 2, 4, 8, 16, 512, LONGEST_WAIT_SECONDS, LONGEST_WAIT_SECONDS]


def test_many_accounts_are_not_tried_from_one_address() -> None:
    throttle = LoginThrottle(storage_at("memory://"))
    assert [guess(throttle, attempt()) for _ in range(11)] == [True] * 10 + [False]
    throttle.check(attempt(ELSEWHERE))


def test_many_right_logins_from_one_address_are_fine_but_not_without_end() -> None:
    throttle, office = LoginThrottle(storage_at("memory://")), attempt()
    for _ in range(120):
        throttle.check(office)
    with pytest.raises(TooOften) as raised:
        throttle.check(office)
    assert 1 <= int(raised.value.headers["Retry-After"]) <= 60


def test_while_redis_is_away_nobody_is_refused_nor_kept_waiting() -> None:
    storage = storage_at("redis://127.0.0.1:9")
    throttle, others, trying = LoginThrottle(storage), Throttle(storage), attempt()
    for _ in range(20):
        assert guess(throttle, trying)
        throttle.forget(trying)
        others.check_prompt("254712345678", "key")
        others.count_prompt("254712345678", "key", replayed=False)
        others.check_code(HERE)
        others.check_claim("254712345678", HERE)


def test_an_attacker_elsewhere_does_not_keep_the_owner_out(office: Office) -> None:
    office.employ(OWNER)
    answers = [office.log_in(OWNER, "guess", address=ELSEWHERE) for _ in range(9)]
    assert [one.status_code for one in answers] == [401] * 5 + [429] * 4
    assert office.log_in(OWNER, address=ELSEWHERE).status_code == 429  # nor with the right one
    assert office.log_in(OWNER).status_code == 200


def test_an_attacker_behind_the_same_address_does_not_keep_a_known_device_out(
    office: Office,
) -> None:
    for email in (OWNER, "other@example.com"):
        office.employ(email)
    known = office.log_in(OWNER).get_json()["device_token"]
    others = office.log_in("other@example.com").get_json()["device_token"]
    for number in range(20):
        office.log_in(OWNER if number % 2 else f"{number}@example.com", "guess")
    assert office.log_in(OWNER).status_code == 429
    for wrong in (others, "nonsense", known[:-3] + "AAA"):
        assert office.log_in(OWNER, device_token=wrong).status_code == 429
    answer = office.log_in(OWNER, device_token=known)
    assert answer.status_code == 200
    assert office.log_in(OWNER, device_token=answer.get_json()["device_token"]).status_code == 200


def test_a_stolen_device_token_gives_no_more_guesses_than_anybody_has(office: Office) -> None:
    office.employ(OWNER)
    token = office.log_in(OWNER).get_json()["device_token"]
    answers = [office.log_in(OWNER, "guess", device_token=token) for _ in range(7)]
    assert [one.status_code for one in answers] == [401] * 5 + [429] * 2
    bearer = {"Authorization": f"Bearer {token}"}
    assert office.ask("GET", "/operators/me", bearer).status_code == 401


def test_guesses_made_at_once_are_counted_one_by_one(office: Office) -> None:
    office.employ(OWNER)
    statuses: list[int] = []
    ready = threading.Barrier(12)

    def try_one() -> None:
        ready.wait()
        statuses.append(office.log_in(OWNER, "guess").status_code)

    threads = [threading.Thread(target=try_one) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [401] * 5 + [429] * 7
