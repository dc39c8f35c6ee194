"""What a worker does with messages, over both transports and a real database."""

import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from sqlalchemy import Engine, func, select, text

from hotspot.bus.envelope import Parcel, enclose
from hotspot.bus.failures import FAILED_JOBS_HANDLERS
from hotspot.bus.handling import Handling, Task
from hotspot.bus.outcome import Reject, Retry
from hotspot.bus.tables import bus_metadata, failed_jobs, inbox, outbox
from hotspot.bus.transport import Basket, BrokerAway
from hotspot.bus.watch import Watch
from hotspot.bus.wire import envelope_of
from hotspot.bus.work import Work
from hotspot.bus.worker import HandlersDoNotMatch, Worker
from hotspot.clock import utc_now
from hotspot.contract.message import Message
from hotspot.contract.operations import (
    FlushFailedJobsJob,
    RetryFailedJobsJob,
    StepsRecorded,
)
from hotspot.contract.payments import ProcessPaymentJob, ReconcilePaymentsJob, VoucherIssued
from hotspot.contract.table import GENERAL, PAYMENT, PAYMENTS, PAYMENTS_QUEUE
from hotspot.contract.topology import groups_of, messages_in, queues_of
from hotspot.figures import CountingWatch, OutboxCollector
from hotspot.ids import new_id
from hotspot.testing.brokers import Brokers, wait_for

M = TypeVar("M", bound=Message)

NOW = datetime(2026, 1, 15, 9, 0, tzinfo=UTC)


@dataclass
class Stage:
    """payment-service's queues with one handler of the test's own."""

    brokers: Brokers
    engine: Engine
    handle: Callable[[ProcessPaymentJob, Work], None]
    timeout: float = 30
    watch: Watch = field(default_factory=Watch)
    transport: Any = None
    worker: Any = None
    later: timedelta = timedelta(0)
    heard: Basket = field(default_factory=lambda: Basket(["dashboard"]))

    def start(self) -> "Stage":
        self.transport = self.brokers.connect()
        self.worker = Worker(
            service=PAYMENT,
            groups=groups_of(PAYMENT),
            handling=Handling(
                service="payment",
                handlers=self.handlers(),
                engine=self.engine,
                clock=lambda: utc_now() + self.later,
                timeout_of=lambda _: self.timeout,
                watch=self.watch,
            ),
            transport=self.transport,
        )
        prefetch = {queue.name: 100 for queue in queues_of(PAYMENT, groups_of(PAYMENT))}
        self.transport.consume(prefetch | {"parked.payment": 10}, self.worker._basket)
        listener = self.brokers.connect()
        listener.consume({"dashboard": 1000}, self.heard)
        return self

    def hours_later(self, hours: int) -> None:
        self.later += timedelta(hours=hours)

    def handlers(self) -> dict[type[Message], Any]:
        def ignore(_message: Message, _work: Work) -> None:
            return None

        rows = [
            row for queue in queues_of(PAYMENT, groups_of(PAYMENT)) for row in messages_in(queue)
        ]
        return {
            **{row.handled_as: ignore for row in rows},
            **FAILED_JOBS_HANDLERS,
            ProcessPaymentJob: self.handle,
        }

    def send(self, *messages: Message) -> list[Parcel]:
        parcels = [Parcel.of(one, enclose(one, sender="test", now=utc_now())) for one in messages]
        self.transport.publish(parcels)
        return parcels

    def work_until(self, condition: Callable[[], object], seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "the worker worked in vain"
            self.worker.run_once(timeout=0.02)
            self.brokers.pass_time()

    def told(self, kind: type[M]) -> list[M]:
        """What the dashboard heard so far."""
        found = getattr(self, "_found", [])
        while taken := self.heard.take(most=100, together=lambda _: True, timeout=0.05):
            found.extend(envelope_of(one).open() for one in taken)
        self._found = found
        return [message for message in found if isinstance(message, kind)]

    def count(self, table: Any) -> int:
        with self.engine.connect() as connection:
            return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


@pytest.fixture
def stage(brokers: Brokers, empty_database: Engine) -> Callable[..., Stage]:
    bus_metadata.create_all(empty_database)
    with empty_database.begin() as connection:
        connection.execute(text("CREATE TABLE done (payment_id uuid NOT NULL, at timestamptz)"))

    def build(handle: Callable[[ProcessPaymentJob, Work], None], **options: Any) -> Stage:
        return Stage(brokers, empty_database, handle, **options).start()

    return build


def write_and_tell(job: ProcessPaymentJob, work: Work) -> None:
    work.session.execute(
        text("INSERT INTO done VALUES (:id, :at)"), {"id": job.payment_id, "at": work.now}
    )
    work.send(VoucherIssued(voucher_id=new_id(), payment_id=job.payment_id, issued_at=work.now))


def done(stage: Stage) -> int:
    with stage.engine.connect() as connection:
        return int(connection.execute(text("SELECT count(*) FROM done")).scalar_one())


def job() -> ProcessPaymentJob:
    return ProcessPaymentJob(payment_id=new_id())


def test_a_handled_message_leaves_its_rows_and_its_messages(stage: Callable[..., Stage]) -> None:
    here = stage(write_and_tell)
    (sent,) = here.send(job())
    here.work_until(lambda: done(here) == 1)
    wait_for(lambda: here.told(VoucherIssued) and here.told(StepsRecorded))
    assert here.count(inbox) == 1
    assert here.count(outbox) == 0
    (recorded,) = here.told(StepsRecorded)
    (step,) = recorded.steps
    assert (step.message, step.outcome, step.attempt) == ("ProcessPaymentJob", "done", 1)
    assert step.correlation_id == sent.envelope.correlation_id


def test_the_same_message_50_times_is_handled_once(stage: Callable[..., Stage]) -> None:
    here = stage(write_and_tell)
    one = job()
    parcel = Parcel.of(one, enclose(one, sender="test", now=NOW))
    here.transport.publish([parcel] * 50)
    outcomes: list[str] = []

    def all_ended() -> bool:
        steps = [step for told in here.told(StepsRecorded) for step in told.steps]
        outcomes[:] = [step.outcome for step in steps]
        return len(outcomes) == 50

    here.work_until(all_ended)
    assert sorted(outcomes) == ["done"] + ["repeated"] * 49
    assert (done(here), len(here.told(VoucherIssued))) == (1, 1)


def test_what_waits_is_handled_in_one_transaction(stage: Callable[..., Stage]) -> None:
    transactions = set()

    def note(job: ProcessPaymentJob, work: Work) -> None:
        write_and_tell(job, work)
        transactions.add(work.session.execute(text("SELECT txid_current()")).scalar_one())

    here = stage(note)
    here.send(*(job() for _ in range(100)))
    wait_for(lambda: len(here.worker._basket._waiting["payments"]) == 100)
    here.work_until(lambda: done(here) == 100)
    assert len(transactions) == 2


def test_a_poisoned_message_in_a_group_costs_the_others_only_time(
    stage: Callable[..., Stage],
) -> None:
    poison = job()

    def handle(one: ProcessPaymentJob, work: Work) -> None:
        write_and_tell(one, work)
        if one == poison:
            raise Reject("this one can never succeed")

    here = stage(handle)
    here.send(*(job() for _ in range(10)), poison, *(job() for _ in range(10)))
    here.work_until(lambda: done(here) == 20 and here.count(failed_jobs) == 1)
    with here.engine.connect() as connection:
        row = connection.execute(select(failed_jobs)).one()
    assert row.reason == "this one can never succeed"
    assert row.exception == "Reject"
    assert "can never succeed" in row.traceback
    assert (row.attempts, row.queue, row.name) == (1, "payments", "ProcessPaymentJob")
    wait_for(lambda: len(here.told(VoucherIssued)) == 20)


def test_a_failure_is_tried_as_often_as_the_contract_says(stage: Callable[..., Stage]) -> None:
    attempts: list[int] = []

    def fail(_: ProcessPaymentJob, work: Work) -> None:
        attempts.append(work.envelope.attempt)
        assert work.last_try == (work.envelope.attempt == 3)
        raise Retry("not now", after=timedelta(seconds=1))

    here = stage(fail)
    (sent,) = here.send(job())
    here.work_until(lambda: here.count(failed_jobs) == 1, seconds=60)
    assert attempts == [1, 2, 3]
    with here.engine.connect() as connection:
        row = connection.execute(select(failed_jobs)).one()
    assert (row.attempts, row.failures, row.reason) == (3, 1, "not now")
    assert row.message_id == sent.envelope.message_id
    outcomes = [step.outcome for told in here.told(StepsRecorded) for step in told.steps]
    assert outcomes == ["retried", "retried", "failed"]


def test_an_unexpected_error_is_retried_and_then_succeeds(stage: Callable[..., Stage]) -> None:
    def stumble(one: ProcessPaymentJob, work: Work) -> None:
        write_and_tell(one, work)
        if work.envelope.attempt == 1:
            raise ZeroDivisionError

    here = stage(stumble)
    here.send(job())
    here.work_until(lambda: done(here) == 1)
    assert here.count(failed_jobs) == 0


def test_a_handler_stuck_in_a_blocking_call_is_stopped_in_time(
    stage: Callable[..., Stage],
) -> None:
    def hang(one: ProcessPaymentJob, work: Work) -> None:
        if work.envelope.attempt == 1:
            work.session.execute(text("SELECT pg_sleep(600)"))
        write_and_tell(one, work)

    here = stage(hang, timeout=0.3)
    here.send(job())
    here.work_until(lambda: done(here) == 1)
    (first, _) = [step for told in here.told(StepsRecorded) for step in told.steps]
    assert first.outcome == "retried"
    assert "took longer than 0.3 s" in str(first.error)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"body": b"not json"}, "the body is not JSON"),
        ({"body": b"[1]"}, "not a JSON object"),
        ({"body": b'{"payment_id": "x"}'}, "Not a valid UUID"),
        ({"name": "NoSuchJob"}, "no message is called 'NoSuchJob'"),
        ({"version": 99}, "ProcessPaymentJob has no version 99"),
        ({"name": "SendCredentialsSMSJob"}, "Missing data"),
    ],
)
def test_a_malformed_message_becomes_a_failed_job_at_once(
    stage: Callable[..., Stage], change: dict[str, Any], reason: str
) -> None:
    from dataclasses import replace

    here = stage(write_and_tell)
    envelope = replace(enclose(job(), sender="test", now=NOW), **change)
    bad = Parcel(exchange="", routing_key="payments", envelope=envelope)
    here.transport.publish([bad, bad])
    here.send(job())
    here.work_until(lambda: here.count(failed_jobs) == 1 and done(here) == 1)
    with here.engine.connect() as connection:
        row = connection.execute(select(failed_jobs)).one()
    assert reason in row.reason
    assert row.body == envelope.body


@pytest.mark.parametrize("brokers", ["memory"], indirect=True)
@pytest.mark.parametrize("change", [{"version": 2}, {"name": "InventedNextYear"}])
def test_a_message_of_newer_code_waits_for_a_newer_worker_with_all_its_tries(
    stage: Callable[..., Stage], change: dict[str, Any]
) -> None:
    here = stage(write_and_tell)
    sent = utc_now()
    newer = replace(enclose(job(), sender="test", now=sent), **change)
    here.transport.publish([Parcel(exchange="", routing_key="payments", envelope=newer)])
    here.send(*(job() for _ in range(5)))
    here.work_until(lambda: done(here) == 5)
    here.brokers.pass_time()
    here.worker.run_once(timeout=0.02)
    assert here.count(failed_jobs) == 0

    here.hours_later(1)
    here.work_until(lambda: here.count(failed_jobs) == 1)
    with here.engine.connect() as connection:
        row = connection.execute(select(failed_jobs)).one()
    assert (row.message_id, row.attempts, row.body) == (newer.message_id, 1, newer.body)


def test_a_job_that_got_stale_in_its_queue_is_no_failed_job(
    stage: Callable[..., Stage], brokers: Brokers
) -> None:
    sender = brokers.connect()
    moment = timedelta(milliseconds=1)
    stale = [
        replace(Parcel.of(one, enclose(one, sender="test", now=NOW)), stale_after=moment)
        for one in (ReconcilePaymentsJob(), ReconcilePaymentsJob())
    ]
    poison = replace(enclose(job(), sender="test", now=NOW), body=b"no JSON")
    sender.publish(stale)
    brokers.pass_time()
    sender.publish([Parcel(exchange="", routing_key="payments", envelope=poison)])
    here = stage(write_and_tell)
    here.work_until(lambda: here.count(failed_jobs) == 1)
    with here.engine.connect() as connection:
        assert connection.execute(select(failed_jobs.c.message_id)).scalars().all() == [
            poison.message_id
        ]
    assert (here.count(inbox), done(here)) == (0, 0)


def test_a_retried_failed_job_keeps_its_ids_and_leaves_the_list_when_it_succeeds(
    stage: Callable[..., Stage],
) -> None:
    broken = {"is": True}

    def handle(one: ProcessPaymentJob, work: Work) -> None:
        if broken["is"]:
            raise Reject("broken")
        write_and_tell(one, work)

    here = stage(handle)
    (sent,) = here.send(job())
    here.work_until(lambda: here.count(failed_jobs) == 1)
    here.send(RetryFailedJobsJob(service="payment"))
    here.work_until(lambda: _failures(here) == 2)
    assert here.count(failed_jobs) == 1, "a retry that fails again is one row, not two"
    broken["is"] = False
    here.send(RetryFailedJobsJob(service="payment", message_ids=(sent.envelope.message_id,)))
    here.work_until(lambda: done(here) == 1 and here.count(failed_jobs) == 0)
    steps = [step for told in here.told(StepsRecorded) for step in told.steps]
    mine = [step for step in steps if step.message == "ProcessPaymentJob"]
    assert {step.message_id for step in mine} == {sent.envelope.message_id}
    assert {step.correlation_id for step in mine} == {sent.envelope.correlation_id}


def test_a_flushed_failed_job_is_forgotten(stage: Callable[..., Stage]) -> None:
    def refuse(_: ProcessPaymentJob, __: Work) -> None:
        raise Reject("no")

    here = stage(refuse)
    here.send(job(), job())
    here.work_until(lambda: here.count(failed_jobs) == 2)
    here.send(FlushFailedJobsJob(service="payment"))
    here.work_until(lambda: here.count(failed_jobs) == 0)


def test_what_a_crash_left_in_the_outbox_is_swept(stage: Callable[..., Stage]) -> None:
    here = stage(write_and_tell)
    publish = here.transport.publish

    def cut(_parcels: Any) -> None:
        raise BrokerAway("cut between commit and publish")

    here.transport.publish = cut
    publish([Parcel.of(one := job(), enclose(one, sender="test", now=NOW))])
    here.work_until(lambda: done(here) == 1)
    assert here.count(outbox) == 2
    assert here.told(VoucherIssued) == []
    here.transport.publish = publish
    here.worker.sweep(age=timedelta(0))
    wait_for(lambda: len(here.told(VoucherIssued)) == 1)
    assert here.count(outbox) == 0


def test_a_message_that_keeps_killing_its_worker_is_given_up(
    stage: Callable[..., Stage],
) -> None:
    here = stage(write_and_tell)
    handling = here.worker._handling
    one = job()
    envelope = enclose(one, sender="test", now=NOW)
    task = Task(queue="payments", envelope=envelope, message=one, redelivered=True)
    for _ in range(task.row.tries):
        handling._count_restart(task)  # begun, and the worker died
    here.transport.publish([Parcel.of(one, envelope)])
    wait_for(lambda: here.worker._basket._waiting["payments"])
    here.transport.drop_connection()
    waiting = here.worker._basket._waiting
    wait_for(lambda: [one.redelivered for one in waiting["payments"]] == [True])
    here.work_until(lambda: here.count(failed_jobs) == 1)
    with here.engine.connect() as connection:
        row = connection.execute(select(failed_jobs)).one()
    assert "died or hung 3 times" in row.reason
    assert done(here) == 0


def test_a_database_that_goes_away_in_the_middle_costs_no_try(
    stage: Callable[..., Stage],
) -> None:
    attempts: list[int] = []

    def lose_the_connection(one: ProcessPaymentJob, work: Work) -> None:
        attempts.append(work.envelope.attempt)
        write_and_tell(one, work)
        if len(attempts) < 3:
            work.session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    here = stage(lose_the_connection)
    here.send(job())
    here.work_until(lambda: done(here) == 1)
    assert attempts == [1, 1, 1]
    assert here.count(failed_jobs) == 0


def test_a_database_that_goes_away_again_and_again_is_no_death_of_the_worker(
    stage: Callable[..., Stage],
) -> None:
    runs: list[int] = []

    def lose_the_connection(one: ProcessPaymentJob, work: Work) -> None:
        runs.append(work.envelope.attempt)
        write_and_tell(one, work)
        if len(runs) < 6:
            work.session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    here = stage(lose_the_connection)
    here.send(job())
    waiting = here.worker._basket._waiting
    wait_for(lambda: waiting["payments"])
    here.transport.drop_connection()
    wait_for(lambda: [one.redelivered for one in waiting["payments"]] == [True])
    here.work_until(lambda: done(here) == 1)
    assert runs == [1] * 6
    assert here.count(failed_jobs) == 0


def test_a_deadlock_is_run_again_at_once(stage: Callable[..., Stage]) -> None:
    attempts: list[int] = []

    def lose_a_deadlock(one: ProcessPaymentJob, work: Work) -> None:
        attempts.append(work.envelope.attempt)
        write_and_tell(one, work)
        if len(attempts) == 1:
            raising = "DO $$ BEGIN RAISE deadlock_detected; END $$"
            work.session.execute(text(raising))

    here = stage(lose_a_deadlock)
    here.send(job())
    here.work_until(lambda: done(here) == 1)
    assert attempts == [1, 1]


def test_a_worker_told_to_stop_gives_the_rest_back(stage: Callable[..., Stage]) -> None:
    def handle_then_stop(one: ProcessPaymentJob, work: Work) -> None:
        write_and_tell(one, work)
        here.worker.stop()

    here = stage(handle_then_stop)
    here.send(job())
    wait_for(lambda: here.worker._basket._waiting["payments"])
    here.worker.run()
    assert done(here) == 1
    here.worker = here.transport = None
    other = Stage(here.brokers, here.engine, write_and_tell).start()
    other.send(job(), job())
    other.work_until(lambda: done(here) == 3)


def test_a_worker_refuses_to_start_without_a_handler(empty_database: Engine) -> None:
    handling = Handling(
        service="payment", handlers=FAILED_JOBS_HANDLERS, engine=empty_database, clock=utc_now
    )
    with pytest.raises(HandlersDoNotMatch, match="ProcessPaymentJob"):
        Worker(
            service=PAYMENT,
            groups=[PAYMENTS, GENERAL],
            handling=handling,
            transport=None,  # type: ignore[arg-type]
        )


def _failures(stage: Stage) -> int:
    with stage.engine.connect() as connection:
        return int(connection.execute(select(func.sum(failed_jobs.c.failures))).scalar() or 0)


def test_what_became_of_each_message_is_counted(stage: Callable[..., Stage]) -> None:
    registry = CollectorRegistry()
    refused = job()

    def refuse_one(order: ProcessPaymentJob, work: Work) -> None:
        if order == refused:
            raise Reject("not this one")
        write_and_tell(order, work)

    here = stage(refuse_one, watch=CountingWatch(registry))
    registry.register(OutboxCollector(here.engine))
    here.send(refused)
    (sent,) = here.send(job())
    here.transport.publish([sent])

    def outcomes() -> dict[str, float]:
        return counted(generate_latest(registry).decode(), "ProcessPaymentJob")

    here.work_until(lambda: sum(outcomes().values()) == 3)
    assert outcomes() == {"done": 1, "repeated": 1, "failed": 1}
    assert "hotspot_outbox_waiting 0.0" in generate_latest(registry).decode()


def counted(shown: str, message: str) -> dict[str, float]:
    found = re.findall(
        rf'^hotspot_messages_total{{message="{message}",outcome="(.*)"}} (.*)$', shown, re.M
    )
    return {outcome: float(count) for outcome, count in found}


def test_ids_are_ordered_by_time() -> None:
    ids = [new_id() for _ in range(100)]
    assert ids == sorted(ids)
    assert all(isinstance(one, uuid.UUID) and one.version == 7 for one in ids)
    assert PAYMENTS_QUEUE.name == "payments"
