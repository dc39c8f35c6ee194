"""No process begins before its database has the tables of its version."""

import pytest
from sqlalchemy import Engine, text

from hotspot.bus.database import connect
from hotspot.migrate import is_current, migrate
from hotspot.migrated import wait
from hotspot.testing.databases import Databases

PACKAGE = "provisioning_service"
NOBODY_LISTENS = "postgresql+psycopg://nobody@127.0.0.1:1/nothing"


class Waiting:
    """A clock that each look moves on, and what happens meanwhile."""

    def __init__(self, *happens: object) -> None:
        self.now = 0.0
        self.said: list[str] = []
        self._happens = list(happens)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        if self._happens:
            happens = self._happens.pop(0)
            assert callable(happens)
            happens()

    def until_there(self, engine: Engine, *, unless_away: float | None = None) -> bool:
        return wait(
            engine,
            PACKAGE,
            unless_away=unless_away,
            clock=self.clock,
            sleep=self.sleep,
            say=self.said.append,
        )


def test_a_process_waits_until_its_tables_are_there(databases: Databases) -> None:
    engine = databases.empty()
    waiting = Waiting(lambda: None, lambda: migrate(engine, PACKAGE))

    assert waiting.until_there(engine)

    assert waiting.now == 2
    assert waiting.said == [
        "hotspot: waiting: the database has the tables of an older version, or none\n"
    ]


def test_tables_of_an_older_version_are_not_enough(databases: Databases) -> None:
    engine = databases.fresh("provisioning")
    assert is_current(engine, PACKAGE)
    _call_revision(engine, "0001")

    assert not is_current(engine, PACKAGE)


def test_a_process_of_the_version_before_goes_on_beside_newer_tables(databases: Databases) -> None:
    engine = databases.fresh("provisioning")
    _call_revision(engine, "9999_of_a_later_version")

    assert Waiting().until_there(engine, unless_away=None)


def test_a_database_that_is_away_is_waited_for() -> None:
    waiting = Waiting(*([lambda: None] * 3), _enough)

    with pytest.raises(_Enough):
        waiting.until_there(connect(NOBODY_LISTENS))

    assert waiting.now == 4
    assert waiting.said == ["hotspot: waiting: the database does not answer\n"]


def test_what_takes_callbacks_goes_on_without_a_database_that_is_away() -> None:
    waiting = Waiting()

    assert not waiting.until_there(connect(NOBODY_LISTENS), unless_away=20)

    assert waiting.now == 20
    assert waiting.said[-1] == "hotspot: the database does not answer: going on without\n"


class _Enough(Exception):
    pass


def _enough() -> None:
    raise _Enough


def _call_revision(engine: Engine, revision: str) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :it"), {"it": revision})
