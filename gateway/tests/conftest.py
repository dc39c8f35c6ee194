"""Fixtures of the gateway: its database, its application, and services that it can forward to."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from limits.storage import MemoryStorage
from sqlalchemy import Engine, text

from gateway.config import Config
from gateway.live import Hub
from gateway.operators import Passwords
from gateway.services import Patience
from gateway.web import create_app
from hotspot.clock import utc_now
from hotspot.testing.databases import Databases
from hotspot.testing.handling import FakePublisher
from hotspot.testing.identity import Keys

from .office import Office
from .upstream import NOBODY, Upstream, serving, settings


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """A service that answers as it is told."""
    with serving() as told:
        yield told


@pytest.fixture
def engine(database: Callable[[str], Engine]) -> Engine:
    """A fresh database of the gateway."""
    return database("gateway")


@pytest.fixture(scope="module")
def one_database(databases: Databases) -> Engine:
    """One for all tests of a file: to make it takes longer than most of them do."""
    return databases.fresh("gateway")


@pytest.fixture
def no_accounts(one_database: Engine) -> Engine:
    """It, without accounts, keys and audit: `engine` where tests need only these empty."""
    with one_database.begin() as connection:
        connection.execute(text("TRUNCATE operators, api_keys, audit CASCADE"))
    return one_database


@pytest.fixture
def publisher() -> FakePublisher:
    """Collects what routes send."""
    return FakePublisher()


@pytest.fixture
def nobody() -> str:
    """The URL of a service that is down."""
    return NOBODY


@pytest.fixture
def config(keys: Keys, upstream: Upstream) -> Config:
    """Settings with payment-service up and the other services down."""
    return settings(keys, upstream.url)


@pytest.fixture
def hub(engine: Engine) -> Iterator[Hub]:
    """Live events, looked for often."""
    listening = Hub(engine, look_every=0.05, keep_alive=0.05)
    yield listening
    listening.close()


@pytest.fixture(scope="session")
def passwords() -> Passwords:
    """Hashes at once: nothing that tests show depends on how slow it is."""
    return Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture
def app(
    config: Config, publisher: FakePublisher, engine: Engine, hub: Hub, passwords: Passwords
) -> Flask:
    """The gateway."""
    return create_app(config, publisher=publisher, engine=engine, hub=hub, passwords=passwords)


@pytest.fixture(scope="module")
def one_gateway(
    one_database: Engine, keys: Keys, passwords: Passwords
) -> Iterator[tuple[Flask, Upstream, MemoryStorage]]:
    """One gateway for all tests of a file, its payment-service, and what it counts."""
    counts, hub = MemoryStorage(), Hub(one_database)
    with serving() as told:
        app = create_app(
            settings(keys, told.url),
            publisher=FakePublisher(),
            engine=one_database,
            hub=hub,
            passwords=passwords,
            counts=counts,
        )
        yield app, told, counts
    hub.close()


@pytest.fixture
def same_upstream(one_gateway: tuple[Flask, Upstream, MemoryStorage]) -> Upstream:
    """Its payment-service, which was told nothing yet: `upstream` where `app` is `same_app`."""
    _, told, _ = one_gateway
    told.answers.clear()
    told.seen.clear()
    return told


@pytest.fixture
def same_app(one_gateway: tuple[Flask, Upstream, MemoryStorage]) -> Flask:
    """It, with nothing counted yet: `app` where tests need no other. To make one takes longer."""
    app, _, counts = one_gateway
    counts.reset()
    app.extensions.update(publisher=FakePublisher(), clock=utc_now)
    return app


@pytest.fixture
def office(app: Flask, engine: Engine, keys: Keys, passwords: Passwords) -> Office:
    """The gateway, and people who work with it."""
    return Office(app=app, engine=engine, keys=keys, passwords=passwords)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Somebody who asks the gateway."""
    return app.test_client()


@pytest.fixture
def viewer(keys: Keys) -> dict[str, str]:
    """The Authorization header of somebody who may read."""
    return keys.headers("viewer")


@pytest.fixture
def operator(keys: Keys) -> dict[str, str]:
    """The Authorization header of somebody who may give orders."""
    return keys.headers("operator")


@pytest.fixture
def config_of(config: Config) -> Callable[[Engine], Config]:
    """Settings that lead to a database."""

    def of(engine: Engine) -> Config:
        return replace(config, database_url=engine.url.render_as_string(hide_password=False))

    return of


@pytest.fixture
def impatient(config: Config, publisher: FakePublisher, engine: Engine, hub: Hub) -> FlaskClient:
    """Somebody who asks a gateway that does not wait long for services."""
    patience = Patience(connect=0.3, answer=0.3, silence=0.3)
    app = create_app(config, publisher=publisher, engine=engine, patience=patience, hub=hub)
    return app.test_client()
