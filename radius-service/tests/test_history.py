"""Old accounting moves into its month, old months into the archive, and nothing is lost."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from hotspot.bus.work import Handlers
from hotspot.contract.message import Message
from hotspot.contract.operations import HistoryPruned, Pruned, PruneHistoryJob, RotateLogs
from hotspot.contract.sessions import ArchiveAccountingJob
from hotspot.testing.handling import NOON, run
from radius_service import history
from radius_service.config import Config
from radius_service.worker import handlers as handlers_of

from .test_booking import book, start, stop
from .world import GIB, Database

DAY = timedelta(days=1)


def maintain(radius: Database, config: Config, *, at: datetime = NOON) -> list[Message]:
    """The whole daily maintenance: what each job asks for is done until nothing more is asked."""
    handlers: Handlers = handlers_of(config)
    waiting: list[Message] = [RotateLogs()]
    told: list[Message] = []
    while waiting:
        sent = run(handlers, waiting.pop(0), radius.engine, now=at, service="radius")
        jobs = [one for one in sent if isinstance(one, ArchiveAccountingJob | PruneHistoryJob)]
        waiting += jobs
        told += [one for one in sent if one not in jobs]
    return told


def months(radius: Database, schema: str = "months") -> list[str]:
    rows = radius.rows(
        "SELECT table_name FROM information_schema.tables"
        " WHERE table_schema = :schema AND table_name ~ '[0-9]' ORDER BY 1",
        schema=schema,
    )
    return [name for (name,) in rows]


def ended(radius: Database, name: str, at: datetime | None, **more: Any) -> None:
    """A row of radacct that ended then."""
    row = {"name": name, "stop": at, "start": NOON - 500 * DAY, "updated": at, **more}
    radius.execute(
        "INSERT INTO radacct (acctsessionid, acctuniqueid, username, nasipaddress, acctstarttime,"
        " acctupdatetime, acctstoptime, acctoutputoctets)"
        " VALUES (:name, :name, :name, '127.0.0.1', :start, :updated, :stop, 1)",
        **row,
    )


def test_the_months_to_come_are_made_ahead_of_time(radius: Database, config: Config) -> None:
    maintain(radius, config)
    assert months(radius) == ["radacct_2026_01", "radacct_2026_02", "radacct_2026_03"]
    maintain(radius, config, at=NOON + 31 * DAY)
    assert months(radius)[-1] == "radacct_2026_04"


def test_what_ended_a_week_ago_moves_into_its_month_and_the_rest_stays(
    radius: Database, config: Config
) -> None:
    ended(radius, "open", None)
    radius.execute("UPDATE radacct SET acctupdatetime = :at", at=NOON)
    ended(radius, "fresh", NOON - 6 * DAY)
    ended(radius, "january", NOON - 8 * DAY)
    ended(radius, "december", NOON - 20 * DAY)
    ended(radius, "clock of 1970", datetime(1970, 1, 2, tzinfo=UTC))
    (told,) = maintain(radius, config)
    assert isinstance(told, HistoryPruned)
    assert told.gone[0] == Pruned(what="radacct", rows=3)
    moved = "SELECT username, tableoid::regclass::text FROM radacct_history ORDER BY 1"
    assert radius.rows(moved) == [
        ("clock of 1970", "months.radacct_other"),
        ("december", "months.radacct_2025_12"),
        ("january", "months.radacct_2026_01"),
    ]
    kept = radius.rows("SELECT username FROM radacct ORDER BY 1")
    assert kept == [("fresh",), ("open",)]


def test_moving_charges_nothing_and_keeps_every_row_whole(radius: Database, config: Config) -> None:
    radius.give(data_bytes=9 * GIB)
    book(radius, start(), stop(at=NOON + timedelta(minutes=5), Acct_Output_Octets=GIB))
    before = radius.row("SELECT * FROM radacct")
    use = radius.rows("SELECT used_bytes FROM grants UNION ALL SELECT bytes_out FROM daily_use")
    maintain(radius, config, at=NOON + 8 * DAY)
    assert radius.rows("SELECT * FROM radacct") == []
    assert radius.row("SELECT * FROM radacct_history") == before
    assert use == [(GIB,), (GIB,)]
    after = radius.rows("SELECT used_bytes FROM grants UNION ALL SELECT bytes_out FROM daily_use")
    assert after == use


def test_an_id_that_comes_again_after_its_session_has_moved_is_another_session(
    radius: Database, config: Config
) -> None:
    radius.give(ends_at=NOON + 90 * DAY)
    book(radius, start(), stop(at=NOON + timedelta(minutes=5)))
    maintain(radius, config, at=NOON + 8 * DAY)
    book(radius, start(at=NOON + 30 * DAY))
    states = radius.rows("SELECT status FROM sessions ORDER BY created_at, status")
    assert states == [("ended",), ("online",)]


def test_months_older_than_a_year_are_put_aside_and_lose_nothing(
    radius: Database, config: Config
) -> None:
    ended(radius, "old", NOON - 20 * DAY)
    maintain(radius, config)
    later = NOON + 395 * DAY
    rotate: Handlers = {RotateLogs: history.rotate_logs}
    run(rotate, RotateLogs(), radius.engine, now=later, service="radius")
    assert months(radius, "archive") == ["radacct_2025_12"]
    assert months(radius)[0] == "radacct_2026_01"
    assert radius.rows("SELECT * FROM radacct_history") == []
    assert radius.row("SELECT username FROM archive.radacct_2025_12").username == "old"


def test_accounting_of_strangers_that_fell_silent_is_closed(
    radius: Database, config: Config
) -> None:
    ended(radius, "stranger", None)
    radius.execute("UPDATE radacct SET acctupdatetime = :at", at=NOON - 2 * DAY)
    maintain(radius, config)
    row = radius.row("SELECT acctstoptime, acctterminatecause FROM radacct")
    assert tuple(row) == (NOON - 2 * DAY, "Silent")


def test_what_does_not_fit_into_one_batch_is_asked_for_again(radius: Database) -> None:
    for number in range(3):
        ended(radius, str(number), NOON - 9 * DAY)
    with Session(radius.engine) as db:
        assert [history.move_ended(db, NOON, most=2) for _ in range(3)] == [2, 1, 0]


@pytest.mark.parametrize("days", [29, 31])
def test_old_answers_to_logins_and_old_sessions_are_pruned(
    radius: Database, config: Config, days: int
) -> None:
    radius.give()
    book(radius, start(), stop(at=NOON))
    radius.execute(
        "INSERT INTO radpostauth (username, authdate) VALUES ('a', :at)", at=NOON - days * DAY
    )
    radius.execute(
        "UPDATE sessions SET ended_at = CAST(:at AS timestamptz)", at=NOON - (days + 370) * DAY
    )
    radius.execute(
        "INSERT INTO kicks (kick_id, session_id, reason, begun_at, attempts, due_at)"
        " SELECT session_id, session_id, 'operator', :at, 1, :at FROM sessions",
        at=NOON,
    )
    radius.execute("INSERT INTO daily_use VALUES ('a', '2023-01-01', 1, 1, 1)")
    maintain(radius, config)
    left = [
        len(radius.rows(f"SELECT * FROM {table}")) for table in ("radpostauth", "sessions", "kicks")
    ]
    assert left == ([1, 1, 1] if days < 30 else [0, 0, 0])
    assert radius.rows("SELECT * FROM daily_use WHERE username = 'a'") == []
