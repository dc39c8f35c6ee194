"""Fixtures of notification-service: its database, handlers, gateways and application."""

from collections.abc import Callable, Iterator

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from hotspot.bus.work import Handlers
from hotspot.testing.handling import NOON, FakePublisher
from hotspot.testing.identity import Keys
from hotspot.vault import Vault
from notification_service.config import Config
from notification_service.web import create_app
from notification_service.worker import handlers as handlers_of

from .fakes import FakeGateway, GatewayServer


@pytest.fixture
def engine(database: Callable[[str], Engine]) -> Engine:
    """A fresh database of this service."""
    return database("notification")


@pytest.fixture
def config(keys: Keys) -> Config:
    """Settings with Africa's Talking as gateway."""
    return Config(
        service="notification",
        database_url="postgresql://unused",
        amqp_url="amqp://unused",
        log_level="INFO",
        host="127.0.0.1",
        port=8005,
        encryption_keys=keys.encryption,
        jwt_public_key=keys.public_pem,
        sms_provider="africastalking",
        sms_username="sandbox",
        sms_api_key="an-api-key",
        sms_sender_id="HOTSPOT",
        sms_base_url="http://127.0.0.1:1",
        sms_language="en",
        callback_base_url="https://wifi.example",
        paybill="400200",
    )


@pytest.fixture
def vault(keys: Keys) -> Vault:
    """Seals what provisioning-service would have sealed."""
    return Vault(keys.encryption)


@pytest.fixture
def gateway() -> FakeGateway:
    """Takes every message, unless told otherwise."""
    return FakeGateway()


@pytest.fixture
def handlers(config: Config, gateway: FakeGateway) -> Handlers:
    """The service's own table of handlers, over the fake gateway."""
    return handlers_of(config, gateway)


@pytest.fixture
def publisher() -> FakePublisher:
    """What the routes published."""
    return FakePublisher()


@pytest.fixture
def client(config: Config, engine: Engine, publisher: FakePublisher) -> FlaskClient:
    """A client of the service's application."""
    app = create_app(config, publisher=publisher, engine=engine, clock=lambda: NOON)
    return app.test_client()


@pytest.fixture
def server() -> Iterator[GatewayServer]:
    """A gateway on a real socket."""
    running = GatewayServer()
    yield running
    running.close()
