"""Registering a router: one answer with everything to paste; mistakes named by field."""

import re
from typing import Any

import pytest
from cryptography.fernet import Fernet
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from hotspot.contract.routers import ChangeRouterJob, RegisterNasJob, RemoveRouterJob
from hotspot.testing.handling import FakePublisher
from hotspot.testing.identity import Keys
from hotspot.vault import Vault
from router_service.registration import Registry

ROUTER = {
    "name": "Kilimani shop",
    "ip_address": "192.0.2.10",
    "username": "hotspot",
    "password": 'pass"word$?',
}


def register(client: FlaskClient, keys: Keys, **other: object) -> Any:
    """Register a router, and answer the response."""
    return client.post("/api/v1/routers", json=ROUTER | other, headers=keys.headers("operator"))


def test_the_answer_has_the_script_and_no_password(
    client: FlaskClient, keys: Keys, registry: Registry
) -> None:
    answer = register(client, keys)

    assert answer.status_code == 201
    body: Any = answer.json
    assert answer.headers["Location"] == f"/api/v1/routers/{body['id']}"
    assert (body["name"], body["status"], body["api_port"]) == ("Kilimani shop", "pending", 8728)
    assert str(registry.router_of(body["config_token"])) == body["id"]
    assert (
        f"https://connect.example.net/connect/{body['config_token']}" in body["connectivity_script"]
    )
    assert "password" not in body
    again: Any = client.get(f"/api/v1/routers/{body['id']}", headers=keys.headers("viewer")).json
    assert "password" not in again
    assert "connectivity_script" not in again


def test_nothing_secret_lies_open_in_the_database(
    client: FlaskClient, keys: Keys, engine: Engine
) -> None:
    script = register(client, keys).json["connectivity_script"]
    secret = re.search(r'secret="([^"]+)"', script)
    assert secret

    with engine.connect() as connection:
        rows = connection.execute(text("SELECT routers::text FROM routers")).scalars().all()
        sent = connection.execute(text("SELECT convert_from(body, 'UTF8') FROM outbox")).scalars()
        everything = " ".join([*rows, *sent])
    assert ROUTER["password"] not in everything
    assert secret[1] not in everything


def test_radius_hears_of_the_router_in_the_same_commit(
    client: FlaskClient, keys: Keys, engine: Engine
) -> None:
    register(client, keys)

    with engine.connect() as connection:
        assert connection.execute(text("SELECT name FROM outbox")).scalars().all() == [
            RegisterNasJob.NAME
        ]


def test_a_password_can_be_opened_after_the_keys_were_rotated(
    client: FlaskClient, keys: Keys, engine: Engine
) -> None:
    register(client, keys)
    with engine.connect() as connection:
        sealed = connection.execute(text("SELECT sealed_password FROM routers")).scalar_one()

    rotated = Vault((Fernet.generate_key().decode(), *keys.encryption))
    assert rotated.open(sealed) == ROUTER["password"]


def test_each_router_has_a_token_and_a_secret_of_its_own(client: FlaskClient, keys: Keys) -> None:
    one, two = register(client, keys).json, register(client, keys, name="Westlands").json

    assert one["config_token"] != two["config_token"]
    assert len(one["config_token"]) >= 40
    secrets = [re.findall(r'secret="([^"]+)"', body["connectivity_script"]) for body in (one, two)]
    assert secrets[0] != secrets[1]


def test_a_name_that_is_taken_is_refused(client: FlaskClient, keys: Keys, engine: Engine) -> None:
    register(client, keys)
    answer = register(client, keys, ip_address="192.0.2.11")

    assert answer.status_code == 409
    assert "choose another" in answer.json["detail"]
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM routers")).scalar_one() == 1


@pytest.mark.parametrize("address", ["192.0.2.10", "shop.sn.mynetname.net"])
def test_an_address_that_radius_could_not_tell_takes_nobodys_place(
    client: FlaskClient, keys: Keys, engine: Engine, address: str
) -> None:
    register(client, keys)
    assert register(client, keys, name="Westlands", ip_address=address).status_code == 201

    with engine.connect() as connection:
        told = connection.execute(text("SELECT name FROM outbox")).scalars().all()
    assert sorted(told) == ["RegisterNasJob", "RemoveNasJob"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 65),
        ("name", "two\nlines"),
        ("name", None),
        ("ip_address", "192.0.2.256"),
        ("ip_address", "192.0.2"),
        ("ip_address", "0.0.0.0"),
        ("ip_address", "255.255.255.255"),
        ("ip_address", "224.0.0.1"),
        ("ip_address", "2001:db8::1"),
        ("ip_address", "http://192.0.2.1"),
        ("ip_address", "-bad-.example"),
        ("ip_address", 7),
        ("username", "two words"),
        ("username", "jürgen"),
        ("password", ""),
        ("password", "schlüssel"),
        ("api_port", 0),
        ("api_port", 65536),
        ("api_port", "8728x"),
        ("api_tls", "perhaps"),
        ("unheard_of", 1),
    ],
)
def test_mistakes_are_named_by_field(
    client: FlaskClient, keys: Keys, field: str, value: object
) -> None:
    answer = register(client, keys, **{field: value})

    assert answer.status_code == 422
    assert list(answer.json["errors"]) == [field]


def test_only_operators_register_and_see_scripts(client: FlaskClient, keys: Keys) -> None:
    router = register(client, keys).json["id"]
    for role in ("viewer", "support"):
        headers = keys.headers(role)
        assert client.post("/api/v1/routers", json=ROUTER, headers=headers).status_code == 403
        script = client.get(f"/api/v1/routers/{router}/connectivity-script", headers=headers)
        assert script.status_code == 403
    assert client.get("/api/v1/routers").status_code == 401


def test_changes_and_removal_are_ordered(
    client: FlaskClient, keys: Keys, publisher: FakePublisher, registry: Registry
) -> None:
    router = register(client, keys).json["id"]
    url, headers = f"/api/v1/routers/{router}", keys.headers("operator")

    changed = client.patch(url, json={"password": "new", "api_tls": True}, headers=headers)
    removed = client.delete(url, headers=headers)

    assert (changed.status_code, removed.status_code) == (202, 202)
    change, removal = publisher.sent
    assert isinstance(change, ChangeRouterJob)
    assert isinstance(removal, RemoveRouterJob)
    assert change.sealed_password
    assert registry.vault.open(change.sealed_password) == "new"
    assert client.patch(url, json={}, headers=headers).status_code == 422
    assert client.delete(url[:-1] + "0", headers=headers).status_code in (202, 404)


def test_the_tunnels_configuration_names_connected_routers_only(
    client: FlaskClient, keys: Keys
) -> None:
    register(client, keys)
    answer = client.get("/api/v1/routers/wireguard.conf", headers=keys.headers("operator"))

    assert answer.status_code == 200
    assert "ListenPort = 51820" in answer.text
    assert "[Peer]" not in answer.text
