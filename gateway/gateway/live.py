"""Live events: one process listens to PostgreSQL once, and tells all of its streams.

What comes is kept once for all listeners; each has no more than its place in it, so that one who
takes nothing costs nothing, and a thousand who come back at once ask the database nothing.
"""

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar
from uuid import UUID

import psycopg
import structlog
from sqlalchemy import Connection, Engine, Row, select
from sqlalchemy.exc import DBAPIError

from gateway import tokens
from gateway.events import CHANNEL
from gateway.models import RecordedEvent
from gateway.recent import PIECE, Passed, Piece, Recent, Told, joined
from gateway.tokens import ENDED_CHANNEL

log = structlog.get_logger()

T = TypeVar("T")

READ_AT_ONCE = 500
# About half a megabyte: the newest events, for those who come back.
ROOM = 1000
KEEP_ALIVE_SECONDS = 15.0
# At most; a stream ends with its access token, and at once with its account or key.
LIVES_SECONDS = tokens.ACCESS_LIVES.total_seconds()
# Listeners who were away for long read the database; everyone else needs its connections too.
READERS_AT_ONCE = 4


class NotListening(Exception):
    """The database cannot be listened to just now."""


class Subscription:
    """One listener's place. Ends when left, or when its subject may listen no more."""

    def __init__(self, hub: "Hub", subject: str, seen: int) -> None:
        self.subject = subject
        self.ended = False
        self._hub = hub
        self._seen = seen

    def go_back_to(self, engine: Engine, last_event_id: UUID) -> None:
        """Have `take` begin with what came after an event, or with all that is kept."""
        seen = self._hub.seq_of(last_event_id)
        if seen is None:
            seen = self._hub.read(engine, lambda found: _seq_of(found, last_event_id))
        self._seen = seen

    def take(self, engine: Engine, timeout: float) -> bytes | None:
        """The next events, or None where there were none in time or the subscription ended."""
        until = time.monotonic() + timeout
        while not self.ended:
            news = self._hub.news
            try:
                piece = self._hub.after(self._seen)
            except Passed:  # no connection is kept while a reader takes its time
                older = self._hub.read(engine, lambda found: told_after(found, self._seen, PIECE))
                if not older:
                    self._seen = self._hub.floor
                    continue
                piece = joined(older)
            if piece is not None:
                self._seen = piece.seq
                return piece.frames
            left = until - time.monotonic()
            if left <= 0:
                return None
            news.wait(left)
        return None

    def leave(self) -> None:
        """Listen no more."""
        self.ended = True
        self._hub.forget(self)


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
        # Set once something new can be had, and replaced: nobody who looks before can miss it.
        self.news = threading.Event()
        self._engine = engine
        self._look_every = look_every
        self._room = room
        self._lock = threading.Lock()
        self._readers = threading.BoundedSemaphore(READERS_AT_ONCE)
        self._listeners: set[Subscription] = set()
        self._thread: threading.Thread | None = None
        self._listening = threading.Event()
        self._closing = threading.Event()
        self._recent: Recent | None = None

    @property
    def floor(self) -> int:
        """Everything that came after this number can be had from `after`."""
        return self._known().floor

    def subscribe(self, subject: str = "", patience: float = 5.0) -> Subscription:
        """A place for one more listener: every event committed from now on. Raises NotListening."""
        if self._closing.is_set():
            raise NotListening
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="live events", daemon=True)
                self._thread.start()
        if not self._listening.wait(patience):
            raise NotListening
        with self._lock:
            subscription = Subscription(self, subject, self._known().newest)
            self._listeners.add(subscription)
        return subscription

    def forget(self, subscription: Subscription) -> None:
        """Tell it nothing more."""
        with self._lock:
            self._listeners.discard(subscription)

    def after(self, seq: int) -> Piece | None:
        """What comes next after a number; None where nothing does yet. Raises Passed."""
        with self._lock:
            return self._known().after(seq)

    def seq_of(self, message_id: UUID) -> int | None:
        """The number of a new event; None where it is old or none of ours."""
        with self._lock:
            return self._known().seq_of(message_id)

    def read(self, engine: Engine, wanted: Callable[[Connection], T]) -> T:
        """Ask the database, a few listeners at a time."""
        with self._readers, engine.connect() as connection:
            return wanted(connection)

    def close(self) -> None:
        """End all streams, and the listening."""
        self._closing.set()
        self._end(self._now_listening())
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
            connection.exec_driver_sql(f"LISTEN {ENDED_CHANNEL}")
            if self._recent is None:
                self._recent = _newest(connection, self._room)
            self._listening.set()
            driver = connection.connection.dbapi_connection
            assert isinstance(driver, psycopg.Connection)
            while not self._closing.is_set():
                self._tell_new(connection)
                for told in driver.notifies(timeout=self._look_every, stop_after=1):
                    if told.channel == ENDED_CHANNEL:
                        who = told.payload
                        self._end([one for one in self._now_listening() if one.subject == who])

    def _tell_new(self, connection: Connection) -> None:
        recent = self._known()
        while portion := told_after(connection, recent.newest, READ_AT_ONCE):
            with self._lock:
                recent.add(portion)
            self._wake()

    def _end(self, over: Iterable[Subscription]) -> None:
        for subscription in over:
            subscription.leave()
        self._wake()

    def _wake(self) -> None:
        told, self.news = self.news, threading.Event()
        told.set()

    def _now_listening(self) -> list[Subscription]:
        with self._lock:
            return list(self._listeners)

    def _known(self) -> Recent:
        assert self._recent is not None, "subscribe first"
        return self._recent


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
    end = time.monotonic() + lives
    try:
        if last_event_id is not None:
            subscription.go_back_to(engine, last_event_id)
        while not subscription.ended and (left := end - time.monotonic()) > 0:
            piece = subscription.take(engine, min(keep_alive, left))
            if not subscription.ended:
                yield piece or b": still here\n\n"
    except DBAPIError as error:  # the listener comes back, and has missed nothing
        log.warning("live events interrupted", error=str(error.orig))


def told_after(connection: Connection, seq: int, at_most: int) -> list[Told]:
    """The events next after a number: some of them where there are many."""
    wanted = (
        select(RecordedEvent.__table__)
        .where(RecordedEvent.seq > seq)
        .order_by(RecordedEvent.seq)
        .limit(at_most)
    )
    return [_told(row) for row in connection.execute(wanted)]


def _newest(connection: Connection, room: int) -> Recent:
    """What was told last: for those who come back to a gateway that was started anew."""
    by_age = select(RecordedEvent.seq).order_by(RecordedEvent.seq.desc())
    recent = Recent(connection.scalar(by_age.offset(room).limit(1)) or 0, room)
    recent.add(told_after(connection, recent.floor, room))
    return recent


def _seq_of(connection: Connection, message_id: UUID) -> int:
    """The number of an event; 0, before all that are kept, where it is not kept any more."""
    wanted = select(RecordedEvent.seq).where(RecordedEvent.message_id == message_id)
    return connection.scalar(wanted) or 0


def _told(row: Row[Any]) -> Told:
    data = json.dumps(row.payload, separators=(",", ":"))
    frame = f"id: {row.message_id}\nevent: {row.name}\ndata: {data}\n\n".encode()
    return Told(seq=row.seq, message_id=row.message_id, frame=frame)
