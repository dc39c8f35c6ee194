"""Live pages: server-sent events at each change of a payment."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from hotspot.bus.database import is_away
from payment_service.models import CHANGED_CHANNEL
from payment_service.schemas import PaymentSchema
from payment_service.seen import Body, is_over

log = structlog.get_logger()

# A page looks again this often though nobody told it to: notifications can be missed.
HEARTBEAT_SECONDS = 10.0
_TICK_SECONDS = 5.0
_PAUSE_SECONDS = 1.0

_PAYMENT = PaymentSchema()


def follow(
    payment_id: UUID,
    read: Callable[[], Body],
    changes: "Changes",
    heartbeat: float = HEARTBEAT_SECONDS,
) -> Iterator[str]:
    """The payment now and at each change, until nothing more will come, the reader leaves or this
    process stops: the page comes back to the one in its place.
    """
    shown = ""
    with changes.watch(payment_id) as changed:
        while not changes.over:
            changed.clear()
            body = _read_or_none(read)
            event = shown if body is None else f"data: {json.dumps(_PAYMENT.dump(body))}\n\n"
            if event != shown:
                shown = event
                yield event
            if body is not None and is_over(body):
                return
            if not changed.wait(heartbeat):
                yield ": still here\n\n"


def _read_or_none(read: Callable[[], Body]) -> Body | None:
    try:
        return read()
    except DBAPIError as error:
        if not is_away(error):
            raise
        return None


class Changes:
    """Tells pages that their payment changed: one LISTEN connection for the whole process.

    The connection exists while somebody watches, and is made again when it breaks.
    """

    def __init__(self, engine: Engine) -> None:
        self.over = False
        self._engine = engine
        self._lock = threading.Lock()
        self._watchers: dict[str, set[threading.Event]] = {}
        self._listening = False

    @contextmanager
    def watch(self, payment_id: UUID) -> Iterator[threading.Event]:
        """An event that is set at each change of this payment."""
        key, changed = str(payment_id), threading.Event()
        with self._lock:
            self._watchers.setdefault(key, set()).add(changed)
            begin, self._listening = not self._listening, True
        if begin:
            threading.Thread(target=self._listen, name="payment changes", daemon=True).start()
        try:
            yield changed
        finally:
            with self._lock:
                others = self._watchers[key]
                others.discard(changed)
                if not others:
                    del self._watchers[key]

    def close(self) -> None:
        """Let all watchers go: else they would hold up a stop for as long as they have patience."""
        self.over = True
        self._wake_all()

    def _listen(self) -> None:
        while not self._is_alone():
            try:
                with _connection_of_its_own(self._engine) as connection:
                    connection.execute(f"LISTEN {CHANGED_CHANNEL}")
                    self._wake_all()  # of what happened before this line, nobody was told
                    while not self._is_alone():
                        for notice in connection.notifies(timeout=_TICK_SECONDS):
                            self._wake(notice.payload)
                        connection.execute("SELECT 1")  # or a dead peer would go unnoticed
            except (psycopg.Error, DBAPIError) as error:
                log.warning("not listening to the database", error=str(error))
                time.sleep(_PAUSE_SECONDS)

    def _is_alone(self) -> bool:
        """Whether nobody watches any more; then the next to come begins anew."""
        with self._lock:
            if not self._watchers:
                self._listening = False
            return not self._listening

    def _wake(self, key: str) -> None:
        with self._lock:
            for changed in self._watchers.get(key, ()):
                changed.set()

    def _wake_all(self) -> None:
        with self._lock:
            for watchers in self._watchers.values():
                for changed in watchers:
                    changed.set()


@contextmanager
def _connection_of_its_own(engine: Engine) -> Iterator["psycopg.Connection[Any]"]:
    """A connection that belongs to no pool: it is held for as long as pages are open."""
    pooled = engine.raw_connection()
    connection = pooled.driver_connection
    pooled.detach()
    if not isinstance(connection, psycopg.Connection):
        raise TypeError("live pages need psycopg")
    try:
        connection.rollback()
        connection.autocommit = True
        yield connection
    finally:
        connection.close()
