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
from hotspot.testing.identity import Keys
from notification_service.advanta import Advanta
from notification_service.africastalking import AfricasTalking
from notification_service.config import load
from notification_service.log import Log
from notification_service.models import metadata
from notification_service.providers import gateway_of
from notification_service.reports import delivery_url

ACCOUNT = {"SMS_USERNAME": "wifi", "SMS_API_KEY": "an-api-key"}


@pytest.fixture
def environment(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The settings that every provider needs."""
    settings = {
        "DATABASE_URL": "postgresql://user:secret@127.0.0.1/notification",
        "AMQP_URL": "amqp://127.0.0.1",
        "PORT": "8005",
        "ENCRYPTION_KEYS": ",".join(keys.encryption),
        "JWT_PUBLIC_KEY": keys.public_pem,
        "CALLBACK_BASE_URL": "http://127.0.0.1:8005/",
    }
    for name in ("SMS_PROVIDER", "SMS_USERNAME", "SMS_API_KEY", "SMS_SENDER_ID", "SMS_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_every_message_of_its_queues_has_a_handler(handlers: Handlers) -> None:
    mine = [queue for queue in table.QUEUES if queue.of == table.NOTIFICATION]
    landing = {row.handled_as for queue in mine for row in messages_in(queue)}

    assert set(handlers) == landing


def test_the_migrations_and_the_models_agree(engine: Engine) -> None:
    with engine.connect() as connection:
        assert differences(connection, metadata) == []


def test_maintenance_runs_twice(engine: Engine, handlers: Handlers) -> None:
    (told,) = run(handlers, PruneHistoryJob(service="notification", begun_at=NOON), engine)

    assert isinstance(told, HistoryPruned)


@pytest.mark.parametrize(
    ("given", "base_url"),
    [
        ({"SMS_USERNAME": "sandbox"}, "https://api.sandbox.africastalking.com"),
        ({"SMS_USERNAME": "wifi"}, "https://api.africastalking.com"),
        ({"SMS_BASE_URL": "http://127.0.0.1:8100/africastalking/"}, None),
    ],
)
def test_africastalking_knows_where_it_lives(
    environment: pytest.MonkeyPatch, given: dict[str, str], base_url: str | None
) -> None:
    for name, value in {**ACCOUNT, "SMS_PROVIDER": "africastalking", **given}.items():
        environment.setenv(name, value)

    gateway = gateway_of(load(Env()))

    assert isinstance(gateway, AfricasTalking)
    assert gateway.base_url == (base_url or "http://127.0.0.1:8100/africastalking")
    assert "an-api-key" not in repr(gateway)


def test_advanta_takes_the_partner_id_for_the_username(environment: pytest.MonkeyPatch) -> None:
    given = {
        "SMS_PROVIDER": "advanta",
        "SMS_SENDER_ID": "WIFI",
        "SMS_BASE_URL": "https://sms.example",
    }
    for name, value in (ACCOUNT | given).items():
        environment.setenv(name, value)
    config = load(Env())

    gateway = gateway_of(config)

    assert isinstance(gateway, Advanta)
    assert gateway.partner_id == "wifi"
    assert delivery_url(config) is None


def test_the_log_needs_no_account(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SMS_PROVIDER", "log")

    assert gateway_of(load(Env())) == Log()


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, "SMS_PROVIDER"),
        ({"SMS_PROVIDER": "pigeon"}, "SMS_PROVIDER"),
        ({"SMS_PROVIDER": "africastalking", "SMS_API_KEY": "k"}, "SMS_USERNAME"),
        ({"SMS_PROVIDER": "africastalking", "SMS_USERNAME": "u"}, "SMS_API_KEY"),
        ({**ACCOUNT, "SMS_PROVIDER": "africastalking", "SMS_BASE_URL": "ftp://x"}, "SMS_BASE_URL"),
        ({**ACCOUNT, "SMS_PROVIDER": "advanta", "SMS_BASE_URL": "https://x"}, "SMS_SENDER_ID"),
        ({**ACCOUNT, "SMS_PROVIDER": "advanta", "SMS_SENDER_ID": "WIFI"}, "SMS_BASE_URL"),
        ({"SMS_PROVIDER": "log", "SMS_LANGUAGE": "fr"}, "SMS_LANGUAGE"),
        ({"SMS_PROVIDER": "log", "CALLBACK_BASE_URL": "here"}, "CALLBACK_BASE_URL"),
        ({"SMS_PROVIDER": "log", "PAYBILL": "my shop"}, "PAYBILL"),
        ({"SMS_PROVIDER": "log", "ALARM_PHONES": "0712345678, 12"}, "ALARM_PHONES"),
    ],
)
def test_what_is_missing_or_malformed_is_named(
    environment: pytest.MonkeyPatch, given: dict[str, str], named: str
) -> None:
    for name, value in given.items():
        environment.setenv(name, value)

    with pytest.raises(EnvError, match=named):
        load(Env())
