"""A worker process: takes from its queues, runs handlers, and says what became of each message."""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import DBAPIError

from hotspot.bus import ledger
from hotspot.bus.database import is_away, is_worth_another_run, wait_until_back
from hotspot.bus.envelope import Envelope, Parcel
from hotspot.bus.failures import failure_of_parked, is_stale, notes_of, record_parked
from hotspot.bus.handling import Handling, OutcomeNotRecorded, Task, named
from hotspot.bus.outcome import GiveUp, JobTimedOut, decide
from hotspot.bus.transport import Basket, BrokerAway, Delivery, Transport, Unroutable
from hotspot.bus.wire import envelope_of, salvage
from hotspot.contract.message import InvalidMessage, NotKnownYet
from hotspot.contract.rows import Group, Queue, Service
from hotspot.contract.table import PARKED_EXCHANGE
from hotspot.contract.topology import (
    UnknownMessage,
    delay_of,
    messages_in,
    parked_queue,
    queues_of,
    row_named,
)

log = structlog.get_logger()

GROUP_OF = 50
SWEEP_EVERY = timedelta(seconds=5)
RUNS_AT_ONCE = 3
# How long what only newer code understands is kept in the queues, looked at every so often.
NEWER_COMES_WITHIN = timedelta(minutes=15)
NEWER_WAITS = timedelta(seconds=5)


class HandlersDoNotMatch(Exception):
    """The handlers of a service and its rows in the contract are not the same messages."""


def check_handlers(service: Service, groups: Sequence[Group], handling: Handling) -> None:
    """Refuse to start with a message that nobody handles. Raises HandlersDoNotMatch."""
    queues = queues_of(service, tuple(groups))
    wanted = {row.handled_as for queue in queues for row in messages_in(queue)}
    missing = sorted(message.NAME for message in wanted - set(handling.handlers))
    if missing:
        raise HandlersDoNotMatch(f"{service.name} has no handler for {', '.join(missing)}")


class Worker:
    """Runs until told to stop. One per process, in its main thread."""

    def __init__(
        self,
        *,
        service: Service,
        groups: Sequence[Group],
        handling: Handling,
        transport: Transport,
        group_of: int = GROUP_OF,
    ) -> None:
        check_handlers(service, groups, handling)
        self._service = service
        self._handling = handling
        self._transport = transport
        self._group_of = group_of
        self._queues = queues_of(service, tuple(groups))
        self._parked = parked_queue(service)
        self._basket = Basket([*(queue.name for queue in self._queues), self._parked])
        self._stopping = False
        self._swept_at = time.monotonic()

    def stop(self) -> None:
        """Finish what is in hand, then leave. May be called by a signal handler."""
        self._stopping = True

    def run(self) -> None:
        """Take and handle until stopped; what was not begun goes back to the broker."""
        self.listen()
        while not self._stopping:
            self.run_once(timeout=0.5)
        self._transport.give_back(self._basket.close())
        self._transport.close()

    def listen(self) -> None:
        """Have the broker deliver from now on."""
        prefetch = {queue.name: _prefetch(queue) for queue in self._queues} | {self._parked: 10}
        self._transport.consume(prefetch, self._basket)

    def run_once(self, timeout: float) -> bool:
        """Handle what the first queue with work holds, up to a group. False: nothing waited."""
        self._handling.watch.turned()
        taken = self._basket.take(most=self._group_of, together=self._go_together, timeout=timeout)
        if taken:
            self._handle(taken)
        if time.monotonic() - self._swept_at > SWEEP_EVERY.total_seconds():
            self._swept_at = time.monotonic()
            self.sweep()
        return bool(taken)

    def sweep(self, age: timedelta = SWEEP_EVERY) -> None:
        """Send what a crash, or a broker that was away, left in the outbox."""
        engine, now = self._handling.engine, self._handling.clock()
        try:
            with engine.begin() as connection:
                stale = ledger.lock_stale_outbox(connection, now, age)
                gone = [one.envelope.message_id for one in stale if self._try_to_send([one])]
                if gone:
                    ledger.clear_outbox(connection, gone)
                    log.info("outbox swept", sent=len(gone), kept=len(stale) - len(gone))
        except DBAPIError as error:
            log.warning("outbox not swept", error=str(error.orig))

    def _go_together(self, delivery: Delivery) -> bool:
        if delivery.redelivered or delivery.queue == self._parked:
            return False
        try:
            return not row_named(delivery.properties.type or "").outside
        except UnknownMessage:
            return False

    def _handle(self, deliveries: list[Delivery]) -> None:
        if deliveries[0].queue == self._parked:
            self._handle_parked(deliveries[0])
            return
        tasks = [
            (delivery, task) for delivery in deliveries if (task := self._understood(delivery))
        ]
        if len(tasks) > 1 and self._handled_together(tasks):
            return
        for at, (delivery, task) in enumerate(tasks):
            if self._stopping and at > 0:
                self._transport.give_back([delivery])
            else:
                self._handle_alone(delivery, task)

    def _understood(self, delivery: Delivery) -> Task | None:
        """The task of a delivery; what is not one of ours is parked at once.

        A message of newer code waits: while a new version is rolled out, the next worker of this
        queue may be a new one.
        """
        try:
            envelope = envelope_of(delivery)
            message = envelope.open()
            if type(message) not in self._handling.handlers:
                raise InvalidMessage(f"{envelope.name} does not belong in {delivery.queue}")
        except InvalidMessage as error:
            if isinstance(error, NotKnownYet) and self._is_young(delivery):
                log.warning("message of newer code waits", queue=delivery.queue, reason=str(error))
                waiting = Parcel.waiting(
                    salvage(delivery), delay=delay_of(NEWER_WAITS), queue=delivery.queue
                )
                self._move(delivery, waiting)
                return None
            log.error("message refused", queue=delivery.queue, reason=str(error))
            self._handling.watch.refused(delivery.queue)
            outcome = GiveUp(reason=str(error), exception="InvalidMessage", traceback="")
            self._park(delivery, salvage(delivery), outcome)
            return None
        return Task(
            queue=delivery.queue,
            envelope=envelope,
            message=message,
            redelivered=delivery.redelivered,
        )

    def _is_young(self, delivery: Delivery) -> bool:
        return self._handling.clock() - salvage(delivery).sent_at < NEWER_COMES_WITHIN

    def _handled_together(self, tasks: list[tuple[Delivery, Task]]) -> bool:
        try:
            parcels = self._handling.run_together([task for _, task in tasks])
        except (Exception, JobTimedOut) as error:  # noqa: BLE001  # each runs alone next
            log.warning("group undone", size=len(tasks), reason=repr(error))
            return False
        self._transport.ack([delivery for delivery, _ in tasks])
        self._send_now(parcels)
        return True

    def _handle_alone(self, delivery: Delivery, task: Task) -> None:
        began = self._handling.clock()
        for run in range(RUNS_AT_ONCE):
            try:
                parcels = self._handling.run_alone(task, again=run > 0)
            except (Exception, JobTimedOut) as error:  # noqa: BLE001  # decided in one place
                if is_away(error):
                    if wait_until_back(self._handling.engine, self._gives_up):
                        continue
                    break
                if is_worth_another_run(error) and run < RUNS_AT_ONCE - 1:
                    continue
                if isinstance(error, OutcomeNotRecorded):
                    break
                self._failed(delivery, task, error, began)
                return
            self._transport.ack([delivery])
            self._send_now(parcels)
            return
        self._transport.give_back([delivery])

    def _failed(
        self, delivery: Delivery, task: Task, error: BaseException, began: datetime
    ) -> None:
        outcome = decide(error, attempt=task.envelope.attempt, row=task.row)
        with named(task):
            if isinstance(outcome, GiveUp):
                log.error("given up", reason=outcome.reason, exc_info=error)
                self._park(delivery, task.envelope, outcome)
                ended = "failed"
            else:
                log.warning("trying again later", reason=outcome.reason, exc_info=error)
                again = task.envelope.again()
                parcel = Parcel.waiting(again, delay=outcome.delay, queue=delivery.queue)
                self._move(delivery, parcel)
                ended = "retried"
        step = self._handling.step_of_failure(task, ended, outcome.reason, began)
        if step is not None:
            self._try_to_send([step])

    def _gives_up(self) -> bool:
        """Asked again and again while the database is away: that is waiting, not hanging."""
        self._handling.watch.turned()
        return self._stopping

    def _handle_parked(self, delivery: Delivery) -> None:
        """Record a parked message as a failed job. It stays parked while that cannot be done."""
        if is_stale(delivery):
            log.info("dropped", message=delivery.properties.type, reason="stale in its queue")
            self._transport.ack([delivery])
            return
        failure = failure_of_parked(delivery, self._handling.clock())
        try:
            parcels = record_parked(self._handling, salvage(delivery), failure)
        except DBAPIError as error:
            log.warning("failed job not recorded yet", error=str(error.orig))
            wait_until_back(self._handling.engine, self._gives_up)
            self._transport.give_back([delivery])
            return
        self._transport.ack([delivery])
        self._send_now(parcels)

    def _park(self, delivery: Delivery, envelope: Envelope, outcome: GiveUp) -> None:
        notes = notes_of(outcome, delivery.queue, self._handling.clock())
        parcel = Parcel(
            exchange=PARKED_EXCHANGE,
            routing_key=self._service.name,
            envelope=envelope,
            notes=notes,
        )
        self._move(delivery, parcel)

    def _move(self, delivery: Delivery, parcel: Parcel) -> None:
        """To another queue: only what is safely there is acknowledged here."""
        try:
            self._transport.publish([parcel])
        except BrokerAway as error:
            # The connection is gone or ill, and the broker gives the delivery to someone again.
            log.warning("not moved", error=str(error))
            self._transport.give_back([delivery])
        else:
            self._transport.ack([delivery])

    def _send_now(self, parcels: Sequence[Parcel]) -> None:
        """The fast path: what has just been committed leaves at once, and leaves the outbox."""
        if not self._try_to_send(parcels):
            return
        try:
            with self._handling.engine.begin() as connection:
                ids = [parcel.envelope.message_id for parcel in parcels]
                ledger.clear_outbox(connection, ids)
        except DBAPIError as error:  # the sweeper sends them once more, and inboxes ignore that
            log.warning("outbox not cleared", error=str(error.orig))

    def _try_to_send(self, parcels: Sequence[Parcel]) -> bool:
        if not parcels:
            return False
        try:
            self._transport.publish(parcels)
        except BrokerAway as error:
            log.warning("not sent yet", error=str(error), parcels=len(parcels))
        except Unroutable as error:
            log.error("unroutable", error=str(error))
        else:
            return True
        return False


def _prefetch(queue: Queue) -> int:
    """Two groups, so that one waits while the other is handled. One where jobs call the outside,
    so that nothing waits behind a slow call while another worker is free."""
    outside = any(row.outside for row in messages_in(queue))
    return 1 if outside else 2 * GROUP_OF
