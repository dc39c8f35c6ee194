"""Every version of every message that was ever recorded reaches its handler, and suits it.

The handlers are the services' own tables on real databases. A handler may say that it does not
know the payment (Reject, Retry); anything else that it raises is a message that it cannot read.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from environs import Env
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from hotspot.bus.envelope import Envelope, enclose
from hotspot.bus.outcome import Reject, Retry
from hotspot.bus.work import Handlers, Outside, Work
from hotspot.command import ports, secrets, services, settings
from hotspot.contract import table
from hotspot.contract.examples import example_of, recorded_versions
from hotspot.contract.message import Message
from hotspot.contract.topology import groups_of, messages_in, queues_of, service_named
from hotspot.serve import package_of
from hotspot.testing.handling import NOON
from hotspot.vault import Vault

Load = Callable[[str], Handlers]


@pytest.mark.parametrize("service", services.RUNNING)
def test_what_any_version_sent_can_be_handled(
    service: str, database: Callable[[str], Engine], handlers_of: Load, vault: Vault
) -> None:
    handlers, handled = handlers_of(service), set()
    with Session(database(service)) as session:
        for row in _heard_by(service):
            for version, payload in recorded_versions(row.message).items():
                newer = payload | {"of_a_newer_sender": 1}
                for sent in (payload, newer):
                    envelope = _envelope(row.message, version, _plausible(sent, vault))
                    _handle(handlers, envelope, session, service)
                handled.add((row.message.NAME, version))
    assert handled


def _handle(handlers: Handlers, envelope: Envelope, session: Session, service: str) -> None:
    """As far as it goes without the world outside; nothing of it lasts."""
    message = envelope.open()
    work = Work(session=session, now=NOON, envelope=envelope, service=service)
    handler: Any = handlers[type(message)]
    first = handler.prepare if isinstance(handler, Outside) else handler
    print(f"{envelope.name}, version {envelope.version}: {envelope.body!r}")  # noqa: T201
    try:
        with suppress(Retry, Reject):
            first(message, work)
            session.flush()
    finally:
        session.rollback()


@pytest.fixture
def kept(tmp_path: Path) -> secrets.Secrets:
    return secrets.load(tmp_path / "secrets.json", opens=tmp_path / "nothing")


@pytest.fixture
def vault(kept: secrets.Secrets) -> Vault:
    return Vault([kept["encryption key"]])


@pytest.fixture
def handlers_of(kept: secrets.Secrets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    outside = settings.Outside(
        amqp_url="amqp://unused",
        management_url="http://unused",
        database_urls=dict.fromkeys(services.RUNNING, "postgresql://unused"),
        simulators=True,
        spool=tmp_path,
        logs=tmp_path,
    )
    planned = ports.plan({}, lambda *_: True)
    told = settings.of_services(outside=outside, ports=planned, secrets=kept, given={})

    def load(service: str) -> Handlers:
        for name, value in told[service].items():
            monkeypatch.setenv(name, value)
        package = package_of(service)
        config = import_module(f"{package}.config").load(Env())
        handlers: Handlers = import_module(f"{package}.worker").handlers(config)
        return handlers

    return load


def _heard_by(service: str) -> list[Any]:
    mine = service_named(service)
    return [row for queue in queues_of(mine, groups_of(mine)) for row in messages_in(queue)]


def _plausible(payload: Mapping[str, Any], vault: Vault) -> dict[str, Any]:
    """With what a sender would say where the recorded text stands for anything of its type."""
    told = {
        "sealed_password": vault.seal("pw"),
        "changed": ["name"],
    }
    return {**payload, **{name: value for name, value in told.items() if name in payload}}


def _envelope(kind: type[Message], version: int, payload: Mapping[str, Any]) -> Envelope:
    envelope = enclose(example_of(kind), sender="test", now=NOON)
    return replace(envelope, version=version, body=json.dumps(payload).encode())


def test_every_message_is_heard_by_somebody() -> None:
    heard = {row.message for name in services.RUNNING for row in _heard_by(name)}
    assert heard == {row.message for row in table.MESSAGES}
