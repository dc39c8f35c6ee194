"""The service's own database, as the bus uses it."""

import time
from collections.abc import Callable

import structlog
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool

log = structlog.get_logger()

# A deadlock's loser and a serialization failure are worth another run at once.
_WORTH_ANOTHER_RUN = frozenset({"40P01", "40001"})


# The server notices that its client died or gave up in the middle of a query, and lets go of the
# locks: else the next attempt at the same message would wait for them.
_OPTIONS = "-c timezone=UTC -c client_connection_check_interval=500ms"


def connect(url: str, *, pool_size: int = 2, max_overflow: int = 3) -> Engine:
    """An engine that notices dead connections before it hands them out."""
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=max_overflow,
        pool_pre_ping=True,
        pool_recycle=1800,
        hide_parameters=True,  # errors are logged and kept as failed jobs: no secret may be in them
        connect_args={"connect_timeout": 5, "options": _OPTIONS},
    )


def connect_to_look(url: str) -> Engine:
    """An engine for a look now and then: it keeps no session, and gives up after seconds."""
    return create_engine(
        url,
        poolclass=NullPool,
        hide_parameters=True,
        connect_args={
            "connect_timeout": 2,
            "tcp_user_timeout": 2000,
            "options": "-c timezone=UTC -c statement_timeout=2000",
        },
    )


def answers(engine: Engine) -> bool:
    """Whether the database does."""
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except DBAPIError:
        return False
    return True


def is_away(error: BaseException) -> bool:
    """Whether the database could not be reached, or went away in the middle."""
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated:
        return True
    return isinstance(error, OperationalError) and getattr(error.orig, "sqlstate", None) is None


def is_worth_another_run(error: BaseException) -> bool:
    """Whether the same transaction may simply be run again now."""
    return (
        isinstance(error, DBAPIError)
        and getattr(error.orig, "sqlstate", None) in _WORTH_ANOTHER_RUN
    )


def wait_until_back(engine: Engine, give_up: Callable[[], bool]) -> bool:
    """Ask with growing pauses until the database answers; False when told to give up."""
    pause = 0.1
    while not give_up():
        try:
            with engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except DBAPIError as error:
            log.warning("database unreachable", error=str(error.orig))
            time.sleep(pause)
            pause = min(pause * 2, 2.0)
        else:
            return True
    return False
