"""Operators log in; a stolen refresh token ends the login it belongs to."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

import jwt
import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from gateway import operators
from gateway.config import Config
from gateway.history import KEPT
from gateway.models import Operator, RefreshToken
from gateway.operators import CannotMake, Passwords
from hotspot.bus.pruning import forget_batch
from hotspot.contract.operations import Pruned
from hotspot.testing.identity import Keys

EMAIL, PASSWORD = "Owner@Example.com", "correct horse battery"
START = datetime(2026, 1, 15, 9, 0, tzinfo=UTC)


@dataclass
class Watch:
    """A clock that the test sets."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def engine(no_accounts: Engine) -> Engine:
    return no_accounts


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def app(same_app: Flask, engine: Engine, watch: Watch, passwords: Passwords) -> Flask:
    operators.save(
        engine, email=EMAIL, role="owner", password=PASSWORD, now=START, passwords=passwords
    )
    same_app.extensions.update(clock=watch)
    return same_app


def log_in(client: FlaskClient, email: str = EMAIL, password: str = PASSWORD) -> TestResponse:
    return client.post("/api/v1/auth/token", json={"email": email, "password": password})


def refresh(client: FlaskClient, token: str) -> TestResponse:
    return client.post("/api/v1/auth/refresh", json={"refresh_token": token})


def test_a_login_gives_tokens_that_every_service_accepts(
    client: FlaskClient, keys: Keys, watch: Watch
) -> None:
    body = log_in(client, email="owner@example.COM").get_json()
    assert body["expires_in"] == 15 * 60
    claims = jwt.decode(body["access_token"], keys.public_pem, algorithms=["EdDSA"])
    assert (claims["role"], claims["iss"], claims["type"]) == ("owner", "hotspot", "access")
    assert claims["exp"] == int((watch.now + timedelta(minutes=15)).timestamp())
    bearer = {"Authorization": f"Bearer {body['access_token']}"}
    assert client.get("/api/v1/dashboard/stats", headers=bearer).status_code == 200


@pytest.mark.parametrize(
    ("email", "password"),
    [(EMAIL, "wrong"), ("nobody@example.com", PASSWORD), (f" {EMAIL}", PASSWORD + " ")],
)
def test_wrong_credentials_do_not_say_what_is_wrong(
    client: FlaskClient, email: str, password: str
) -> None:
    answer = log_in(client, email, password)
    assert answer.status_code == 401
    assert answer.get_json()["detail"] == "E-mail address or password is wrong."


@pytest.mark.parametrize("known", [True, False])
def test_a_login_costs_one_hash_whether_the_address_is_known_or_not(known: bool) -> None:
    class Counting(PasswordHasher):
        hashed = 0

        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002
            self.hashed += 1
            return super().verify(hash, password)

    hasher = Counting(time_cost=1, memory_cost=8, parallelism=1)
    passwords = Passwords(hasher)
    operator = Operator(password_hash=passwords.hash(PASSWORD)) if known else None
    assert not passwords.are_of(operator, "wrong")
    assert hasher.hashed == 1
    assert passwords.are_of(operator, PASSWORD) == known


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, {"email", "password"}),
        ({"email": 1, "password": "x"}, {"email"}),
        ({"email": "a@b", "password": "x" * 1025}, {"password"}),
    ],
)
def test_a_wrong_body_names_its_fields(
    client: FlaskClient, body: dict[str, object], wrong: set[str]
) -> None:
    answer = client.post("/api/v1/auth/token", json=body)
    assert answer.status_code == 422
    assert set(answer.get_json()["errors"]) == wrong


def test_each_refresh_gives_the_next_tokens(client: FlaskClient) -> None:
    first = log_in(client).get_json()
    second = refresh(client, first["refresh_token"]).get_json()
    third = refresh(client, second["refresh_token"]).get_json()
    assert len({body["refresh_token"] for body in (first, second, third)}) == 3


def test_a_refresh_token_that_comes_again_ends_its_whole_login(client: FlaskClient) -> None:
    stolen = log_in(client).get_json()["refresh_token"]
    other_login = log_in(client).get_json()["refresh_token"]
    newest = refresh(client, stolen).get_json()["refresh_token"]
    assert refresh(client, stolen).status_code == 401
    assert refresh(client, newest).status_code == 401
    assert refresh(client, other_login).status_code == 200


def test_a_refresh_token_ends_after_two_weeks(client: FlaskClient, watch: Watch) -> None:
    token = log_in(client).get_json()["refresh_token"]
    watch.now += timedelta(days=14)
    assert refresh(client, token).status_code == 401
    assert refresh(client, "never given out").status_code == 401


def test_a_changed_role_counts_from_the_next_refresh(
    client: FlaskClient, engine: Engine, keys: Keys
) -> None:
    token = log_in(client).get_json()["refresh_token"]
    with Session(engine) as session, session.begin():
        session.scalars(select(Operator)).one().role = "viewer"
    fresh = refresh(client, token).get_json()["access_token"]
    claims = jwt.decode(fresh, keys.public_pem, algorithms=["EdDSA"])
    assert claims["role"] == "viewer"


def test_saving_an_account_again_changes_it_and_ends_its_logins(
    client: FlaskClient, engine: Engine, passwords: Passwords
) -> None:
    token = log_in(client).get_json()["refresh_token"]
    assert not operators.save(
        engine,
        email="OWNER@example.com",
        role="support",
        password="another long one",
        now=START,
        passwords=passwords,
    )
    assert log_in(client).status_code == 401
    assert log_in(client, password="another long one").status_code == 200
    assert refresh(client, token).status_code == 401


def test_nothing_that_opens_a_login_is_stored(client: FlaskClient, engine: Engine) -> None:
    body = log_in(client).get_json()
    with Session(engine) as session:
        operator = session.scalars(select(Operator)).one()
        kept = session.scalars(select(RefreshToken)).one()
    assert operator.password_hash.startswith("$argon2id$")
    assert body["refresh_token"].encode() not in kept.token_hash


@pytest.mark.parametrize(
    "wrong",
    [{"email": "no address"}, {"email": "@"}, {"role": "king"}, {"password": ""}],
)
def test_an_account_that_makes_no_sense_is_refused(wrong: dict[str, str]) -> None:
    account = {"email": EMAIL, "role": "owner", "password": PASSWORD} | wrong
    with pytest.raises(CannotMake):
        operators.check(**account)


def test_the_command_makes_an_account_and_says_what_is_wrong(
    engine: Engine, config_of: Callable[[Engine], Config], capsys: pytest.CaptureFixture[str]
) -> None:
    config = config_of(engine)
    assert operators.run(config, "a@example.com", "viewer", "a long enough one") == 0
    assert operators.run(config, "a@example.com", "owner", "short") == 0
    assert operators.run(config, "a@example.com", "king", "x") == 2
    said = capsys.readouterr()
    assert said.out == "made viewer a@example.com\nupdated owner a@example.com\n"
    assert "this password is short" in said.err
    assert "there is no role 'king'" in said.err


def test_tokens_that_ended_are_forgotten(client: FlaskClient, engine: Engine, watch: Watch) -> None:
    log_in(client)
    with Session(engine) as session, session.begin():
        assert forget_batch(session, KEPT, watch.now) == []
        gone = forget_batch(session, KEPT, watch.now + timedelta(days=15))
    assert gone == [Pruned(what="refresh_tokens", rows=1)]
