"""What the worker needs from a broker, and how deliveries wait in a process."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from hotspot.bus.envelope import Parcel


class BrokerAway(Exception):
    """The broker did not confirm: the message may or may not have arrived. Send it again."""


class Unroutable(Exception):
    """No queue takes this message: the topology and the contract disagree."""


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """What a queue handed over, raw: it may be anything that someone put there."""

    queue: str
    tag: int
    connection: int  # tags are only good on the connection that they came by
    redelivered: bool
    properties: "RawProperties"
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Death:
    """Why the broker itself took a message out of a queue, as it said last."""

    queue: str
    reason: str

    @property
    def is_of_age(self) -> bool:
        """It waited for longer than it was worth."""
        return self.reason == "expired"


@dataclass(frozen=True, kw_only=True)
class RawProperties:
    """The properties of a delivery as the broker gave them: nothing is checked yet."""

    message_id: str | None = None
    type: str | None = None
    correlation_id: str | None = None
    app_id: str | None = None
    headers: dict[str, object] = field(default_factory=dict)

    def death(self) -> Death | None:
        """The last entry of RabbitMQ's `x-death`, which lists the latest first.

        Not `x-first-death-*`: of a message that was retried, those name the delay queue for ever.
        """
        deaths = self.headers.get("x-death")
        if not isinstance(deaths, list) or not deaths or not isinstance(deaths[0], dict):
            return None
        last = deaths[0]
        return Death(queue=str(last.get("queue")), reason=str(last.get("reason")))


class Publishing(Protocol):
    """The half of a transport that sends."""

    def publish(self, parcels: Sequence[Parcel]) -> None:
        """Return when all are confirmed. Raises BrokerAway or Unroutable."""

    def is_up(self) -> bool:
        """Whether the broker is connected."""


class Transport(Publishing, Protocol):
    """A connection to the broker that also takes from queues."""

    def consume(self, prefetch: Mapping[str, int], basket: "Basket") -> None:
        """Put what these queues hold into the basket from now on, also after reconnecting.

        `prefetch`: for each queue, how many deliveries may be unacknowledged here at once.
        """

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Done with them: the broker forgets them."""

    def give_back(self, deliveries: Iterable[Delivery]) -> None:
        """Not done with them: another worker gets them."""

    def close(self) -> None:
        """Give back what was not acknowledged, and leave."""


class Basket:
    """Deliveries that wait in this process, by queue in strict priority."""

    def __init__(self, queues: Sequence[str]) -> None:
        self._waiting: dict[str, deque[Delivery]] = {name: deque() for name in queues}
        self._changed = threading.Condition()
        self._closed = False

    def put(self, delivery: Delivery) -> None:
        """Called by the transport's own thread."""
        with self._changed:
            if not self._closed:
                self._waiting[delivery.queue].append(delivery)
                self._changed.notify()

    def take(
        self, *, most: int, together: Callable[[Delivery], bool], timeout: float
    ) -> list[Delivery]:
        """From the first queue that has work: one delivery, or up to `most` that go together."""
        with self._changed:
            self._changed.wait_for(self._ready, timeout)
            for waiting in self._waiting.values():
                if waiting and not self._closed:
                    return _run_of(waiting, most, together)
        return []

    def forget(self, connection: int) -> None:
        """The connection is gone: the broker gives its deliveries to someone again."""
        with self._changed:
            for name, waiting in self._waiting.items():
                kept = (delivery for delivery in waiting if delivery.connection != connection)
                self._waiting[name] = deque(kept)

    def close(self) -> list[Delivery]:
        """Take nothing more; answers what was waiting."""
        with self._changed:
            self._closed = True
            left = [delivery for waiting in self._waiting.values() for delivery in waiting]
            for waiting in self._waiting.values():
                waiting.clear()
            self._changed.notify_all()
            return left

    def _ready(self) -> bool:
        return self._closed or any(self._waiting.values())


def _run_of(
    waiting: deque[Delivery], most: int, together: Callable[[Delivery], bool]
) -> list[Delivery]:
    taken = [waiting.popleft()]
    if not together(taken[0]):
        return taken
    while waiting and len(taken) < most and together(waiting[0]):
        taken.append(waiting.popleft())
    return taken
