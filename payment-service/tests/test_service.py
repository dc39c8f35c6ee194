"""What makes it a service: settings, schema, handlers, starter packages."""

from collections.abc import Callable
from pathlib import Path

import pytest
from environs import Env, EnvError
from sqlalchemy import Engine, select, update

from hotspot.contract import table
from hotspot.contract.topology import messages_in
from hotspot.migrate import differences
from hotspot.testing.handling import NOON
from hotspot.testing.identity import Keys
from payment_service.callbacks.sources import KNOWN_SOURCES
from payment_service.config import Config, load
from payment_service.models import Package, metadata
from payment_service.seed import insert_starters
from payment_service.worker import handlers

from .shop import Shop


@pytest.fixture
def settings(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Config]:
    """Reads settings from an environment that is complete but for what is given."""

    def read(**given: str) -> Config:
        environment = {
            "DATABASE_URL": "postgresql://u:p@127.0.0.1:5432/payment",
            "AMQP_URL": "amqp://127.0.0.1/",
            "PORT": "8001",
            "ENCRYPTION_KEYS": ",".join(keys.encryption),
            "JWT_PUBLIC_KEY": keys.public_pem.replace("\n", "\\n"),
            "DARAJA_BASE_URL": "https://sandbox.safaricom.co.ke/",
            "DARAJA_CONSUMER_KEY": "key",
            "DARAJA_CONSUMER_SECRET": "secret",
            "DARAJA_SHORTCODE": "174379",
            "DARAJA_PASSKEY": "passkey",
            "CALLBACK_BASE_URL": "https://pay.example.co.ke",
            **given,
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return load(Env())

    return read


def test_settings_are_read_once_and_typed(settings: Callable[..., Config]) -> None:
    config = settings(SPOOL_DIR="/var/spool/payment")
    assert config.daraja_base_url == "https://sandbox.safaricom.co.ke"
    assert config.daraja_party_b == "174379"
    assert config.spool_dir == Path("/var/spool/payment")


def test_m_pesas_addresses_are_those_that_are_known_unless_others_are_set(
    settings: Callable[..., Config],
) -> None:
    known = settings()
    assert [str(one) for one in known.mpesa_sources] == [f"{one}/32" for one in KNOWN_SOURCES]
    assert (known.verify_callbacks, known.trusted_proxies) == ("unknown_source", ())
    other = settings(MPESA_SOURCES="192.0.2.1, 198.51.100.0/24", TRUSTED_PROXIES="10.0.0.7")
    assert [str(one) for one in other.mpesa_sources] == ["192.0.2.1/32", "198.51.100.0/24"]
    assert not other.trust.needs_proof("198.51.100.9")
    assert settings(MPESA_SOURCES=" ").mpesa_sources == known.mpesa_sources


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DARAJA_BASE_URL", "sandbox.safaricom.co.ke"),
        ("DARAJA_SHORTCODE", "12"),
        ("DARAJA_PASSKEY", " "),
        ("DARAJA_TRANSACTION_TYPE", "Gift"),
        ("CALLBACK_BASE_URL", "ftp://pay.example.co.ke"),
        ("SPOOL_MOST", "0"),
        ("PORTAL_URL", "wifi.example.co.ke"),
        ("PROVIDER_NAME", " "),
        ("VERIFY_CALLBACKS", "sometimes"),
        ("MPESA_SOURCES", "safaricom.co.ke"),
        ("TRUSTED_PROXIES", "10.0.0.7/8"),
        ("ENCRYPTION_KEYS", "short"),
    ],
)
def test_a_wrong_setting_is_named(settings: Callable[..., Config], name: str, value: str) -> None:
    with pytest.raises(EnvError, match=name):
        settings(**{name: value})


def test_the_models_are_what_the_migrations_make(engine: Engine) -> None:
    with engine.connect() as connection:
        assert differences(connection, metadata) == []


def test_every_message_that_lands_here_has_a_handler(config: Config) -> None:
    wanted = {
        row.handled_as
        for queue in table.QUEUES
        if queue.of == table.PAYMENT
        for row in messages_in(queue)
    }
    assert set(handlers(config)) == wanted


def test_a_new_installation_has_packages_to_sell(shop: Shop) -> None:
    with shop.engine.begin() as connection:
        insert_starters(connection, NOON)
        insert_starters(connection, NOON)
    assert shop.count(Package) == 7


def test_packages_that_were_withdrawn_never_come_back(shop: Shop) -> None:
    with shop.engine.begin() as connection:
        insert_starters(connection, NOON)
        connection.execute(update(Package).values(on_sale=False))
        insert_starters(connection, NOON)
        assert connection.scalars(select(Package.id).where(Package.on_sale)).all() == []
