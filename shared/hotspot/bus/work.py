"""What a handler gets to work with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy.orm import Session

from hotspot.bus.envelope import Envelope, Parcel, enclose
from hotspot.contract.message import Message
from hotspot.contract.topology import delay_of, queue_of

M = TypeVar("M", bound=Message)
Intent = TypeVar("Intent")
Result = TypeVar("Result")


@dataclass(kw_only=True)
class Work:
    """One message in hand: the open transaction, the time, and what is sent when it commits.

    `last_try`: a Retry raised now makes it a failed job.
    """

    session: Session
    now: datetime
    envelope: Envelope
    service: str
    last_try: bool = False
    sent: list[Parcel] = field(default_factory=list)

    def send(
        self,
        message: Message,
        *,
        correlation_id: UUID | None = None,
        after: timedelta = timedelta(0),
    ) -> None:
        """Record a message in the outbox: it leaves if, and only if, the transaction commits.

        With `after`, a job waits in the shortest delay queue that is long enough.
        """
        envelope = enclose(
            message,
            sender=self.service,
            now=self.now,
            correlation_id=correlation_id or self.envelope.correlation_id,
            causation_id=self.envelope.message_id,
        )
        self.sent.append(
            Parcel.waiting(envelope, delay=delay_of(after), queue=queue_of(message).name)
            if after
            else Parcel.of(message, envelope)
        )


Handler = Callable[[M, Work], None]


@dataclass(frozen=True, kw_only=True)
class Unclear:
    """The call to the outside ended without an answer: whether it was done is not known."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Outside(Generic[M, Intent, Result]):
    """A handler that calls the world outside, in three steps that each fit on a screen.

    `prepare(message, work)`: one transaction that writes down what is about to happen and answers
    with the intent; None when there is nothing (more) to do. Commits before anything is called.
    `act(intent)`: the call, outside any transaction. Raises Retry only when it is certain that
    nothing was done; any other exception becomes Unclear.
    `record(message, intent, result, work)`: the transaction that ends the job.

    After a crash between prepare and record the message comes again with the same
    `envelope.attempt`; after a Retry it comes with the next one. So a prepare that finds its own
    mark of the same attempt knows that the outcome is unclear, and must not call again.
    """

    prepare: Callable[[M, Work], Intent | None]
    act: Callable[[Intent], Result]
    record: Callable[[M, Intent, Result | Unclear, Work], None]


Handlers = Mapping[type[Message], Handler[Any] | Outside[Any, Any, Any]]
