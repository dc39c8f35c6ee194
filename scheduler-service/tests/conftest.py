"""Fixtures of scheduler-service: its database, settings and application."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from hotspot.bus.work import Handlers
from hotspot.testing.handling import NOON, FakePublisher
from hotspot.testing.identity import Keys
from scheduler_service.config import Config, DailyHours
from scheduler_service.web import create_app
from scheduler_service.worker import handlers as handlers_of


@pytest.fixture
def engine(database: Callable[[str], Engine]) -> Engine:
    """A fresh database of this service."""
    return database("scheduler")


@pytest.fixture
def config(keys: Keys, tmp_path: Path) -> Config:
    """Settings with log files, and no RabbitMQ to be asked."""
    return Config(
        service="scheduler",
        database_url="postgresql://unused",
        amqp_url="amqp://unused",
        log_level="INFO",
        host="127.0.0.1",
        port=8006,
        encryption_keys=keys.encryption,
        jwt_public_key=keys.public_pem,
        daily=DailyHours(),
        rabbitmq_management_url=None,
        log_dir=tmp_path,
        log_kept_days=14,
        disk_path=Path("/"),
    )


@pytest.fixture
def handlers(config: Config) -> Handlers:
    """The service's own table of handlers."""
    return handlers_of(config)


@pytest.fixture
def publisher() -> FakePublisher:
    """What was published."""
    return FakePublisher()


@pytest.fixture
def client(config: Config, engine: Engine, publisher: FakePublisher) -> FlaskClient:
    """A client of the service's application, at noon."""
    app = create_app(config, publisher=publisher, engine=engine, clock=lambda: NOON)
    return app.test_client()


@pytest.fixture
def url(engine: Engine) -> str:
    """The database's URL, for sessions of one's own."""
    return engine.url.render_as_string(hide_password=False)
