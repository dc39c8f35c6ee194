"""Exactly one of several schedulers acts: the one whose session holds the lock.

Whatever the leader reads or writes goes through that one session. When it is lost (the process
died, was paused, or is cut off), nothing that this leader still believes can do any harm: its next
statement fails, and there is no second session to try it on.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.pool import QueuePool

_LOCK = 0x7363686564756C65  # "schedule"


class LeadershipLost(Exception):
    """The session that held the lock is gone: stop acting, and compete again."""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """Seconds. After `silence` PostgreSQL ends a leader's session, and another takes over by its
    next look; the leader confirms often enough not to be taken for dead.
    """

    look_every: float = 1.0
    silence: float = 5.0


class Leadership:
    """A session that competes for the lock, and the engine that goes through it alone."""

    def __init__(self, database_url: str, patience: Patience) -> None:
        """Connect. Raises DBAPIError."""
        self.engine = _engine_of_one_session(database_url, patience)
        self._holds = False

    def try_to_take(self) -> bool:
        """Take the lock where it is free. Raises DBAPIError or LeadershipLost."""
        with self.engine.connect() as connection:
            asked = text("SELECT pg_try_advisory_lock(:lock)")
            self._holds = bool(connection.execute(asked, {"lock": _LOCK}).scalar_one())
        return self._holds

    def confirm(self) -> None:
        """Say that this leader lives. Raises DBAPIError or LeadershipLost once the lock is lost."""
        with self.engine.connect() as connection:
            connection.execute(text("SELECT 1"))

    def leave(self) -> None:
        """End the session, and with it the lock."""
        self._holds = False
        self.engine.dispose()


def _engine_of_one_session(database_url: str, patience: Patience) -> Engine:
    """An engine that connects once: a new session would not hold the lock."""
    silence = f"{int(patience.silence * 1000)}ms"
    options = {
        "timezone": "UTC",
        # Network or process: PostgreSQL itself ends a session that says nothing, and frees the
        # lock. TCP would keep the session of a paused process for ever.
        "idle_session_timeout": silence,
        "idle_in_transaction_session_timeout": silence,
        "statement_timeout": silence,
    }
    engine = create_engine(
        database_url,
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=0,
        pool_timeout=patience.silence,
        hide_parameters=True,
        connect_args={
            "connect_timeout": 5,
            "tcp_user_timeout": int(patience.silence * 1000),
            "application_name": "hotspot scheduler",
            "options": " ".join(f"-c {name}={value}" for name, value in options.items()),
        },
    )
    sessions = 0

    def connect_once(*_: Any) -> None:
        nonlocal sessions
        sessions += 1
        if sessions > 1:
            raise LeadershipLost("the session that held the lock is gone")

    event.listen(engine, "do_connect", connect_once)
    return engine
