"""Handlers inside transactions: alone or in a group, at home or outside. Knows no broker."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from hotspot.bus import ledger
from hotspot.bus.database import is_away, wait_until_back
from hotspot.bus.envelope import Envelope, Parcel, enclose
from hotspot.bus.outcome import JobTimedOut, Reject, Retry, reason_of
from hotspot.bus.tables import inbox
from hotspot.bus.watch import Watch
from hotspot.bus.work import Handler, Handlers, Outside, Unclear, Work
from hotspot.clock import Clock
from hotspot.contract.message import Message
from hotspot.contract.operations import Step, StepsRecorded
from hotspot.contract.rows import Event, Job
from hotspot.contract.topology import row_named

log = structlog.get_logger()

RECORD_TRIES = 3
RECORD_WITHIN_SECONDS = 60.0


class OutcomeNotRecorded(Exception):
    """The outside was called, and what came of it could not be written down.

    The message must come again with the same attempt, so that its handler's prepare finds its own
    mark and calls nothing twice.
    """


class WorkerKeepsDying(Reject):
    """Workers died or hung while handling this message, as often as it may be tried."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """A delivery that was understood: what the worker hands to the handlers."""

    queue: str
    envelope: Envelope
    message: Message
    redelivered: bool = False

    @property
    def row(self) -> Job | Event:
        """Its row in the contract."""
        return row_named(self.envelope.name)

    @property
    def place(self) -> str:
        """Where it stands in a group: all groups touch rows in this one order."""
        key = self.row.key
        return str(getattr(self.message, key)) if key else ""


def timeout_in_contract(task: Task) -> float:
    """Seconds that the contract allows a task."""
    return task.row.timeout


@dataclass(kw_only=True)
class Transaction:
    """One commit: its rows, what it sends, and the steps that it took."""

    session: Session
    parcels: list[Parcel] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Handling:
    """Runs the handlers of one service. Each run answers with what must be published now."""

    service: str
    handlers: Handlers
    engine: Engine
    clock: Clock
    timeout_of: Callable[[Task], float] = timeout_in_contract
    watch: Watch = field(default_factory=Watch)

    def run_together(self, tasks: Sequence[Task]) -> list[Parcel]:
        """All tasks in one transaction, each once. Any failure undoes all of them."""
        first = tasks[0]
        seconds = max(self.timeout_of(task) for task in tasks)
        self.watch.grouped(len(tasks))
        with self.watch.job(seconds), self._transaction(first.queue) as open_:
            ids = [task.envelope.message_id for task in tasks]
            fresh = ledger.mark_handled(open_.session, first.queue, ids)
            for task in sorted(tasks, key=lambda task: task.place):
                if task.envelope.message_id in fresh:
                    fresh.remove(task.envelope.message_id)
                    self._run_in(open_, task)
                else:
                    open_.steps.append(self._step(task, self.clock(), 0.0, "repeated"))
            retried = [task.envelope.message_id for task in tasks if task.envelope.was_failed]
            if retried:
                ledger.forget_failures(open_.session, retried)
        return open_.parcels

    def run_alone(self, task: Task, *, again: bool = False) -> list[Parcel]:
        """One task, in a transaction of its own (or two, when it calls the outside).

        `again`: this delivery has been run before by this worker, which evidently lives.
        """
        if task.redelivered and not again:
            self._count_restart(task)
        handler = self.handlers[type(task.message)]
        if isinstance(handler, Outside):
            return self._run_outside(task, handler)
        parcels = self.run_together([task])
        if task.redelivered:
            self._forget_restarts(task)
        return parcels

    def step_of_failure(
        self, task: Task, outcome: str, error: str, began: datetime
    ) -> Parcel | None:
        """The timeline's entry for a run that was undone; None where the message has none."""
        took = (self.clock() - began).total_seconds() * 1000
        step = self._step(task, began, took, outcome, error)
        self.watch.ended(task.queue, [step])
        return self._parcel([step]) if task.row.traced else None

    def _run_in(self, open_: Transaction, task: Task) -> None:
        handler: Handler[Message] = self.handlers[type(task.message)]  # type: ignore[assignment]
        work = self._work(open_.session, task)
        began = time.perf_counter()
        with named(task):
            handler(task.message, work)
            took = (time.perf_counter() - began) * 1000
            log.info("handled", took_ms=round(took, 1), sent=[p.envelope.name for p in work.sent])
        open_.parcels.extend(work.sent)
        open_.steps.append(self._step(task, work.now, took, "done"))

    def _run_outside(self, task: Task, handler: Outside[Message, object, object]) -> list[Parcel]:
        began, started = self.clock(), time.perf_counter()
        with (
            named(task),
            self.watch.job(self.timeout_of(task)),
            self._transaction(task.queue) as first,
        ):
            if _was_handled(first.session, task):
                first.steps.append(self._step(task, began, 0.0, "repeated"))
                return first.parcels
            work = self._work(first.session, task)
            intent = handler.prepare(task.message, work)
            first.parcels.extend(work.sent)
            if intent is None:
                self._finish(first, task, began, started)
                return first.parcels
        result = self._act(task, handler, intent)

        def record() -> list[Parcel]:
            with (
                named(task),
                self.watch.job(self.timeout_of(task)),
                self._transaction(task.queue) as last,
            ):
                work = self._work(last.session, task)
                handler.record(task.message, intent, result, work)
                last.parcels.extend(work.sent)
                self._finish(last, task, began, started)
            return last.parcels

        return first.parcels + self._surely(record)

    def _surely(self, record: Callable[[], list[Parcel]]) -> list[Parcel]:
        """Record what cannot be undone, through what trouble the database may have."""
        for _ in range(RECORD_TRIES):
            try:
                return record()
            except (Retry, Reject):
                raise
            except (Exception, JobTimedOut) as error:  # none may look like a Retry
                log.exception("outcome not recorded yet")
                if is_away(error):
                    wait_until_back(self.engine, self._for_a_while())
                last_error = error
        raise OutcomeNotRecorded(reason_of(last_error)) from last_error

    def _for_a_while(self) -> Callable[[], bool]:
        """True once RECORD_WITHIN_SECONDS are over."""
        end = time.monotonic() + RECORD_WITHIN_SECONDS

        def is_over() -> bool:
            self.watch.turned()
            return time.monotonic() > end

        return is_over

    def _act(self, task: Task, handler: Outside[Message, object, object], intent: object) -> object:
        """Call the outside. Only a Retry says that nothing was done; all else is unclear."""
        with named(task):
            try:
                with self.watch.job(self.timeout_of(task)):
                    return handler.act(intent)
            except Retry:
                raise
            except (Exception, JobTimedOut) as error:  # see above
                log.exception("outcome unclear")
                return Unclear(reason=reason_of(error))

    def _finish(self, open_: Transaction, task: Task, began: datetime, started: float) -> None:
        message_id = task.envelope.message_id
        ledger.mark_handled(open_.session, task.queue, [message_id])
        if task.envelope.was_failed:
            ledger.forget_failures(open_.session, [message_id])
        if task.redelivered:
            ledger.forget_restarts(open_.session, task.queue, message_id)
        took = (time.perf_counter() - started) * 1000
        log.info("handled", took_ms=round(took, 1), sent=[p.envelope.name for p in open_.parcels])
        open_.steps.append(self._step(task, began, took, "done"))

    def _count_restart(self, task: Task) -> None:
        with Session(self.engine) as session:
            begun = ledger.count_restart(session, task.queue, task.envelope.message_id)
            session.commit()
        if begun > task.row.tries:
            raise WorkerKeepsDying(f"its worker died or hung {begun - 1} times while handling it")

    def _forget_restarts(self, task: Task) -> None:
        with Session(self.engine) as session:
            ledger.forget_restarts(session, task.queue, task.envelope.message_id)
            session.commit()

    @contextmanager
    def _transaction(self, queue: str) -> Iterator[Transaction]:
        """Rows, inbox and outbox in one commit; the timeline's entry rides along."""
        with Session(self.engine, expire_on_commit=False) as session:
            open_ = Transaction(session=session)
            try:
                yield open_
            except JobTimedOut:
                # The connection may be in the middle of a query: it can only be thrown away.
                session.invalidate()
                raise
            traced = [step for step in open_.steps if row_named(step.message).traced]
            if traced:
                open_.parcels.append(self._parcel(traced))
            ledger.put_in_outbox(session, open_.parcels)
            session.commit()
        self.watch.ended(queue, open_.steps)

    def _work(self, session: Session, task: Task) -> Work:
        return Work(
            session=session,
            now=self.clock(),
            envelope=task.envelope,
            service=self.service,
            last_try=task.envelope.attempt >= task.row.tries,
        )

    def _step(
        self, task: Task, began: datetime, took_ms: float, outcome: str, error: str | None = None
    ) -> Step:
        envelope = task.envelope
        return Step(
            message_id=envelope.message_id,
            message=envelope.name,
            correlation_id=envelope.correlation_id,
            causation_id=envelope.causation_id,
            attempt=envelope.attempt,
            sent_at=envelope.sent_at,
            started_at=began,
            duration_ms=round(took_ms, 3),
            outcome=outcome,  # type: ignore[arg-type]
            error=error,
        )

    def _parcel(self, steps: Sequence[Step]) -> Parcel:
        recorded = StepsRecorded(service=self.service, steps=tuple(steps))
        return Parcel.of(recorded, enclose(recorded, sender=self.service, now=self.clock()))


@contextmanager
def named(task: Task) -> Iterator[None]:
    """Every log line written meanwhile carries the ids of the message in hand."""
    with structlog.contextvars.bound_contextvars(
        message=task.envelope.name,
        message_id=str(task.envelope.message_id),
        correlation_id=str(task.envelope.correlation_id),
        causation_id=str(task.envelope.causation_id),
        attempt=task.envelope.attempt,
    ):
        yield


def _was_handled(session: Session, task: Task) -> bool:
    handled = select(inbox.c.queue).where(
        inbox.c.message_id == task.envelope.message_id, inbox.c.queue == task.queue
    )
    return session.execute(handled).first() is not None
