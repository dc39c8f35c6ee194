"""The answers to logins, kept for people: written in batches, off the answer's path."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from hotspot.bus import ledger
from hotspot.bus.envelope import Parcel
from hotspot.contract.sessions import LoginAccepted
from radius_service import names
from radius_service.counters import Counters
from radius_service.dispatch import Dispatch, parcels_of
from radius_service.logins import Accepted, Login, Rejected
from radius_service.waiting import Waiting

log = structlog.get_logger()

_AT_ONCE = 500
_MOST_WAITING = 20_000
_TRIES = 5
QUIET_FOR = timedelta(minutes=1)
# Nobody waits for these rows: under load a pause makes few large batches of many small ones.
_PAUSE_SECONDS = 0.05


_ROWS = text("""
    INSERT INTO radpostauth (username, reply, calledstationid, callingstationid, authdate, class)
    SELECT * FROM unnest(
        CAST(:usernames AS text[]), CAST(:replies AS text[]), CAST(:called AS text[]),
        CAST(:calling AS text[]), CAST(:dates AS timestamptz[]), CAST(:classes AS text[])
    )
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A login and its answer. The password is not among it."""

    login: Login
    decision: Accepted | Rejected
    at: datetime

    @property
    def event(self) -> LoginAccepted | None:
        """The event of an accepted login."""
        if not isinstance(self.decision, Accepted):
            return None
        return LoginAccepted(
            user_id=self.decision.user_id,
            username=self.decision.username,
            grant_id=self.decision.grant_id,
            payment_id=self.decision.payment_id,
            nas=self.login.nas,
            accepted_at=self.at,
            mac=self.login.mac,
        )


class Lately:
    """Which grants were told of lately: a router in a loop must not flood the timeline."""

    def __init__(self, *, quiet_for: timedelta = QUIET_FOR, most: int = _MOST_WAITING) -> None:
        self._quiet_for = quiet_for
        self._most = most
        self._told: dict[UUID, datetime] = {}

    def is_news(self, grant_id: UUID, at: datetime) -> bool:
        """Whether this grant was not told of within the last minute; from now on it was."""
        before = self._told.get(grant_id)
        if before is not None and at - before < self._quiet_for:
            return False
        self._told.pop(grant_id, None)  # the newest go last
        self._told[grant_id] = at
        if len(self._told) > self._most:
            del self._told[next(iter(self._told))]
        return True


class Journal:
    """Writes entries in a thread of its own. While the database is away, they wait."""

    def __init__(self, engine: Engine, dispatch: Dispatch, counters: Counters) -> None:
        self._engine = engine
        self._dispatch = dispatch
        self._counters = counters
        self._waiting: Waiting[Entry] = Waiting(_MOST_WAITING)
        self._stopped = threading.Event()
        self._lately = Lately()

    def note(self, entries: Sequence[Entry]) -> None:
        """Keep these; what finds no room is only counted."""
        self._counters.add("journal_shed", len(self._waiting.put(entries)))

    def close(self) -> None:
        """Write what waits, then let `run` return."""
        self._stopped.set()
        self._waiting.close()

    def run(self) -> None:
        """Write until closed."""
        while entries := self._waiting.take(_AT_ONCE):
            self._write(entries)
            self._stopped.wait(_PAUSE_SECONDS)

    def _write(self, entries: Sequence[Entry]) -> None:
        told = [
            event
            for entry in entries
            if (event := entry.event) and self._lately.is_news(event.grant_id, entry.at)
        ]
        parcels = parcels_of(told, entries[-1].at)
        for _ in range(_TRIES):
            if self._is_written(entries, parcels):
                self._dispatch.hand_over(parcels)
                return
            if self._stopped.wait(0.5):
                break
        self._counters.add("journal_shed", len(entries))

    def _is_written(self, entries: Sequence[Entry], parcels: Sequence[Parcel]) -> bool:
        decisions = [entry.decision for entry in entries]
        accepted = [one if isinstance(one, Accepted) else None for one in decisions]
        columns = {
            "usernames": [names.username(one.login.typed or "(unreadable)") for one in entries],
            "replies": ["Access-Accept" if one else "Access-Reject" for one in accepted],
            "called": [one.login.called for one in entries],
            "calling": [one.login.mac for one in entries],
            "dates": [one.at for one in entries],
            "classes": [str(one.grant_id) if one else None for one in accepted],
        }
        try:
            with Session(self._engine) as db:
                db.execute(_ROWS, columns)
                ledger.put_in_outbox(db, parcels)
                db.commit()
        except DBAPIError as error:
            log.warning("logins not recorded yet", error=str(error.orig), entries=len(entries))
            return False
        return True
