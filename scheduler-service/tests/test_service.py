"""The service as a whole: its handlers, its schema and its settings fit the rest."""

from datetime import time
from pathlib import Path

import pytest
from environs import Env, EnvError
from sqlalchemy import Engine

from hotspot.bus.work import Handlers
from hotspot.contract import table
from hotspot.contract.topology import messages_in
from hotspot.migrate import differences
from hotspot.testing.identity import Keys
from scheduler_service.config import DailyHours, load
from scheduler_service.models import metadata


@pytest.fixture
def environment(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The settings that every installation has."""
    settings = {
        "DATABASE_URL": "postgresql://user:secret@127.0.0.1/scheduler",
        "AMQP_URL": "amqp://127.0.0.1",
        "PORT": "8006",
        "ENCRYPTION_KEYS": ",".join(keys.encryption),
        "JWT_PUBLIC_KEY": keys.public_pem,
    }
    for name in ("RABBITMQ_MANAGEMENT_URL", "LOG_DIR", "DISK_PATH", "ROTATE_LOGS_AT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_every_message_of_its_queues_has_a_handler(handlers: Handlers) -> None:
    mine = [queue for queue in table.QUEUES if queue.of == table.SCHEDULER]

    assert set(handlers) == {row.handled_as for queue in mine for row in messages_in(queue)}


def test_the_migrations_and_the_models_agree(engine: Engine) -> None:
    with engine.connect() as connection:
        assert differences(connection, metadata) == []


def test_nothing_but_what_every_service_needs_must_be_set(environment: pytest.MonkeyPatch) -> None:
    config = load(Env())

    assert (config.daily, config.log_dir, config.disk_path) == (DailyHours(), None, Path("/"))


def test_the_hours_of_daily_jobs_are_settings(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment.setenv("ROTATE_LOGS_AT", "4:05")
    environment.setenv("LOG_DIR", str(tmp_path))

    config = load(Env())

    assert config.daily.rotate_logs == time(4, 5)
    assert config.disk_path == tmp_path


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ROTATE_LOGS_AT", "24:00"),
        ("GRACE_PERIOD_AT", "noon"),
        ("PAYMENT_REMINDERS_AT", "9"),
        ("PAYMENT_REMINDERS_AT", "9:5"),
        ("LOG_DIR", "/no/such/folder"),
        ("LOG_KEPT_DAYS", "0"),
        ("RABBITMQ_MANAGEMENT_URL", "127.0.0.1:15672"),
    ],
)
def test_what_is_malformed_is_named(environment: pytest.MonkeyPatch, name: str, value: str) -> None:
    environment.setenv(name, value)

    with pytest.raises(EnvError, match=name):
        load(Env())
