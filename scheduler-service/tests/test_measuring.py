"""CollectSystemMetricsJob: the world is looked at, figures are kept, alarms are sent on change."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from hotspot.bus.work import Handlers
from hotspot.contract.operations import (
    AlarmCleared,
    AlarmRaised,
    CollectSystemMetricsJob,
    ServiceMeasured,
)
from hotspot.testing.handling import NOON, run
from scheduler_service import metrics
from scheduler_service.config import Config
from scheduler_service.models import ServiceMeasure, Snapshot
from scheduler_service.worker import handlers as handlers_of

COLLECT = CollectSystemMetricsJob()
MINUTE = timedelta(minutes=1)


@dataclass
class Rabbit:
    """RabbitMQ's management API, with one queue."""

    url: str = ""
    status: int = 200
    queue: dict[str, Any] = field(
        default_factory=lambda: {"name": "payments", "messages_ready": 0, "consumers": 1}
    )


@pytest.fixture
def rabbit() -> Iterator[Rabbit]:
    """A management API on a real socket."""
    told = Rabbit()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps([told.queue]).encode()
            self.send_response(told.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.url = f"http://me:secret@127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield told
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def handlers(config: Config, rabbit: Rabbit) -> Handlers:
    """The service's handlers, with a RabbitMQ to ask."""
    given = replace(config, rabbitmq_management_url=rabbit.url, amqp_url="amqp://127.0.0.1/")
    return handlers_of(given)


def measured(**more: Any) -> ServiceMeasured:
    values: dict[str, Any] = {
        "service": "payment",
        "database_bytes": 9_000_000,
        "outbox": 0,
        "oldest_outbox_at": None,
        "failed_jobs": 0,
        "measured_at": NOON,
    }
    return ServiceMeasured(**values | more)


def figures(engine: Engine) -> dict[str, float]:
    with engine.connect() as connection:
        found = metrics.latest(connection)
    assert found is not None
    return dict(found[1])


def test_queues_services_and_the_machine_are_measured(engine: Engine, handlers: Handlers) -> None:
    run(handlers, measured(spool=3, spool_most=100), engine)

    assert run(handlers, COLLECT, engine, now=NOON + MINUTE) == []

    seen = figures(engine)
    assert seen["queue.payments.consumers"] == 1
    assert seen["workers.payment.payments"] == 1
    assert seen["service.payment.spool_percent"] == 3
    assert 0 < seen["host.memory_percent"] < 100
    assert 0 < seen["host.disk_percent"] < 100
    assert seen["host.cpu_percent"] >= 0


def test_what_waits_grows_old_and_is_told_once(
    engine: Engine, handlers: Handlers, rabbit: Rabbit
) -> None:
    rabbit.queue |= {"messages_ready": 5}
    sent = [run(handlers, COLLECT, engine, now=NOON + minute * MINUTE) for minute in range(4)]

    assert [len(messages) for messages in sent] == [0, 0, 1, 0]
    (raised,) = sent[2]
    assert isinstance(raised, AlarmRaised)
    assert (raised.alarm, raised.subject) == ("queue_waits", "payments")
    assert "120 s" in raised.said

    rabbit.queue |= {"messages_ready": 0}
    (cleared,) = run(handlers, COLLECT, engine, now=NOON + 5 * MINUTE)

    assert isinstance(cleared, AlarmCleared)
    assert (cleared.alarm, cleared.subject) == ("queue_waits", "payments")


def test_a_rabbitmq_that_does_not_answer_keeps_nothing_else_from_being_measured(
    engine: Engine, handlers: Handlers, rabbit: Rabbit
) -> None:
    rabbit.status = 500

    sent = [run(handlers, COLLECT, engine, now=NOON + minute * MINUTE) for minute in range(4)]

    assert [len(messages) for messages in sent] == [0, 0, 1, 0]
    assert "host.disk_percent" in figures(engine)
    assert not any(name.startswith("queue.") for name in figures(engine))


def test_failed_jobs_that_grow_are_an_alarm(engine: Engine, handlers: Handlers) -> None:
    run(handlers, measured(failed_jobs=3), engine)
    run(handlers, COLLECT, engine, now=NOON)
    at = NOON + 5 * MINUTE
    run(handlers, measured(failed_jobs=11, measured_at=at), engine)

    (raised,) = run(handlers, COLLECT, engine, now=at)

    assert isinstance(raised, AlarmRaised)
    assert raised.said == "8 jobs of payment-service failed within 15 minutes."


def test_two_looks_at_the_same_moment_count_as_one(
    engine: Engine, handlers: Handlers, rabbit: Rabbit
) -> None:
    rabbit.queue |= {"consumers": 0}
    soon = timedelta(seconds=2)

    assert run(handlers, COLLECT, engine, now=NOON) == []
    assert run(handlers, COLLECT, engine, now=NOON + soon) == []
    (raised,) = run(handlers, COLLECT, engine, now=NOON + soon + MINUTE)

    assert isinstance(raised, AlarmRaised)
    assert raised.alarm == "queue_without_consumers"


def test_an_older_word_of_a_service_changes_nothing(engine: Engine, handlers: Handlers) -> None:
    run(handlers, measured(failed_jobs=1, measured_at=NOON + MINUTE), engine)
    run(handlers, measured(failed_jobs=7), engine)

    with Session(engine) as session:
        assert session.scalar(select(ServiceMeasure.failed_jobs)) == 1


def test_without_a_management_api_the_machine_is_measured_and_nothing_is_wrong(
    engine: Engine, config: Config
) -> None:
    for minute in range(4):
        assert run(handlers_of(config), COLLECT, engine, now=NOON + minute * MINUTE) == []

    with Session(engine) as session:
        assert len(session.scalars(select(Snapshot.at)).all()) == 4
