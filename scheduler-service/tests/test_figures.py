"""What is made of what was seen, and when that is worth an alarm."""

from dataclasses import replace
from datetime import timedelta

import pytest

from hotspot.bus.management import QueueState
from hotspot.testing.handling import NOON
from scheduler_service.alarms import MANAGEMENT_SILENT, RULES, Finding, judge
from scheduler_service.figures import Mark, Measures, mark_of, queue_figures, service_figures

MINUTE = timedelta(minutes=1)
LATER = NOON + MINUTE
MEASURES = Measures(
    service="payment",
    database_bytes=9_000_000,
    outbox=0,
    oldest_outbox_at=None,
    failed_jobs=2,
    spool=30,
    spool_most=100,
    measured_at=NOON,
)


def queue(name: str = "payments", *, ready: int = 0, acked: int = 0, **more: int) -> QueueState:
    state = QueueState(name=name, ready=ready, unacked=0, consumers=1, rate=0.0, acked=acked)
    return replace(state, **more)  # type: ignore[arg-type]  # all of them are numbers


@pytest.mark.parametrize(
    ("before", "now", "waits_since"),
    [
        (None, queue(), None),
        (None, queue(ready=3), LATER),
        (Mark(at=NOON, depth=3, acked=10), queue(ready=3, acked=10), NOON),
        (Mark(at=NOON, depth=3, acked=10), queue(ready=3, acked=12), NOON),
        (Mark(at=NOON, depth=3, acked=10), queue(ready=3, acked=13), LATER),
        (Mark(at=NOON, depth=3, acked=10), queue(unacked=1, acked=12), NOON),
        (Mark(at=NOON, depth=3, acked=10), queue(), None),
        (Mark(at=NOON, depth=3, acked=10), queue(ready=3, acked=0), LATER),
    ],
    ids=[
        "empty",
        "not empty any more",
        "nothing left it",
        "less left it than waited",
        "all that waited is gone",
        "the last one is in hand",
        "emptied",
        "RabbitMQ began to count anew",
    ],
)
def test_something_waits_as_long_as_less_left_the_queue_than_waited_in_it(
    before: Mark | None, now: QueueState, waits_since: object
) -> None:
    mark = mark_of(now, before, LATER)

    assert (mark.at if mark else None) == waits_since


def test_a_queue_has_depth_consumers_and_age() -> None:
    mark = Mark(at=NOON, depth=1, acked=0)

    figures = queue_figures([queue(ready=4, unacked=2, consumers=3)], {"payments": mark}, LATER)

    assert figures == {
        "queue.payments.ready": 4,
        "queue.payments.unacked": 2,
        "queue.payments.consumers": 3,
        "queue.payments.age_seconds": 60.0,
        "workers.payment.payments": 3,
    }


def test_a_delay_queue_has_only_a_depth() -> None:
    assert queue_figures([queue("delay.30s", ready=4, consumers=0)], {}, NOON) == {
        "queue.delay.30s.ready": 4
    }


def test_workers_are_counted_by_the_queue_that_has_fewest() -> None:
    states = [queue("payments.office", consumers=1), queue("maintenance", consumers=2)]

    figures = queue_figures(states, {}, NOON)

    assert figures["workers.payment.general"] == 1


def test_a_service_tells_what_waits_in_it_and_what_grew() -> None:
    stuck = replace(MEASURES, outbox=7, oldest_outbox_at=NOON - 2 * MINUTE, failed_jobs=9)

    figures = service_figures([stuck], {"service.payment.failed_jobs": 2}, LATER)

    assert figures == {
        "service.payment.database_bytes": 9_000_000,
        "service.payment.outbox": 7,
        "service.payment.outbox_age_seconds": 120.0,
        "service.payment.failed_jobs": 9,
        "service.payment.failed_jobs_grown": 7,
        "service.payment.silent_seconds": 60.0,
        "service.payment.spool": 30,
        "service.payment.spool_percent": 30.0,
    }


def test_what_was_never_counted_before_has_not_grown() -> None:
    assert service_figures([MEASURES], {}, NOON)["service.payment.failed_jobs_grown"] == 0


@pytest.mark.parametrize(
    ("figure", "fine", "wrong", "alarm", "subject"),
    [
        ("queue.payments.mpesa.consumers", 1, 0, "queue_without_consumers", "payments.mpesa"),
        ("queue.payments.age_seconds", 60, 61, "queue_waits", "payments"),
        ("host.disk_percent", 90, 90.1, "disk_full", "host"),
        ("host.memory_percent", 95, 95.5, "memory_full", "host"),
        ("service.payment.outbox_age_seconds", 60, 61, "outbox_stuck", "payment"),
        ("service.payment.failed_jobs_grown", 5, 6, "failed_jobs_growing", "payment"),
        ("service.payment.spool_percent", 50, 51, "spool_filling", "payment"),
        ("service.radius.silent_seconds", 300, 301, "service_silent", "radius"),
        (MANAGEMENT_SILENT, 0, 1, "queues_unmeasured", "rabbitmq"),
    ],
)
def test_each_threshold_raises_its_alarm_once_and_clears_it(
    figure: str, fine: float, wrong: float, alarm: str, subject: str
) -> None:
    known: list[Finding] = []
    raised: list[Finding] = []
    for minute in range(10):
        judgement = judge({figure: wrong}, known, NOON + minute * MINUTE)
        known = list(judgement.found)
        raised += judgement.raised
    (one,) = raised
    assert (one.alarm, one.subject) == (alarm, subject)
    rule = next(rule for rule in RULES if rule.alarm == alarm)
    assert one.raised_at == NOON + (rule.checks - 1) * MINUTE

    over = judge({figure: fine}, known, NOON)

    assert [(old.alarm, old.subject) for old in over.cleared] == [(alarm, subject)]
    assert over.found == []


def test_what_was_over_before_anybody_was_told_is_not_told() -> None:
    first = judge({"queue.payments.consumers": 0}, [], NOON)
    second = judge({"queue.payments.consumers": 1}, first.found, LATER)

    assert (first.raised, second.cleared, second.found) == ([], [], [])


def test_while_the_queues_cannot_be_measured_their_alarms_stay() -> None:
    first = judge({"queue.payments.age_seconds": 90}, [], NOON)

    second = judge({MANAGEMENT_SILENT: 1}, first.found, LATER)

    assert second.cleared == []
    assert ("queue_waits", "payments") in {(one.alarm, one.subject) for one in second.found}


def test_every_alarm_has_a_sentence_for_people() -> None:
    for rule in RULES:
        assert rule.said.format(subject="payments", value=61.5).endswith(".") or "?" in rule.said
        assert (rule.above is None) != (rule.below is None)
