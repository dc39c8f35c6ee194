"""What both transports promise."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hotspot.bus.envelope import Parcel, enclose
from hotspot.bus.failures import is_stale
from hotspot.bus.transport import Basket, Death, Delivery, Unroutable
from hotspot.bus.wire import envelope_of
from hotspot.contract.money import Money
from hotspot.contract.operations import RetryFailedJobsJob
from hotspot.contract.payments import (
    PaymentCompleted,
    ProcessPaymentJob,
    ReconcilePaymentsJob,
    RecordStkCallbackJob,
)
from hotspot.contract.table import DELAYS, MESSAGES
from hotspot.ids import new_id
from hotspot.testing.brokers import Brokers, wait_for

NOW = datetime(2026, 1, 15, 9, 0, tzinfo=UTC)


def parcel(message: Any = None) -> Parcel:
    message = message or ProcessPaymentJob(payment_id=new_id())
    return Parcel.of(message, enclose(message, sender="test", now=NOW))


def taken(basket: Basket, *, most: int = 50, wait: float = 20) -> list[Delivery]:
    return basket.take(most=most, together=lambda _: True, timeout=wait)


def listening(brokers: Brokers, *queues: str, prefetch: int = 100) -> tuple[Any, Basket]:
    transport, basket = brokers.connect(), Basket(queues)
    transport.consume(dict.fromkeys(queues, prefetch), basket)
    return transport, basket


def test_a_message_arrives_as_it_was_sent(brokers: Brokers) -> None:
    transport, basket = listening(brokers, "payments")
    body = "x" * 65536
    sent = parcel(
        RecordStkCallbackJob(payment_id=new_id(), body=body, source_address="::1", received_at=NOW)
    )
    transport.publish([sent])
    (delivery,) = taken(basket)
    assert envelope_of(delivery) == sent.envelope
    assert envelope_of(delivery).open() == sent.envelope.open()
    transport.ack([delivery])


def test_a_message_that_no_queue_takes_is_an_error(brokers: Brokers) -> None:
    transport = brokers.connect()
    lost = Parcel(exchange="default", routing_key="x", envelope=parcel().envelope)
    with pytest.raises(Unroutable):
        transport.publish([lost])
    transport.publish([parcel()])  # and the next one is none


def test_every_message_of_the_contract_has_a_queue(brokers: Brokers) -> None:
    transport = brokers.connect()
    for row in MESSAGES:
        exchange, key = ("events", row.message.NAME)
        if hasattr(row, "to_one"):
            exchange, key = row.lands_in[0].exchange, row.message.NAME
            key += ".radius" if row.to_one else ""
        transport.publish([Parcel(exchange=exchange, routing_key=key, envelope=parcel().envelope)])


def test_an_event_reaches_every_queue_that_listens(brokers: Brokers) -> None:
    transport, basket = listening(brokers, "dashboard", "notifications")
    event = PaymentCompleted(
        payment_id=new_id(),
        phone="254700000000",
        package_id=new_id(),
        receipt="NLJ7RT61SV",
        amount=Money.shillings(20),
        completed_at=NOW,
    )
    transport.publish([parcel(event)])
    assert {taken(basket)[0].queue, taken(basket)[0].queue} == {"dashboard", "notifications"}


def test_a_job_for_one_service_reaches_only_its_queue(brokers: Brokers) -> None:
    transport, basket = listening(brokers, "maintenance.radius", "maintenance.gateway")
    transport.publish([parcel(RetryFailedJobsJob(service="gateway"))])
    assert taken(basket)[0].queue == "maintenance.gateway"
    assert taken(basket, wait=0.2) == []


def test_the_first_queue_with_work_is_served_first(brokers: Brokers) -> None:
    transport = brokers.connect()
    basket = Basket(["payments", "maintenance"])
    low = [parcel(RetryFailedJobsJob(service="payment")) for _ in range(3)]
    transport.publish([*low, *(parcel() for _ in range(3))])
    transport.consume({"payments": 10, "maintenance": 10}, basket)
    seen: list[Delivery] = []
    wait_for(lambda: sum(len(q) for q in basket._waiting.values()) == 6)
    while len(seen) < 6:
        seen.extend(taken(basket, most=1))
    assert [one.queue for one in seen] == ["payments"] * 3 + ["maintenance"] * 3


def test_what_was_not_acknowledged_comes_again_after_a_broken_connection(
    brokers: Brokers,
) -> None:
    transport, basket = listening(brokers, "payments")
    transport.publish([parcel()])
    first = taken(basket)
    transport.drop_connection()
    (again,) = taken(basket)
    assert (first[0].redelivered, again.redelivered) == (False, True)
    assert envelope_of(again) == envelope_of(first[0])
    transport.ack(first)  # an acknowledgement of the former connection says nothing
    transport.ack([again])


def test_what_waited_unhandled_when_the_connection_broke_is_not_handled_twice(
    brokers: Brokers,
) -> None:
    transport, basket = listening(brokers, "payments")
    transport.publish([parcel() for _ in range(5)])
    wait_for(lambda: len(basket._waiting["payments"]) == 5)
    transport.drop_connection()
    wait_for(lambda: [one.redelivered for one in basket._waiting["payments"]] == [True] * 5)
    assert len({envelope_of(one).message_id for one in taken(basket)}) == 5
    assert taken(basket, wait=0.2) == []


def test_what_is_given_back_goes_to_another_worker(brokers: Brokers) -> None:
    leaving, basket = listening(brokers, "payments")
    leaving.publish([parcel()])
    (delivery,) = taken(basket)
    left = basket.close()
    leaving.give_back([delivery, *left])
    leaving.close()
    _, other = listening(brokers, "payments")
    assert envelope_of(taken(other)[0]) == envelope_of(delivery)


def test_a_delayed_message_returns_to_its_own_queue(brokers: Brokers) -> None:
    transport, basket = listening(brokers, "hotspot-provisioning.radius")
    sent = parcel()
    delayed = Parcel(
        exchange=DELAYS[0].name,
        routing_key="hotspot-provisioning.radius",
        envelope=sent.envelope.again(),
    )
    transport.publish([delayed])
    brokers.pass_time()
    (delivery,) = taken(basket)
    assert envelope_of(delivery).attempt == 2
    transport.ack([delivery])


def test_what_waited_too_long_is_delivered_to_nobody(brokers: Brokers) -> None:
    transport = brokers.connect()
    stale = replace(parcel(ReconcilePaymentsJob()), stale_after=timedelta(milliseconds=1))
    kept = parcel()
    transport.publish([stale, kept])
    _, dead = listening(brokers, "parked.payment")
    brokers.pass_time()
    _, basket = listening(brokers, "payments")
    assert [envelope_of(one) for one in taken(basket)] == [kept.envelope]
    (delivery,) = taken(dead)
    assert envelope_of(delivery) == stale.envelope
    assert delivery.properties.death() == Death(queue="payments", reason="expired")
    assert is_stale(delivery)


def test_only_jobs_of_a_schedule_get_stale() -> None:
    scheduled = parcel(ReconcilePaymentsJob())
    assert scheduled.stale_after == timedelta(seconds=55)
    assert parcel().stale_after is None
    again = Parcel.waiting(scheduled.envelope.again(), delay=DELAYS[0], queue="payments")
    assert again.stale_after is None, "what waits for its next try must not die in the delay queue"


def test_no_more_is_held_than_the_prefetch_allows(brokers: Brokers) -> None:
    transport, basket = listening(brokers, "payments", prefetch=2)
    transport.publish([parcel() for _ in range(5)])
    for _ in range(2):
        held = taken(basket, most=10)
        while len(held) < 2:
            held.extend(taken(basket, most=10))
        assert len(held) == 2
        assert taken(basket, wait=0.1) == []
        transport.ack(held)
    assert len(taken(basket)) == 1


def test_many_threads_publish_at_once_and_each_gets_its_own_confirm(brokers: Brokers) -> None:
    from concurrent.futures import ThreadPoolExecutor

    transport, basket = listening(brokers, "payments")
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: transport.publish([parcel()]), range(200)))
    seen: set[uuid.UUID] = set()
    while len(seen) < 200:
        deliveries = taken(basket)
        transport.ack(deliveries)
        seen |= {envelope_of(one).message_id for one in deliveries}
