"""The answers to logins, kept for people: written in batches, off the answer's path."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import Engine, insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from hotspot.bus import ledger
from hotspot.contract.sessions import LoginAccepted
from radius_service.counters import Counters
from radius_service.dispatch import Dispatch, parcels_of
from radius_service.logins import Accepted, Login, Rejected
from radius_service.models import RadPostAuth
from radius_service.waiting import Waiting

log = structlog.get_logger()

_AT_ONCE = 500
_MOST_WAITING = 20_000
_TRIES = 5
# Nobody waits for these rows: under load a pause makes few large batches of many small ones.
_PAUSE_SECONDS = 0.05


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A login and its answer. The password is not among it."""

    login: Login
    decision: Accepted | Rejected
    at: datetime

    @property
    def row(self) -> dict[str, object]:
        """As radpostauth keeps it."""
        accepted = self.decision if isinstance(self.decision, Accepted) else None
        return {
            "username": self.login.username or "(unreadable)",
            "reply": "Access-Accept" if accepted else "Access-Reject",
            "calledstationid": self.login.called,
            "callingstationid": self.login.mac,
            "authdate": self.at,
            "class_": str(accepted.grant_id) if accepted else None,
        }

    @property
    def told(self) -> list[LoginAccepted]:
        """The event of an accepted login."""
        if not isinstance(self.decision, Accepted):
            return []
        return [
            LoginAccepted(
                user_id=self.decision.user_id,
                username=self.login.username or "",
                grant_id=self.decision.grant_id,
                payment_id=self.decision.payment_id,
                nas=self.login.nas,
                accepted_at=self.at,
                mac=self.login.mac,
            )
        ]


class Journal:
    """Writes entries in a thread of its own. While the database is away, they wait."""

    def __init__(self, engine: Engine, dispatch: Dispatch, counters: Counters) -> None:
        self._engine = engine
        self._dispatch = dispatch
        self._counters = counters
        self._waiting: Waiting[Entry] = Waiting(_MOST_WAITING)
        self._stopped = threading.Event()

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
            for _ in range(_TRIES):
                if self._is_written(entries) or self._stopped.wait(0.5):
                    break
            else:
                self._counters.add("journal_shed", len(entries))
            self._stopped.wait(_PAUSE_SECONDS)

    def _is_written(self, entries: Sequence[Entry]) -> bool:
        told = [message for entry in entries for message in entry.told]
        try:
            with Session(self._engine) as db:
                db.execute(insert(RadPostAuth), [entry.row for entry in entries])
                parcels = parcels_of(told, entries[-1].at)
                ledger.put_in_outbox(db, parcels)
                db.commit()
        except DBAPIError as error:
            log.warning("logins not recorded yet", error=str(error.orig), entries=len(entries))
            return False
        self._dispatch.hand_over(parcels)
        return True
