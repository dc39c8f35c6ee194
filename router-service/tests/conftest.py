"""Fixtures of router-service: its database, handlers and application."""

from collections.abc import Callable
from ipaddress import IPv4Interface
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from hotspot.bus.work import Handlers
from hotspot.testing.handling import FakePublisher, run
from hotspot.testing.identity import Keys
from hotspot.vault import Vault
from router_service.config import Config, Controller, WireGuard
from router_service.reaching import Reach
from router_service.registration import Registry
from router_service.web import create_app
from router_service.worker import handlers as handlers_of

from .router_on_paper import PaperRouter
from .test_connecting import connection
from .test_registration import register
from .watching import Watch

CONTROLLER_KEY = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="


@pytest.fixture
def engine(database: Callable[[str], Engine]) -> Engine:
    """A fresh database of this service."""
    return database("router")


@pytest.fixture
def controller() -> Controller:
    """A controller with tunnels."""
    return Controller(
        addresses=("198.51.100.7",),
        radius_address="198.51.100.7",
        radius_auth_port=1812,
        radius_acct_port=1813,
        coa_port=3799,
        connect_url="https://connect.example.net",
        portal_url="https://portal.example.net",
        wireguard=WireGuard(
            endpoint_host="vpn.example.net",
            endpoint_port=51820,
            public_key=CONTROLLER_KEY,
            interface=IPv4Interface("10.99.0.1/16"),
        ),
    )


@pytest.fixture
def config(keys: Keys, controller: Controller) -> Config:
    """Settings of a service with tunnels."""
    return Config(
        service="router",
        database_url="postgresql://unused",
        amqp_url="amqp://unused",
        log_level="INFO",
        host="127.0.0.1",
        port=8003,
        encryption_keys=keys.encryption,
        jwt_public_key=keys.public_pem,
        controller=controller,
    )


@pytest.fixture
def registry(config: Config) -> Registry:
    """Opens what the service sealed, and knows its tokens."""
    return Registry(vault=Vault(config.encryption_keys), controller=config.controller)


@pytest.fixture
def paper() -> PaperRouter:
    """The one router that answers."""
    return PaperRouter()


@pytest.fixture
def handlers(config: Config, registry: Registry, paper: PaperRouter) -> Handlers:
    """The service's own table of handlers, with routers on paper."""
    return handlers_of(config, Reach(registry=registry, connect=paper.connect))


@pytest.fixture
def publisher() -> FakePublisher:
    """What the application published."""
    return FakePublisher()


@pytest.fixture
def client(config: Config, engine: Engine, publisher: FakePublisher) -> FlaskClient:
    """A client of the service's application."""
    return create_app(config, publisher=publisher, engine=engine).test_client()


@pytest.fixture
def router(client: FlaskClient, keys: Keys, engine: Engine, handlers: Handlers) -> UUID:
    """A connected router."""
    router = str(register(client, keys).get_json()["id"])
    run(handlers, connection(router), engine)
    return UUID(router)


@pytest.fixture
def watch(engine: Engine, registry: Registry) -> Watch:
    """The rounds of monitoring."""
    return Watch(engine, registry)
