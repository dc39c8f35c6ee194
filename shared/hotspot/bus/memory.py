"""A broker in memory, for tests only: no setting selects it."""

import itertools
import re
import threading
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from hotspot.bus.envelope import Parcel
from hotspot.bus.transport import Basket, BrokerAway, Delivery, RawProperties, Unroutable
from hotspot.contract import table
from hotspot.contract.topology import Binding, parked_queue, topology


class MemoryBroker:
    """Queues and bindings of the contract, shared by the transports that connect to it."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.queues: dict[str, deque[Delivery]] = defaultdict(deque)
        self.baskets: dict[str, list[MemoryTransport]] = defaultdict(list)
        self.tags = itertools.count(1)
        self.connections = itertools.count(1)
        self.published: list[Parcel] = []
        self.mortal: set[tuple[str | None, object]] = set()
        self.is_up = True
        self._bindings: dict[str, list[Binding]] = defaultdict(list)
        for binding in topology().bindings:
            self._bindings[binding.source].append(binding)

    def route(self, exchange: str, routing_key: str) -> set[str]:
        """The queues that a message reaches."""
        if exchange == "":
            return {routing_key}
        reached: set[str] = set()
        for binding in self._bindings[exchange]:
            fanout = exchange.startswith("delay.")
            if not fanout and not _matches(binding.routing_key, routing_key):
                continue
            if binding.to_exchange:
                reached |= self.route(binding.destination, routing_key)
            else:
                reached.add(binding.destination)
        return reached

    def enqueue(self, queue: str, delivery: Delivery) -> None:
        """Put into a queue, and on to whoever consumes it."""
        with self.lock:
            self.queues[queue].append(delivery)
            self.deliver(queue)

    def deliver(self, queue: str) -> None:
        """Hand what waits in a queue to its consumers, round robin, within their prefetch."""
        with self.lock:
            while self.queues[queue]:
                takers = [one for one in self.baskets[queue] if one.has_room(queue)]
                if not takers:
                    return
                taker = min(takers, key=lambda one: one.held(queue))
                taker.receive(self.queues[queue].popleft())

    def pass_time(self) -> None:
        """All delays are over: what waited in them goes back to its queue, what is stale dies."""
        with self.lock:
            self._end_stale()
            for name in [name for name in self.queues if name.startswith("delay.")]:
                waiting, self.queues[name] = self.queues[name], deque()
                for delivery in waiting:
                    target = str(delivery.properties.headers["x-back-to"])
                    self.enqueue(target, replace(delivery, queue=target))

    def _end_stale(self) -> None:
        """As RabbitMQ does: what nobody has in hand goes where dead messages go, and why."""
        for queue in table.QUEUES:
            waiting, self.queues[queue.name] = self.queues[queue.name], deque()
            for delivery in waiting:
                if _mark_of(delivery.properties) not in self.mortal:
                    self.queues[queue.name].append(delivery)
                    continue
                died = {"x-death": [{"queue": queue.name, "reason": "expired"}]}
                headers = delivery.properties.headers | died
                grave = parked_queue(queue.of)
                dead = replace(delivery.properties, headers=headers)
                self.enqueue(grave, replace(delivery, queue=grave, properties=dead))


class MemoryTransport:
    """One connection to the broker in memory."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker
        self._number = next(broker.connections)
        self._unacked: dict[int, Delivery] = {}
        self._basket: Basket | None = None
        self._prefetch: dict[str, int] = {}

    def is_up(self) -> bool:
        """Whether the broker is there."""
        return self._broker.is_up

    def publish(self, parcels: Sequence[Parcel]) -> None:
        """Into the queues at once. Raises BrokerAway or Unroutable."""
        if not self._broker.is_up:
            raise BrokerAway("the broker in memory is down")
        for parcel in parcels:
            targets = self._broker.route(parcel.exchange, parcel.routing_key)
            if not targets:
                raise Unroutable(f"no queue takes {parcel.envelope.name} from {parcel.exchange!r}")
            self._broker.published.append(parcel)
            for target in targets:
                delivery = self._delivery(target, parcel)
                if parcel.stale_after is not None:
                    self._broker.mortal.add(_mark_of(delivery.properties))
                self._broker.enqueue(target, delivery)

    def consume(self, prefetch: Mapping[str, int], basket: Basket) -> None:
        """Put what these queues hold into the basket from now on."""
        self._prefetch, self._basket = dict(prefetch), basket
        for name in self._prefetch:
            self._broker.baskets[name].append(self)
            self._broker.deliver(name)

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Done with them."""
        with self._broker.lock:
            for delivery in deliveries:
                self._unacked.pop(delivery.tag, None)
            self._refill()

    def give_back(self, deliveries: Iterable[Delivery]) -> None:
        """Not done with them: they go to the front of their queues."""
        with self._broker.lock:
            for delivery in reversed(list(deliveries)):
                if self._unacked.pop(delivery.tag, None):
                    again = replace(delivery, redelivered=True)
                    self._broker.queues[delivery.queue].appendleft(again)
            self._refill()

    def close(self) -> None:
        """Leave; what was not acknowledged goes back."""
        with self._broker.lock:
            for name in self._prefetch:
                self._broker.baskets[name].remove(self)
            left, self._prefetch = list(self._unacked.values()), {}
            self.give_back(left)
            for delivery in left:
                self._broker.deliver(delivery.queue)

    def drop_connection(self) -> None:
        """As when the network breaks: unacknowledged deliveries go back, consuming goes on."""
        with self._broker.lock:
            left, number = list(self._unacked.values()), self._number
            self._number = next(self._broker.connections)
            if self._basket is not None:
                self._basket.forget(number)
            self.give_back(left)

    def held(self, queue: str) -> int:
        """How many unacknowledged deliveries of a queue are here."""
        return sum(1 for delivery in self._unacked.values() if delivery.queue == queue)

    def has_room(self, queue: str) -> bool:
        """Whether the prefetch allows one more."""
        return self.held(queue) < self._prefetch.get(queue, 0)

    def receive(self, delivery: Delivery) -> None:
        """The broker hands one over."""
        mine = replace(delivery, tag=next(self._broker.tags), connection=self._number)
        self._unacked[mine.tag] = mine
        if self._basket is not None:
            self._basket.put(mine)

    def _refill(self) -> None:
        for name in list(self._broker.queues):
            self._broker.deliver(name)

    def _delivery(self, target: str, parcel: Parcel) -> Delivery:
        envelope = parcel.envelope
        back = {"x-back-to": parcel.routing_key} if target.startswith("delay.") else {}
        return Delivery(
            queue=target,
            tag=0,
            connection=0,
            redelivered=False,
            properties=RawProperties(
                message_id=str(envelope.message_id),
                type=envelope.name,
                correlation_id=str(envelope.correlation_id),
                app_id=envelope.sender,
                headers={**envelope.headers(), **(parcel.notes or {}), **back},
            ),
            body=envelope.body,
        )


def _mark_of(properties: RawProperties) -> tuple[str | None, object]:
    """Tells a message from its own next attempt, which dies of no age any more."""
    return properties.message_id, properties.headers.get("attempt")


def _matches(pattern: str, routing_key: str) -> bool:
    words = re.escape(pattern).replace(r"\*", "[^.]+").replace(r"\#", ".*")
    return re.fullmatch(words, routing_key) is not None
