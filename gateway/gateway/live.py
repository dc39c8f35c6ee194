"""Live events: one process listens to PostgreSQL once, and tells all of its streams."""

import contextlib
import json
import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
import structlog
from sqlalchemy import Connection, Engine, Row, func, select
from sqlalchemy.exc import DBAPIError

from gateway import tokens
from gateway.events import CHANNEL
from gateway.models import RecordedEvent

log = structlog.get_logger()

READ_AT_ONCE = 500
# What may wait for a reader; one that is further behind is let go, and catches up when it returns.
ROOM = 500
KEEP_ALIVE_SECONDS = 15.0
# A stream lives as long as an access token at most: whoever lost their role is out by then.
LIVES_SECONDS = tokens.ACCESS_LIVES.total_seconds()


class NotListening(Exception):
    """The database cannot be listened to just now."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """An event as it goes to every listener: made once, however many there are."""

    seq: int
    frame: bytes


class Subscription:
    """One listener's place. Ends when left, or when its reader is too slow."""

    def __init__(self, hub: "Hub", room: int) -> None:
        self._hub = hub
        self._waiting: queue.Queue[Told | None] = queue.Queue(room)
        self.ended = False

    def put(self, told: Told) -> None:
        """Called by the hub: never waits."""
        try:
            self._waiting.put_nowait(told)
        except queue.Full:
            # From here on there is a gap: nothing after it may be shown, for the reader's last id
            # would hide it.
            log.warning("slow listener let go")
            self.leave()

    def take(self, timeout: float) -> Told | None:
        """The next event, or None where there was none in time or the subscription ended."""
        with contextlib.suppress(queue.Empty):
            told = self._waiting.get(timeout=timeout)
            return None if self.ended else told
        return None

    def leave(self) -> None:
        """Listen no more."""
        self.ended = True
        self._hub.forget(self)
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(None)  # wakes a reader that waits


class Hub:
    """Listens while there is anybody to tell. One connection, one thread (or greenlet)."""

    def __init__(
        self,
        engine: Engine,
        *,
        look_every: float = 1.0,
        keep_alive: float = KEEP_ALIVE_SECONDS,
        room: int = ROOM,
    ) -> None:
        self.keep_alive = keep_alive
        self._engine = engine
        self._look_every = look_every
        self._room = room
        self._lock = threading.Lock()
        self._listeners: set[Subscription] = set()
        self._thread: threading.Thread | None = None
        self._listening = threading.Event()
        self._closing = threading.Event()
        self._seen: int | None = None

    def subscribe(self, patience: float = 5.0) -> Subscription:
        """A place for one more listener: every event committed from now on. Raises NotListening."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="live events", daemon=True)
                self._thread.start()
        if not self._listening.wait(patience):
            raise NotListening
        subscription = Subscription(self, self._room)
        with self._lock:
            self._listeners.add(subscription)
        return subscription

    def forget(self, subscription: Subscription) -> None:
        """Tell it nothing more."""
        with self._lock:
            self._listeners.discard(subscription)

    def close(self) -> None:
        """End all streams, and the listening."""
        self._closing.set()
        for subscription in self._now_listening():
            subscription.leave()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                self._listen()
            except (DBAPIError, psycopg.Error) as error:
                log.warning("live events interrupted", error=str(error))
            finally:
                self._listening.clear()
            self._closing.wait(self._look_every)

    def _listen(self) -> None:
        with self._engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.detach()  # not one of the pool's: it is kept for as long as this runs
            connection.exec_driver_sql(f"LISTEN {CHANNEL}")
            if self._seen is None:
                self._seen = _newest(connection)
            self._listening.set()
            driver = connection.connection.dbapi_connection
            assert isinstance(driver, psycopg.Connection)
            while not self._closing.is_set():
                self._tell_new(connection)
                for _ in driver.notifies(timeout=self._look_every, stop_after=1):
                    pass

    def _tell_new(self, connection: Connection) -> None:
        assert self._seen is not None
        while portion := told_after(connection, self._seen):
            for told in portion:
                for subscription in self._now_listening():
                    subscription.put(told)
            self._seen = portion[-1].seq

    def _now_listening(self) -> list[Subscription]:
        with self._lock:
            return list(self._listeners)


def frames(
    engine: Engine,
    subscription: Subscription,
    last_event_id: UUID | None,
    *,
    keep_alive: float,
    lives: float = LIVES_SECONDS,
) -> Iterator[bytes]:
    """Server-sent events (WHATWG HTML section 9.2): what was missed, then what comes."""
    yield b"retry: 2000\n\n"
    end, shown = time.monotonic() + lives, 0
    for missed in _missed(engine, last_event_id):
        shown = missed.seq
        yield missed.frame
    while not subscription.ended and time.monotonic() < end:
        following = subscription.take(keep_alive)
        if following is None:
            if not subscription.ended:
                yield b": still here\n\n"
        elif following.seq > shown:
            shown = following.seq
            yield following.frame


def told_after(connection: Connection, seq: int) -> list[Told]:
    """The events next after a number: some of them where there are many."""
    wanted = (
        select(RecordedEvent.__table__)
        .where(RecordedEvent.seq > seq)
        .order_by(RecordedEvent.seq)
        .limit(READ_AT_ONCE)
    )
    return [Told(seq=row.seq, frame=_frame(row)) for row in connection.execute(wanted)]


def _missed(engine: Engine, last_event_id: UUID | None) -> Iterator[Told]:
    """What was broadcast after an event; no connection is kept while a reader takes its time."""
    if last_event_id is None:
        return
    with engine.connect() as connection:
        seq = _seq_of(connection, last_event_id)
    while True:
        with engine.connect() as connection:
            portion = told_after(connection, seq)
        if not portion:
            return
        yield from portion
        seq = portion[-1].seq


def _newest(connection: Connection) -> int:
    return connection.scalar(select(func.max(RecordedEvent.seq))) or 0


def _seq_of(connection: Connection, message_id: UUID) -> int:
    """The number of an event; 0, before all that are kept, where it is not kept any more."""
    wanted = select(RecordedEvent.seq).where(RecordedEvent.message_id == message_id)
    return connection.scalar(wanted) or 0


def _frame(row: Row[Any]) -> bytes:
    data = json.dumps(row.payload, separators=(",", ":"))
    return f"id: {row.message_id}\nevent: {row.name}\ndata: {data}\n\n".encode()
