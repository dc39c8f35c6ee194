"""The timer: makes a round each second, so that nobody stays online past the paid time.

What is due stands in the database: a restart forgets nothing. Each process of the RADIUS server
has one; of those that are due together, one makes the round.
"""

import threading
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from hotspot.bus import ledger
from hotspot.bus.envelope import Parcel, enclose
from hotspot.clock import Clock
from radius_service.dispatch import SENDER, Dispatch
from radius_service.letters import Letter
from radius_service.rounds import make_round

log = structlog.get_logger()

EVERY_SECONDS = 1.0
# The promise is told at least this often, so that a figure that is old can be seen to be old.
TELL_EVERY = timedelta(minutes=1)


class SessionTimer:
    """Makes rounds in a thread of its own."""

    def __init__(self, engine: Engine, dispatch: Dispatch, clock: Clock) -> None:
        self._engine = engine
        self._dispatch = dispatch
        self._clock = clock

    def run(self, stopped: threading.Event) -> None:
        """Make rounds until stopped. While the database is away, the next second tries again."""
        while not stopped.wait(EVERY_SECONDS):
            try:
                while self.tick() and not stopped.is_set():
                    pass
            except DBAPIError as error:
                log.warning("no round made", error=str(error.orig))

    def tick(self) -> bool:
        """Make one round; True where there is more to do at once."""
        now = self._clock()
        with Session(self._engine) as db:
            made = make_round(db, now, tell_every=TELL_EVERY)
            if made is None:
                return False
            parcels = [_parcel(letter, now) for letter in made.letters]
            ledger.put_in_outbox(db, parcels)
            db.commit()
        self._dispatch.hand_over(parcels)
        return made.is_full


def _parcel(letter: Letter, now: datetime) -> Parcel:
    envelope = enclose(letter.message, sender=SENDER, now=now, correlation_id=letter.payment_id)
    return Parcel.of(letter.message, envelope)
