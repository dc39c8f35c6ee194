"""Reading in routes."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import current_app
from sqlalchemy import Connection, Engine


@contextmanager
def db() -> Iterator[Connection]:
    """A connection for reading: routes write no row."""
    engine: Engine = current_app.extensions["engine"]
    with engine.execution_options(postgresql_readonly=True).connect() as connection:
        yield connection
