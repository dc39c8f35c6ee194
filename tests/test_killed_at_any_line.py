"""A handler whose process is killed at any line leaves nothing half done.

Each line of the handler, of what it calls in its service, and of the bus around it is the last one
once. Afterwards the broker gives the message to another worker, and everything is there once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select, text

from hotspot.bus.envelope import Envelope
from hotspot.bus.failures import FAILED_JOBS_HANDLERS
from hotspot.bus.tables import outbox
from hotspot.bus.work import Handlers
from hotspot.contract.access import AuthorizeRadiusUserJob, CreateHotspotUserJob
from hotspot.contract.examples import example_of
from hotspot.contract.message import Message
from hotspot.contract.operations import StepsRecorded
from hotspot.testing.handling import NOON, envelope_for, run_envelope
from hotspot.testing.identity import Keys
from hotspot.testing.killing import killed_at_every_line
from hotspot.vault import Vault
from provisioning_service import handlers as provisioning
from radius_service import access as radius


@dataclass(frozen=True, kw_only=True)
class Case:
    """A handler, the message for it, and the one row that it makes in each of its tables."""

    service: str
    message: type[Message]
    handlers: Callable[[Vault], Handlers]
    tables: Sequence[str]
    sends: Sequence[str]


CASES = [
    Case(
        service="provisioning",
        message=CreateHotspotUserJob,
        handlers=lambda vault: {
            CreateHotspotUserJob: lambda job, work: provisioning.create_hotspot_user(
                job, work, vault=vault
            )
        },
        tables=["hotspot_users", "grants"],
        sends=["AuthorizeRadiusUserJob"],
    ),
    Case(
        service="radius",
        message=AuthorizeRadiusUserJob,
        handlers=lambda vault: {
            AuthorizeRadiusUserJob: lambda job, work: radius.authorize_radius_user(
                job, work, vault=vault
            )
        },
        tables=["radcheck", "grants", "sessions"],
        sends=["RadiusUserAuthorized"],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.message.NAME)
def test_killed_at_any_line_it_is_done_once_in_the_end(
    case: Case, database: Callable[[str], Engine], keys: Keys
) -> None:
    vault = Vault(keys.encryption)
    engine = database(case.service)
    handlers = {**FAILED_JOBS_HANDLERS, **case.handlers(vault)}
    envelope = envelope_for(_plausible(case.message, vault))
    folders = (f"/{case.service}_service/", "/hotspot/bus/handling.py", "/hotspot/bus/ledger.py")
    killed = killed_at_every_line(
        lambda: run_envelope(handlers, envelope, engine),
        engine,
        folders,
        prepare=lambda: _empty(engine, case),
    )
    times = 0
    for times in killed:
        _finish(handlers, envelope, engine)
        assert _counts(engine, case) == dict.fromkeys(case.tables, 1), f"killed at line {times}"
        assert _sent(engine) == list(case.sends), f"killed at line {times}"
    assert times > 30, "the tracer saw too little"


def _plausible(message: type[Message], vault: Vault) -> Message:
    """The recorded example, with a password that opens and a time that has not run out."""
    example: Any = example_of(message)
    better = {"sealed_password": vault.seal("secret-pw"), "ends_at": NOON + timedelta(hours=1)}
    names = {field.name for field in fields(example)}
    made: Message = replace(example, **{k: v for k, v in better.items() if k in names})
    return made


def _finish(handlers: Handlers, envelope: Envelope, engine: Engine) -> None:
    """The broker gives the message to another worker."""
    run_envelope(handlers, envelope, engine, redelivered=True)


def _counts(engine: Engine, case: Case) -> dict[str, int]:
    with engine.connect() as connection:
        return {
            table: int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())
            for table in case.tables
        }


def _sent(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        names = connection.scalars(select(outbox.c.name).order_by(outbox.c.name)).all()
    return [name for name in names if name != StepsRecorded.NAME]


def _empty(engine: Engine, case: Case) -> None:
    tables = ", ".join([*case.tables, "inbox", "outbox", "restarts"])
    with engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {tables} CASCADE"))
