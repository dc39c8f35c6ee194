"""Phoning home: what the script posts is recorded, and RADIUS learns the new address."""

from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from hotspot.bus.work import Handlers
from hotspot.contract.routers import (
    ChangeRouterJob,
    RecordRouterConnectionJob,
    RegisterNasJob,
    RemoveNasJob,
    RemoveRouterJob,
    RouterConnected,
    RouterStatusUpdated,
)
from hotspot.testing.handling import NOON, FakePublisher, run
from hotspot.testing.identity import Keys
from router_service.connecting import NotTold, read_told

from .test_registration import register

KEY = "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw="
TOLD = f"key={KEY}&version=7.16.2 (stable)&model=hAP ax2&identity=Shop & bar = 1"


def connection(router_id: str, **told: str) -> RecordRouterConnectionJob:
    """What the door makes of a router's words."""
    values = {"identity": "Shop", "version": "7.16", "model": "hAP", "source_address": "192.0.2.9"}
    return RecordRouterConnectionJob(
        router_id=UUID(router_id), connected_at=NOON, public_key=KEY, **(values | told)
    )


def test_what_a_router_says_is_read_as_it_stands() -> None:
    told = read_told(TOLD)

    assert told.public_key == KEY
    assert (told.version, told.model) == ("7.16.2 (stable)", "hAP ax2")
    assert told.identity == "Shop & bar = 1"
    assert read_told("key=&version=6.49&model=x&identity=y").public_key is None
    assert read_told("key=nonsense&version=7&model=x&identity=a\x00b").identity == "a b"


@pytest.mark.parametrize("body", ["", "{}", "key=&version=&model=&identity=", "version=7"])
def test_what_the_script_never_sends_is_refused(body: str) -> None:
    with pytest.raises(NotTold, match="paste it again"):
        read_told(body)


def test_the_door_takes_a_router_of_ours_and_nobody_else(
    client: FlaskClient, keys: Keys, publisher: FakePublisher
) -> None:
    router = register(client, keys).json
    url = f"/connect/{router['config_token']}"

    assert client.post(url, data=TOLD).status_code == 202
    assert client.post(url, data="hello").status_code == 422
    assert client.post(url, data="x" * 5000).status_code == 413
    # Not the last letter: some of its bits count for nothing.
    forged = url[:-5] + ("a" if url[-5] != "a" else "b") + url[-4:]
    assert client.post(forged, data=TOLD).status_code == 404
    (job,) = publisher.sent
    assert isinstance(job, RecordRouterConnectionJob)
    assert (str(job.router_id), job.identity) == (router["id"], "Shop & bar = 1")


def test_a_router_that_phones_home_is_connected(
    client: FlaskClient, keys: Keys, engine: Engine, handlers: Handlers
) -> None:
    router = register(client, keys).json["id"]

    status, nas, connected = run(handlers, connection(router), engine)

    assert isinstance(status, RouterStatusUpdated)
    assert status.status == "online"
    assert isinstance(connected, RouterConnected)
    assert connected.identity == "Shop"
    assert isinstance(nas, RegisterNasJob)
    assert (nas.address, nas.require_message_authenticator) == ("10.99.0.2", True)
    seen = client.get(f"/api/v1/routers/{router}", headers=keys.headers("viewer")).get_json()
    assert (seen["status"], seen["tunnel_address"]) == ("online", "10.99.0.2")
    conf = client.get("/api/v1/routers/wireguard.conf", headers=keys.headers("operator")).text
    assert f"PublicKey = {KEY}\nAllowedIPs = 10.99.0.2/32" in conf


def test_an_old_router_without_a_tunnel_need_not_sign(
    client: FlaskClient, keys: Keys, engine: Engine, handlers: Handlers
) -> None:
    router = register(client, keys).json["id"]
    old = RecordRouterConnectionJob(
        router_id=UUID(router),
        identity="old",
        version="6.49.10 (long-term)",
        model="RB951",
        source_address="192.0.2.9",
        connected_at=NOON,
    )

    sent = run(handlers, old, engine)

    nas = next(one for one in sent if isinstance(one, RegisterNasJob))
    assert (nas.address, nas.require_message_authenticator) == ("192.0.2.10", False)


def test_a_changed_address_reaches_radius(
    client: FlaskClient, keys: Keys, engine: Engine, handlers: Handlers
) -> None:
    router = register(client, keys).json["id"]
    change = ChangeRouterJob(
        router_id=UUID(router), requested_by="me", requested_at=NOON, ip_address="192.0.2.77"
    )

    (nas,) = run(handlers, change, engine)

    assert isinstance(nas, RegisterNasJob)
    assert nas.address == "192.0.2.77"


def test_a_removed_router_is_forgotten_once(
    client: FlaskClient, keys: Keys, engine: Engine, handlers: Handlers
) -> None:
    router = register(client, keys).json["id"]
    removal = RemoveRouterJob(router_id=UUID(router), requested_by="me", requested_at=NOON)

    (told,) = run(handlers, removal, engine)

    assert isinstance(told, RemoveNasJob)
    assert run(handlers, removal, engine) == []
    with engine.connect() as found:
        assert found.execute(text("SELECT count(*) FROM routers")).scalar_one() == 0
