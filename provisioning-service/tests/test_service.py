"""The service as a whole: its handlers, its schema and its settings fit the rest."""

import pytest
from environs import Env, EnvError
from sqlalchemy import Engine

from hotspot.bus.work import Handlers
from hotspot.contract import table
from hotspot.contract.operations import HistoryPruned, PruneHistoryJob
from hotspot.contract.topology import messages_in
from hotspot.migrate import differences
from hotspot.testing.handling import NOON, run
from provisioning_service.config import Config, load
from provisioning_service.models import metadata


def test_every_message_of_its_queues_has_a_handler(handlers: Handlers) -> None:
    mine = [queue for queue in table.QUEUES if queue.of == table.PROVISIONING]
    landing = {row.handled_as for queue in mine for row in messages_in(queue)}

    assert set(handlers) == landing


def test_the_migrations_and_the_models_agree(engine: Engine) -> None:
    with engine.connect() as connection:
        assert differences(connection, metadata) == []


def test_maintenance_runs_twice(engine: Engine, handlers: Handlers) -> None:
    (told,) = run(handlers, PruneHistoryJob(service="provisioning", begun_at=NOON), engine)

    assert isinstance(told, HistoryPruned)


def test_a_grace_that_is_no_number_of_days_is_said_so(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {
        "DATABASE_URL": "postgresql://user:secret@127.0.0.1/provisioning",
        "AMQP_URL": "amqp://127.0.0.1",
        "PORT": "8002",
        "ENCRYPTION_KEYS": ",".join(config.encryption_keys),
        "JWT_PUBLIC_KEY": config.jwt_public_key,
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert load(Env()).grace.days == 3

    monkeypatch.setenv("SUBSCRIPTION_GRACE_DAYS", "400")
    with pytest.raises(EnvError, match="SUBSCRIPTION_GRACE_DAYS"):
        load(Env())
