"""What every service does for its own upkeep: it measures itself, and forgets what is old."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import TIMESTAMP, Column, Engine, Integer, MetaData, Table, func, insert, select

from hotspot.bus.pruning import BATCH, BUS_KEPT, Kept, added_up
from hotspot.bus.tables import bus_metadata, failed_jobs, inbox, outbox
from hotspot.bus.upkeep import SpoolFill, upkeep_handlers
from hotspot.contract.message import Message
from hotspot.contract.operations import (
    HistoryPruned,
    MeasureServiceJob,
    Pruned,
    PruneHistoryJob,
    RotateLogs,
    ServiceMeasured,
)
from hotspot.contract.payments import ProcessPaymentJob
from hotspot.ids import new_id
from hotspot.testing.handling import NOON, run

own = MetaData()
visits = Table(
    "visits",
    own,
    Column("number", Integer, primary_key=True),
    Column("at", TIMESTAMP(timezone=True), index=True),
)
KEPT = (Kept(since=visits.c.at, days=7, only=visits.c.number > 0),)
HANDLERS = upkeep_handlers(KEPT)


@pytest.fixture
def engine(empty_database: Engine) -> Engine:
    """A service's database: the bus's tables and one table of history."""
    bus_metadata.create_all(empty_database)
    own.create_all(empty_database)
    return empty_database


def fill(engine: Engine, table: Table, rows: Sequence[dict[str, object]]) -> None:
    with engine.begin() as connection:
        connection.execute(insert(table), rows)


def count(engine: Engine, table: Table) -> int:
    with engine.connect() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def handle(engine: Engine, message: Message, now: datetime = NOON) -> Message:
    (sent,) = run(HANDLERS, message, engine, service="payment", now=now)
    return sent


def in_outbox(name: str, at: datetime, message_id: UUID | None = None) -> dict[str, object]:
    return {
        "message_id": message_id or new_id(),
        "exchange": "payments",
        "routing_key": name,
        "name": name,
        "version": 1,
        "correlation_id": new_id(),
        "sender": "payment",
        "sent_at": at,
        "body": b"{}",
        "recorded_at": at,
    }


def test_the_nightly_job_begins_to_forget(engine: Engine) -> None:
    assert handle(engine, RotateLogs()) == PruneHistoryJob(service="payment", begun_at=NOON)


def test_what_is_old_is_forgotten_batch_by_batch_and_told_at_the_end(engine: Engine) -> None:
    days = [NOON - timedelta(days=7, hours=1)] * (BATCH + 10) + [NOON - timedelta(days=6)] * 5
    fill(engine, visits, [{"number": n + 1, "at": at} for n, at in enumerate(days)])

    first = handle(engine, PruneHistoryJob(service="payment", begun_at=NOON))
    assert isinstance(first, PruneHistoryJob)
    assert (first.begun_at, first.gone) == (NOON, (Pruned(what="visits", rows=BATCH),))
    assert count(engine, visits) == 15

    later = NOON + timedelta(minutes=1)
    told = handle(engine, first, now=later)

    assert count(engine, visits) == 5
    assert told == HistoryPruned(
        service="payment",
        begun_at=NOON,
        ended_at=later,
        gone=(Pruned(what="visits", rows=BATCH + 10),),
    )


def test_what_the_condition_spares_is_kept_for_ever(engine: Engine) -> None:
    old = NOON - timedelta(days=400)
    fill(engine, visits, [{"number": -1, "at": old}, {"number": 1, "at": old}])

    handle(engine, PruneHistoryJob(service="payment", begun_at=NOON))

    with engine.connect() as connection:
        assert connection.execute(select(visits.c.number)).scalars().all() == [-1]


def test_nobody_waits_for_a_row_that_somebody_else_has_in_hand(engine: Engine) -> None:
    old = NOON - timedelta(days=8)
    fill(engine, visits, [{"number": 1, "at": old}, {"number": 2, "at": old}])

    with engine.connect() as elsewhere:
        elsewhere.execute(select(visits).where(visits.c.number == 1).with_for_update())
        told = handle(engine, PruneHistoryJob(service="payment", begun_at=NOON))

    assert isinstance(told, HistoryPruned)
    assert told.gone == (Pruned(what="visits", rows=1),)


def test_handled_messages_are_forgotten_after_a_month(engine: Engine) -> None:
    for days in (29, 31):
        at = NOON - timedelta(days=days)
        fill(engine, inbox, [{"message_id": new_id(), "queue": "payments", "handled_at": at}])

    told = handle(engine, PruneHistoryJob(service="payment", begun_at=NOON))

    assert isinstance(told, HistoryPruned)
    assert told.gone == (Pruned(what="inbox", rows=1),)


def test_what_is_owed_to_a_listener_stays_in_the_outbox_however_old(engine: Engine) -> None:
    old = NOON - timedelta(days=90)
    fill(engine, outbox, [in_outbox(ProcessPaymentJob.NAME, old), in_outbox("GoneJob", old)])

    told = handle(engine, PruneHistoryJob(service="payment", begun_at=NOON))

    assert isinstance(told, HistoryPruned)
    assert told.gone == (Pruned(what="outbox", rows=1),)


def test_a_service_tells_what_waits_in_it(engine: Engine) -> None:
    oldest = NOON - timedelta(minutes=3)
    fill(engine, outbox, [in_outbox("ProcessPaymentJob", at) for at in (NOON, oldest)])
    failed = in_outbox("ProcessPaymentJob", NOON) | {
        "queue": "payments",
        "reason": "no",
        "exception": "Reject",
        "traceback": "",
        "attempts": 1,
        "first_failed_at": NOON,
        "last_failed_at": NOON,
    }
    known = {column.name for column in failed_jobs.columns}
    fill(engine, failed_jobs, [{name: failed[name] for name in failed if name in known}])
    handlers = upkeep_handlers(spool=lambda: SpoolFill(waiting=4, most=100))

    (told,) = run(handlers, MeasureServiceJob(), engine, service="payment")

    assert isinstance(told, ServiceMeasured)
    assert told.database_bytes > 1_000_000
    assert (told.service, told.outbox, told.oldest_outbox_at) == ("payment", 2, oldest)
    assert (told.failed_jobs, told.spool, told.spool_most) == (1, 4, 100)


def test_counts_of_one_table_are_added_up() -> None:
    parts = [[Pruned(what="a", rows=1)], [Pruned(what="b", rows=2), Pruned(what="a", rows=3)]]

    assert added_up(*parts) == (Pruned(what="a", rows=4), Pruned(what="b", rows=2))


def test_every_history_of_the_bus_has_an_age_that_outlives_any_repeat() -> None:
    assert {one.table.name: one.days for one in BUS_KEPT} == {
        "inbox": 30,
        "restarts": 30,
        "outbox": 30,
    }
