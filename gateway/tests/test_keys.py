"""Programs ask by API key; the services see an access token in its place."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from flask import Flask
from sqlalchemy import Engine

from gateway import keys as keys_of
from hotspot.testing.handling import NOON
from hotspot.testing.identity import Keys

from .office import Office

if TYPE_CHECKING:
    from .upstream import Upstream


@pytest.fixture
def engine(no_accounts: Engine) -> Engine:
    return no_accounts


@pytest.fixture
def app(same_app: Flask) -> Flask:
    return same_app


@pytest.fixture
def upstream(same_upstream: "Upstream") -> "Upstream":
    return same_upstream


@pytest.fixture
def owner(office: Office) -> dict[str, str]:
    """The headers of an owner."""
    return office.token(office.employ("owner@example.com"))


@pytest.fixture
def books(office: Office, owner: dict[str, str]) -> dict[str, Any]:
    """A key that may read, as it was shown when it was made."""
    body = {"name": "books", "role": "viewer"}
    made: dict[str, Any] = office.ask("POST", "/api-keys", owner, json=body).get_json()
    return made


def test_a_key_is_shown_once_and_kept_as_a_hash(
    office: Office, owner: dict[str, str], books: dict[str, Any]
) -> None:
    secret = books.pop("key")
    assert secret.startswith(books["hint"])
    assert len(secret) == len("hsk_") + 43
    assert office.ask("GET", "/api-keys", owner).get_json()["items"] == [books]
    (row,) = office.rows("SELECT * FROM api_keys")
    assert secret not in str(row)
    assert len(row.key_hash) == 32


def test_a_key_acts_in_its_role_and_is_known_by_its_name(
    office: Office, books: dict[str, Any]
) -> None:
    key = {"X-API-Key": books["key"]}
    assert office.ask("GET", "/queues", key).status_code == 503  # nobody to be asked: it passed
    assert office.ask("DELETE", "/failed-jobs", key).status_code == 403
    assert office.ask("GET", "/operators/me", key).get_json() == {
        "subject": f"key:{books['id']}",
        "role": "viewer",
        "name": "books",
    }
    body = {"current": "x", "new": "a long password"}
    assert office.ask("POST", "/auth/password", key, json=body).status_code == 403


def test_a_service_gets_a_token_for_a_minute_and_never_the_key(
    office: Office, books: dict[str, Any], upstream: "Upstream", keys: Keys
) -> None:
    upstream.answer("/api/v1/payments", {"items": []})
    assert office.ask("GET", "/payments", {"X-API-Key": books["key"]}).status_code == 200
    (seen,) = upstream.seen
    assert "x-api-key" not in seen.headers
    assert books["key"] not in str(seen)
    token = seen.headers["authorization"].removeprefix("Bearer ")
    claims = jwt.decode(token, keys.public_pem, algorithms=["EdDSA"], issuer="hotspot")
    assert (claims["sub"], claims["role"]) == (f"key:{books['id']}", "viewer")
    assert claims["exp"] - claims["iat"] == 60


def test_where_no_account_is_needed_a_key_still_says_who_asks(
    office: Office, owner: dict[str, str], upstream: "Upstream"
) -> None:
    upstream.answer("/api/v1/payments/claim", {"id": "1"}, status=202)
    body = {"name": "till", "role": "support"}
    till = office.ask("POST", "/api-keys", owner, json=body).get_json()
    receipt = {"receipt": "UAF9KD20QX", "phone": "0712345678"}
    for headers in ({"X-API-Key": till["key"]}, {}):  # staff is not limited, guests are
        answers = [office.ask("POST", "/payments/claim", headers, json=receipt) for _ in range(6)]
        assert (answers[-1].status_code == 202) == bool(headers)
    assert upstream.seen[0].headers["authorization"].startswith("Bearer ")


def test_a_token_beside_a_key_is_what_counts(office: Office, books: dict[str, Any]) -> None:
    both = {"X-API-Key": books["key"], "Authorization": "Bearer nonsense"}
    assert office.ask("GET", "/queues", both).status_code == 401


def test_a_revoked_key_is_worthless_at_once(
    office: Office, owner: dict[str, str], books: dict[str, Any], upstream: "Upstream"
) -> None:
    upstream.answer("/api/v1/packages", {"items": []})
    path, key = f"/api-keys/{books['id']}", {"X-API-Key": books["key"]}
    assert office.ask("GET", "/packages", key).status_code == 200
    assert office.ask("DELETE", path, owner).status_code == 204
    assert office.ask("DELETE", path, owner).status_code == 404
    # Also where nobody needs one: a program must not think that it is known.
    assert office.ask("GET", "/packages", key).status_code == 401
    (shown,) = office.ask("GET", "/api-keys", owner).get_json()["items"]
    assert shown["revoked_at"] is not None


@pytest.mark.parametrize("wrong", ["", "hsk_", f"hsk_{'a' * 43}", "hsk_" + "é" * 43, "x" * 5000])
def test_what_is_no_key_is_refused(office: Office, wrong: str) -> None:
    answer = office.ask("GET", "/queues", {"X-API-Key": wrong})
    assert (answer.status_code, answer.content_type) == (401, "application/problem+json")


def test_the_last_use_is_noted_once_a_minute(
    office: Office, engine: Engine, books: dict[str, Any]
) -> None:
    for seconds, noted in ((0, 0), (59, 0), (60, 60)):
        found = keys_of.find(engine, books["key"], NOON + timedelta(seconds=seconds))
        assert found is not None
        (row,) = office.rows("SELECT last_used_at FROM api_keys")
        assert row.last_used_at == NOON + timedelta(seconds=noted)
