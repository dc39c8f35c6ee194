"""Fixtures of provisioning-service: its database, handlers and application."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from hotspot.bus.work import Handlers
from hotspot.testing.handling import NOON, FakePublisher
from hotspot.testing.identity import Keys
from hotspot.vault import Vault
from provisioning_service.config import Config
from provisioning_service.web import create_app
from provisioning_service.worker import handlers as handlers_of


@pytest.fixture
def engine(database: Callable[[str], Engine]) -> Engine:
    """A fresh database of this service."""
    return database("provisioning")


@pytest.fixture
def config(keys: Keys) -> Config:
    """Settings with a grace of three days."""
    return Config(
        service="provisioning",
        database_url="postgresql://unused",
        amqp_url="amqp://unused",
        log_level="INFO",
        host="127.0.0.1",
        port=8002,
        encryption_keys=keys.encryption,
        jwt_public_key=keys.public_pem,
        grace=timedelta(days=3),
    )


@pytest.fixture
def vault(keys: Keys) -> Vault:
    """Opens what the service sealed."""
    return Vault(keys.encryption)


@pytest.fixture
def handlers(config: Config) -> Handlers:
    """The service's own table of handlers."""
    return handlers_of(config)


@pytest.fixture
def publisher() -> FakePublisher:
    """What the routes published."""
    return FakePublisher()


@pytest.fixture
def client(config: Config, engine: Engine, publisher: FakePublisher) -> FlaskClient:
    """A client of the service's application."""
    app = create_app(config, publisher=publisher, engine=engine, clock=lambda: NOON)
    return app.test_client()
