"""A message with all that travels beside it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from hotspot.contract import message as contract
from hotspot.contract.message import InvalidMessage, Message, NotKnownYet, utc_text
from hotspot.contract.rows import Delay
from hotspot.contract.topology import UnknownMessage, route_of, row_named, stale_after
from hotspot.ids import new_id

Headers = Mapping[str, str | int | bool]


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """One message on its way. `attempt` counts from 1; `causation_id` is what it answers."""

    message_id: UUID
    name: str
    version: int
    correlation_id: UUID
    causation_id: UUID | None
    sent_at: datetime
    sender: str
    body: bytes
    attempt: int = 1
    was_failed: bool = False  # sent again from the failed jobs

    def open(self) -> Message:
        """The message inside, as the type that its listener handles, also of an older version.

        Raises InvalidMessage; NotKnownYet (which is one) where newer code may know it.
        """
        try:
            row = row_named(self.name)
        except UnknownMessage as error:
            raise NotKnownYet(str(error)) from error
        try:
            payload = json.loads(self.body)
        except ValueError as error:
            raise InvalidMessage(f"the body is not JSON: {error}") from error
        newest = contract.brought_up(row.message, payload, self.version)
        return contract.load(row.handled_as, newest)

    def again(self) -> "Envelope":
        """The same message on its next attempt."""
        return replace(self, attempt=self.attempt + 1)

    def headers(self) -> dict[str, str | int | bool]:
        """What goes into AMQP headers, beside the standard properties."""
        headers: dict[str, str | int | bool] = {
            "version": self.version,
            "sent_at": utc_text(self.sent_at),
            "attempt": self.attempt,
        }
        if self.causation_id is not None:
            headers["causation_id"] = str(self.causation_id)
        if self.was_failed:
            headers["was_failed"] = True
        return headers


def enclose(
    message: Message,
    *,
    sender: str,
    now: datetime,
    correlation_id: UUID | None = None,
    causation_id: UUID | None = None,
) -> Envelope:
    """A message ready to be sent. It begins a correlation of its own where none is given."""
    message_id = new_id()
    return Envelope(
        message_id=message_id,
        name=message.NAME,
        version=message.VERSION,
        correlation_id=correlation_id or message_id,
        causation_id=causation_id,
        sent_at=now,
        sender=sender,
        body=json.dumps(contract.dump(message), separators=(",", ":")).encode(),
    )


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """An envelope with its address. After `stale_after` in its queue nobody wants it any more."""

    exchange: str
    routing_key: str
    envelope: Envelope
    notes: Headers | None = None  # further headers: why it was parked
    stale_after: timedelta | None = None

    @classmethod
    def waiting(cls, envelope: Envelope, *, delay: Delay, queue: str) -> "Parcel":
        """By way of a delay queue, which gives it to the queue it is meant for afterwards."""
        return cls(exchange=delay.name, routing_key=queue, envelope=envelope)

    @classmethod
    def of(cls, message: Message, envelope: Envelope) -> "Parcel":
        """Addressed as the contract's table says."""
        exchange, routing_key = route_of(message)
        return cls(
            exchange=exchange,
            routing_key=routing_key,
            envelope=envelope,
            stale_after=stale_after(message),
        )
