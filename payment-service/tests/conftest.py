"""Fixtures of payment-service: its settings, database, handlers and application."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from hotspot.testing.handling import NOON, FakePublisher
from hotspot.testing.identity import Keys
from hotspot.vault import Vault
from payment_service.config import PAYBILL, Config
from payment_service.mpesa.initiator import Initiator
from payment_service.seed import insert_starters
from payment_service.web import create_app
from payment_service.worker import handlers

from .shop import FakeMpesa, FakeRequests, Shop


@pytest.fixture
def config(keys: Keys, tmp_path: Path) -> Config:
    """Settings with a spool of its own."""
    return Config(
        service="payment",
        database_url="postgresql://unused",
        amqp_url="amqp://unused",
        log_level="INFO",
        host="127.0.0.1",
        port=8001,
        encryption_keys=keys.encryption,
        jwt_public_key=keys.public_pem,
        daraja_base_url="http://127.0.0.1:1",
        daraja_consumer_key="key",
        daraja_consumer_secret="secret",
        daraja_shortcode="174379",
        daraja_passkey="passkey",
        daraja_transaction_type=PAYBILL,
        daraja_party_b="174379",
        callback_base_url="http://127.0.0.1:8001",
        spool_dir=tmp_path / "spool",
        spool_most=100,
        initiator=Initiator(name="hotspot", credential="c2VhbGVk"),
    )


@pytest.fixture
def vault(keys: Keys) -> Vault:
    """Seals and opens as the service does."""
    return Vault(keys.encryption)


@pytest.fixture
def engine(database: Callable[[str], Engine]) -> Engine:
    """A fresh database of this service."""
    return database("payment")


@pytest.fixture
def shop(engine: Engine, config: Config, vault: Vault) -> Shop:
    """The service, with an M-Pesa that does as it is told."""
    mpesa, requests = FakeMpesa(), FakeRequests()
    return Shop(
        engine=engine,
        handlers=handlers(config, mpesa, requests),
        mpesa=mpesa,
        requests=requests,
        vault=vault,
    )


@pytest.fixture
def market(shop: Shop) -> Shop:
    """A shop that sells packages for 5, 20, 30, 80, 250, 1000 and (subscriptions) 2500 bob."""
    with shop.engine.begin() as connection:
        insert_starters(connection, NOON)
    return shop


@pytest.fixture
def publisher() -> FakePublisher:
    """Collects what routes publish."""
    return FakePublisher()


@pytest.fixture
def client(config: Config, engine: Engine, publisher: FakePublisher) -> FlaskClient:
    """A client of the service's application, at noon."""
    app = create_app(config, publisher=publisher, engine=engine, clock=lambda: NOON)
    return app.test_client()
