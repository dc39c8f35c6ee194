"""What the bus asks of a database."""

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from hotspot.bus.database import connect, is_away, is_worth_another_run, wait_until_back


def raised(engine: Engine, statement: str, **parameters: object) -> DBAPIError:
    with pytest.raises(DBAPIError) as caught, engine.connect() as connection:
        connection.execute(text(statement), parameters)
    return caught.value


def test_an_error_does_not_tell_what_was_to_be_written(empty_database: Engine) -> None:
    error = raised(empty_database, "INSERT INTO nowhere VALUES (:secret)", secret="hunter2")
    assert "nowhere" in str(error)
    assert "hunter2" not in str(error)


def test_a_database_that_is_not_there_is_away() -> None:
    nowhere = connect("postgresql+psycopg://nobody:x@127.0.0.1:1/none")
    assert is_away(raised(nowhere, "SELECT 1"))
    looks = iter([False, False, True])
    assert not wait_until_back(nowhere, lambda: next(looks))


def test_an_ordinary_error_is_neither_away_nor_worth_another_run(empty_database: Engine) -> None:
    error = raised(empty_database, "SELECT 1 / 0")
    assert not is_away(error)
    assert not is_worth_another_run(error)


def test_times_are_utc(empty_database: Engine) -> None:
    with empty_database.connect() as connection:
        assert connection.execute(text("SHOW timezone")).scalar_one() == "UTC"
