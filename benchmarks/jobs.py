"""Jobs a second through one worker: what inbox, outbox and groups cost and gain.

One job is one transaction with one insert, and sends one message. `bare pika` does the same with
no guarantee at all: no inbox, no outbox, no confirm.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pika
import psycopg
from sqlalchemy import Engine, text

from hotspot.bus.envelope import Parcel, enclose
from hotspot.bus.failures import FAILED_JOBS_HANDLERS
from hotspot.bus.handling import Handling
from hotspot.bus.rabbit import RabbitTransport
from hotspot.bus.tables import bus_metadata
from hotspot.bus.work import Work
from hotspot.bus.worker import GROUP_OF, Worker
from hotspot.clock import utc_now
from hotspot.contract.message import Message
from hotspot.contract.payments import ProcessPaymentJob, VoucherIssued
from hotspot.contract.table import PAYMENT, PAYMENTS
from hotspot.contract.topology import messages_in, queues_of
from hotspot.ids import new_id
from hotspot.testing.brokers import vhost
from hotspot.testing.databases import Databases

JOBS = 3_000
ROUNDS = 3


@dataclass
class Bench:
    """One broker and one database; the shapes take turns on them."""

    url: str
    engine: Engine
    jobs: int
    rates: dict[str, list[float]] = field(default_factory=dict)

    def fill(self) -> None:
        """Put the jobs of one round into their queue."""
        transport = RabbitTransport(self.url, "bench")
        transport.wait_until_up(30)
        made = [ProcessPaymentJob(payment_id=new_id()) for _ in range(self.jobs)]
        transport.publish(
            [Parcel.of(one, enclose(one, sender="bench", now=utc_now())) for one in made]
        )
        transport.close()

    def time(self, name: str, work: Callable[[], None]) -> None:
        """How long one round takes."""
        self.fill()
        began = time.perf_counter()
        work()
        self.rates.setdefault(name, []).append(self.jobs / (time.perf_counter() - began))


def run(*, jobs: int = JOBS, rounds: int = ROUNDS) -> None:
    """Measure, and print the table: medians over the rounds."""
    with _servers(jobs) as bench:
        for _ in range(rounds):
            bench.time("bare pika, no guarantees", lambda: _bare(bench))
            bench.time("one job a transaction", lambda: _worker(bench, group_of=1))
            bench.time(f"up to {GROUP_OF} jobs a transaction", lambda: _worker(bench, GROUP_OF))
    first = statistics.median(next(iter(bench.rates.values())))
    sys.stdout.write(f"{'jobs through one worker':<34}{'jobs/s':>10}{'ratio':>8}\n")
    for name, rates in bench.rates.items():
        median = statistics.median(rates)
        sys.stdout.write(f"{name:<34}{median:>10.0f}{median / first:>8.2f}\n")


@contextmanager
def _servers(jobs: int) -> Iterator[Bench]:
    databases = Databases(os.environ["TEST_DATABASE_ADMIN_URL"])
    with vhost(os.environ["TEST_AMQP_URL"], os.environ["TEST_RABBITMQ_MANAGEMENT_URL"]) as url:
        engine = databases.empty()
        bus_metadata.create_all(engine)
        with engine.begin() as connection:
            connection.execute(
                text("CREATE TABLE done (payment_id uuid PRIMARY KEY, at timestamptz)")
            )
        try:
            yield Bench(url, engine, jobs)
        finally:
            databases.drop_all()


def _bare(bench: Bench) -> None:
    connection = pika.BlockingConnection(pika.URLParameters(bench.url))
    channel = connection.channel()
    channel.basic_qos(prefetch_count=2 * GROUP_OF)
    database = psycopg.connect(
        bench.engine.url.set(drivername="postgresql").render_as_string(False)
    )
    for handled, (method, _, body) in enumerate(channel.consume("payments"), start=1):
        payment_id = json.loads(body)["payment_id"]
        database.execute("INSERT INTO done VALUES (%s, now())", (payment_id,))
        database.commit()
        channel.basic_publish("events", "VoucherIssued", body)
        channel.basic_ack(method.delivery_tag)
        if handled == bench.jobs:
            break
    channel.cancel()
    connection.close()
    database.close()


def _worker(bench: Bench, group_of: int) -> None:
    handled = 0

    def handle(job: ProcessPaymentJob, work: Work) -> None:
        nonlocal handled
        handled += 1
        work.session.execute(
            text("INSERT INTO done VALUES (:id, :at)"), {"id": job.payment_id, "at": work.now}
        )
        work.send(VoucherIssued(voucher_id=new_id(), payment_id=job.payment_id, issued_at=work.now))

    def ignore(_message: Message, _work: Work) -> None:
        return None

    rows = [row for queue in queues_of(PAYMENT, (PAYMENTS,)) for row in messages_in(queue)]
    handlers: dict[type[Message], Any] = {row.handled_as: ignore for row in rows}
    transport = RabbitTransport(bench.url, "bench worker")
    transport.wait_until_up(30)
    worker = Worker(
        service=PAYMENT,
        groups=[PAYMENTS],
        handling=Handling(
            service="payment",
            handlers={**handlers, **FAILED_JOBS_HANDLERS, ProcessPaymentJob: handle},
            engine=bench.engine,
            clock=utc_now,
        ),
        transport=transport,
        group_of=group_of,
    )
    worker.listen()
    while handled < bench.jobs:
        worker.run_once(timeout=0.2)
    transport.close()
