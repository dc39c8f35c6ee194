"""The service as a whole: its handlers, its schema and its settings fit the rest."""

import pytest
from environs import Env, EnvError
from sqlalchemy import Engine

from hotspot.bus.work import Handlers
from hotspot.contract import table
from hotspot.contract.topology import messages_in
from hotspot.migrate import differences
from router_service.config import Config, load
from router_service.models import metadata
from router_service.tunnels import NetworkFull, address_of
from router_service.versions import numbers_of, signs_radius


def test_every_message_of_its_queues_has_a_handler(handlers: Handlers) -> None:
    mine = [queue for queue in table.QUEUES if queue.of == table.ROUTER]
    landing = {row.handled_as for queue in mine for row in messages_in(queue)}

    assert set(handlers) == landing


def test_the_migrations_and_the_models_agree(engine: Engine) -> None:
    with engine.connect() as connection:
        assert differences(connection, metadata) == []


def test_each_router_has_a_tunnel_address_of_its_own(config: Config) -> None:
    wireguard = config.controller.wireguard
    assert wireguard
    addresses = [address_of(wireguard, number) for number in range(1, 300)]

    assert addresses[0] == "10.99.0.2"
    assert len(set(addresses)) == len(addresses)
    assert str(wireguard.interface.ip) not in addresses
    assert address_of(wireguard, 65533) == "10.99.255.254"
    with pytest.raises(NetworkFull):
        address_of(wireguard, 65534)


def test_versions_are_compared_as_numbers() -> None:
    assert numbers_of("7.16.2 (stable)") == (7, 16, 2)
    assert numbers_of("7.9") == (7, 9, 0)
    assert numbers_of("none") is None
    assert [signs_radius(one) for one in ("7.14.3", "7.15", "7.16rc1", "6.49", None)] == [
        False,
        True,
        True,
        False,
        True,
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CONTROLLER_ADDRESSES", "somewhere"),
        ("CONNECT_BASE_URL", "connect.example.net"),
        ("WIREGUARD_ENDPOINT", "vpn.example.net"),
        ("WIREGUARD_PUBLIC_KEY", "short"),
        ("WIREGUARD_ADDRESS", "10.99.0.1/30"),
        ("RADIUS_COA_PORT", "70000"),
    ],
)
def test_a_wrong_setting_is_named(
    config: Config, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    settings = {
        "DATABASE_URL": "postgresql://user:secret@127.0.0.1/router",
        "AMQP_URL": "amqp://127.0.0.1",
        "PORT": "8003",
        "ENCRYPTION_KEYS": ",".join(config.encryption_keys),
        "JWT_PUBLIC_KEY": config.jwt_public_key,
        "CONTROLLER_ADDRESSES": "198.51.100.7",
        "CONNECT_BASE_URL": "https://connect.example.net",
        "PORTAL_URL": "https://portal.example.net",
        "WIREGUARD_ENDPOINT": "vpn.example.net:51820",
        "WIREGUARD_PUBLIC_KEY": "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=",
    }
    for setting, right in settings.items():
        monkeypatch.setenv(setting, right)
    assert load(Env()).controller.wireguard

    monkeypatch.setenv(name, value)
    with pytest.raises(EnvError, match=name):
        load(Env())
