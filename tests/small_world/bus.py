"""The bus without a broker: every message waits until a test hands it to its handler.

A test may kill the worker meanwhile: before the commit, between the two halves of a job that calls
the outside, or after the commit and before the acknowledgement. The message then comes again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from hotspot.bus import ledger
from hotspot.bus.envelope import Envelope, Parcel, enclose
from hotspot.bus.handling import Handling, Task
from hotspot.bus.outcome import GiveUp, Reject, Retry, decide
from hotspot.bus.work import Handlers, Outside, Work
from hotspot.contract.message import Message
from hotspot.contract.rows import Job
from hotspot.contract.table import DELAYS, QUEUES
from hotspot.contract.topology import row_named

# What a worker may be doing when it dies. `unacked`: the commit is done, the broker knows nothing.
Death = Literal["handling", "calling", "called", "unacked"]

_SECONDS = {delay.name: delay.seconds for delay in DELAYS}
_OWNER = {queue.name: queue.of.name for queue in QUEUES}


class Killed(BaseException):
    """The worker's process is gone. Nothing may catch it, as nothing catches SIGKILL."""


@dataclass(kw_only=True)
class Waiting:
    """A message in a queue, not before `due`."""

    queue: str
    envelope: Envelope
    due: datetime
    redelivered: bool = False
    deaths: int = 0

    def task(self) -> Task:
        """As a worker hands it to the handlers."""
        return Task(
            queue=self.queue,
            envelope=self.envelope,
            message=self.envelope.open(),
            redelivered=self.redelivered,
        )


@dataclass(kw_only=True)
class Bus:
    """Queues of some services, and one worker for all of them."""

    now: datetime
    waiting: list[Waiting] = field(default_factory=list)
    failed: list[tuple[Waiting, str]] = field(default_factory=list)
    sent: list[Message] = field(default_factory=list)
    _handling: dict[str, Handling] = field(default_factory=dict)
    _death: Death | None = None

    def serve(self, service: str, handlers: Handlers, engine: Engine) -> None:
        """Have a service's messages handled by its own handlers, on its own database."""
        mortal: Mapping[type[Message], Any] = {
            message: self._mortal(handler) for message, handler in handlers.items()
        }
        self._handling[service] = Handling(
            service=service, handlers=mortal, engine=engine, clock=lambda: self.now
        )

    def post(self, message: Message, *, correlation_id: UUID | None = None) -> None:
        """Somebody outside sends a message."""
        envelope = enclose(message, sender="test", now=self.now, correlation_id=correlation_id)
        self._route([Parcel.of(message, envelope)])

    def put(self, parcels: Sequence[Parcel]) -> None:
        """What an outbox held comes to its queues after all."""
        self._route(parcels)

    def due(self) -> Sequence[Waiting]:
        """What could be handled now."""
        return [one for one in self.waiting if one.due <= self.now]

    def next_due(self) -> datetime | None:
        """When something can be handled."""
        return min((one.due for one in self.waiting), default=None)

    def handle(self, one: Waiting, death: Death | None = None) -> None:
        """Hand a message to its handler, whose worker may die meanwhile."""
        handling = self._handling[_OWNER[one.queue]]
        self._death = death
        try:
            parcels = handling.run_alone(one.task())
        except Killed:
            self._comes_again(one)
            return
        except (Retry, Reject) as error:
            self._try_later(one, error)
            return
        finally:
            self._death = None
        self._route(parcels)
        if death == "unacked":
            self._comes_again(one)
        else:
            self.waiting.remove(one)

    def handle_together(self, group: Sequence[Waiting]) -> None:
        """Hand messages of one queue to their handlers in one transaction, as under load."""
        handling = self._handling[_OWNER[group[0].queue]]
        try:
            parcels = handling.run_together([one.task() for one in group])
        except (Retry, Reject):
            for one in group:  # all of it was undone: each runs alone
                self.handle(one)
            return
        self._route(parcels)
        for one in group:
            self.waiting.remove(one)

    def retry_failed(self) -> None:
        """An operator sends the failed jobs again."""
        for one, _ in self.failed:
            engine = self._handling[_OWNER[one.queue]].engine
            with Session(engine) as session:
                ledger.forget_restarts(session, one.queue, one.envelope.message_id)
                session.commit()
            again = replace(one.envelope, attempt=1, was_failed=True)
            self.waiting.append(Waiting(queue=one.queue, envelope=again, due=self.now))
        self.failed.clear()

    def _comes_again(self, one: Waiting) -> None:
        one.redelivered = True
        one.deaths += 1

    def _try_later(self, one: Waiting, error: Exception) -> None:
        self.waiting.remove(one)
        outcome = decide(error, attempt=one.envelope.attempt, row=row_named(one.envelope.name))
        if isinstance(outcome, GiveUp):
            self.failed.append((one, outcome.reason))
            return
        due = self.now + timedelta(seconds=outcome.delay.seconds)
        again = one.envelope.again()
        self.waiting.append(Waiting(queue=one.queue, envelope=again, due=due))

    def _route(self, parcels: Sequence[Parcel]) -> None:
        for parcel in parcels:
            row = row_named(parcel.envelope.name)
            if not row.traced:
                continue
            if parcel.exchange in _SECONDS:
                due = self.now + timedelta(seconds=_SECONDS[parcel.exchange])
                queues = [parcel.routing_key]
            else:
                due, queues = self.now, [queue.name for queue in row.lands_in]
            self.sent.append(parcel.envelope.open())
            self.waiting.extend(
                Waiting(queue=queue, envelope=parcel.envelope, due=due)
                for queue in queues
                if self._is_handled(queue, row.handled_as)
            )

    def _is_handled(self, queue: str, message: type[Message]) -> bool:
        handling = self._handling.get(_OWNER[queue])
        return handling is not None and message in handling.handlers

    def _mortal(self, handler: Any) -> Any:
        """The same handler, in a process that can die in it."""
        if not isinstance(handler, Outside):

            def handle(message: Message, work: Work) -> None:
                handler(message, work)
                self._die_if("handling", "calling", "called")

            return handle

        def prepare(message: Message, work: Work) -> object:
            intent = handler.prepare(message, work)
            self._die_if("handling")
            return intent

        def act(intent: object) -> object:
            self._die_if("calling")
            return handler.act(intent)

        def record(message: Message, intent: object, result: object, work: Work) -> None:
            handler.record(message, intent, result, work)
            self._die_if("called")

        return Outside(prepare=prepare, act=act, record=record)

    def _die_if(self, *moments: Death) -> None:
        if self._death in moments:
            raise Killed


def may_be_grouped(one: Waiting) -> bool:
    """Whether a worker may take a message into one transaction with others."""
    row = row_named(one.envelope.name)
    return not row.outside and not one.redelivered and isinstance(row, Job)
