"""What was told by a commit leaves at once. What does not stays in the outbox for the sweeper."""

from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from hotspot.bus import ledger
from hotspot.bus.envelope import Parcel, enclose
from hotspot.bus.transport import BrokerAway, Publishing, Unroutable
from hotspot.contract.sessions import LoginAccepted
from radius_service.sessions import Told
from radius_service.waiting import Waiting

log = structlog.get_logger()

SENDER = "radius"
_AT_ONCE = 200
_MOST_WAITING = 20_000


def parcels_of(messages: Sequence[LoginAccepted | Told], now: datetime) -> list[Parcel]:
    """Messages about logins and sessions, each joined to the payment that it belongs to."""
    return [_parcel(message, now) for message in messages]


def _parcel(message: LoginAccepted | Told, now: datetime) -> Parcel:
    envelope = enclose(message, sender=SENDER, now=now, correlation_id=message.payment_id)
    return Parcel.of(message, envelope)


class Dispatch:
    """Publishes what other threads have committed, in a thread of its own."""

    def __init__(self, engine: Engine, publisher: Publishing) -> None:
        self._engine = engine
        self._publisher = publisher
        self._waiting: Waiting[Parcel] = Waiting(_MOST_WAITING)

    def hand_over(self, parcels: Sequence[Parcel]) -> None:
        """Parcels that are in the outbox. What finds no room here is the sweeper's."""
        self._waiting.put(parcels)

    def close(self) -> None:
        """Publish what waits, then let `run` return."""
        self._waiting.close()

    def run(self) -> None:
        """Publish until closed."""
        while parcels := self._waiting.take(_AT_ONCE):
            self._publish(parcels)

    def _publish(self, parcels: list[Parcel]) -> None:
        try:
            self._publisher.publish(parcels)
        except BrokerAway as error:
            log.warning("not sent yet", error=str(error), parcels=len(parcels))
            return
        except Unroutable as error:
            log.error("unroutable", error=str(error))
            return
        try:
            with self._engine.begin() as connection:
                ids = [parcel.envelope.message_id for parcel in parcels]
                ledger.clear_outbox(connection, ids)
        except DBAPIError as error:  # the sweeper sends them once more, and inboxes ignore that
            log.warning("outbox not cleared", error=str(error.orig))
