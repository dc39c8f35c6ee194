"""What the table means for the broker: exchanges, queues, bindings, and each message's route."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from hotspot.contract import table
from hotspot.contract.message import Message
from hotspot.contract.rows import Delay, Event, Group, Job, Queue, Service

# A queue gives a message back this often at most: the last resort against a message that kills
# its worker before anything can be counted.
DELIVERY_LIMIT = 50


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """A durable exchange."""

    name: str
    kind: Literal["direct", "topic", "fanout"]


@dataclass(frozen=True, kw_only=True)
class QueueDeclaration:
    """A durable quorum queue and its arguments."""

    name: str
    arguments: tuple[tuple[str, str | int], ...]


@dataclass(frozen=True, kw_only=True)
class Binding:
    """From an exchange to a queue, or to another exchange."""

    source: str
    destination: str
    routing_key: str
    to_exchange: bool = False


@dataclass(frozen=True, kw_only=True)
class Topology:
    """All that is declared at the broker. Declaring it again changes nothing."""

    exchanges: tuple[Exchange, ...]
    queues: tuple[QueueDeclaration, ...]
    bindings: tuple[Binding, ...]


class UnknownMessage(ValueError):
    """No row of the table has this message."""


def row_of(message: type[Message]) -> Job | Event:
    """The table's row of a message type. Raises UnknownMessage."""
    return row_named(message.NAME)


def row_named(name: str) -> Job | Event:
    """The table's row of a message name. Raises UnknownMessage."""
    try:
        return _rows()[name]
    except KeyError:
        raise UnknownMessage(f"no message is called {name!r}") from None


def route_of(message: Message) -> tuple[str, str]:
    """(exchange, routing key) that a message is published with."""
    row = row_of(type(message))
    if isinstance(row, Event):
        return table.EVENTS_EXCHANGE, row.message.NAME
    if row.to_one:
        return row.lands_in[0].exchange, f"{row.message.NAME}.{message.service}"  # type: ignore[attr-defined]
    return row.lands_in[0].exchange, row.message.NAME


def queue_of(message: Message) -> Queue:
    """The one queue of a job. Raises UnknownMessage for what lands in several."""
    row = row_of(type(message))
    if isinstance(row, Event) or len(row.lands_in) != 1:
        raise UnknownMessage(f"{row.message.NAME} has no queue of its own to wait for")
    return row.lands_in[0]


def stale_after(message: Message) -> timedelta | None:
    """How long a job may wait in its queue; None where it must not be lost."""
    row = row_of(type(message))
    seconds = row.stale_after if isinstance(row, Job) else None
    return None if seconds is None else timedelta(seconds=seconds)


def delay_of(wait: timedelta) -> Delay:
    """The shortest delay that is long enough, else the longest that there is."""
    enough = (delay for delay in table.DELAYS if delay.seconds >= wait.total_seconds())
    return next(enough, table.DELAYS[-1])


def queues_of(service: Service, groups: tuple[Group, ...]) -> tuple[Queue, ...]:
    """The queues that a worker of these groups takes from, most urgent first."""
    return tuple(queue for queue in table.QUEUES if queue.of == service and queue.group in groups)


def messages_in(queue: Queue) -> tuple[Job | Event, ...]:
    """Every row that lands in a queue."""
    return tuple(row for row in table.MESSAGES if queue in row.lands_in)


def groups_of(service: Service) -> tuple[Group, ...]:
    """The groups that have queues of this service."""
    mine = {queue.group for queue in table.QUEUES if queue.of == service}
    return tuple(group for group in table.GROUPS if group in mine)


def service_named(name: str) -> Service:
    """A service of the table by its name. Raises KeyError."""
    return {service.name: service for service in table.SERVICES}[name]


def parked_queue(service: Service) -> str:
    """Where messages wait to be recorded as failed jobs of a service."""
    return f"{table.PARKED_EXCHANGE}.{service.name}"


@functools.cache
def topology() -> Topology:
    """The whole topology, derived from the table."""
    return Topology(
        exchanges=tuple(_exchanges()),
        queues=tuple(_queues()),
        bindings=tuple(dict.fromkeys(_bindings())),
    )


@functools.cache
def _rows() -> dict[str, Job | Event]:
    return {row.message.NAME: row for row in table.MESSAGES}


def _exchanges() -> Iterator[Exchange]:
    yield Exchange(name=table.EVENTS_EXCHANGE, kind="topic")
    yield Exchange(name=table.PARKED_EXCHANGE, kind="direct")
    documented = dict.fromkeys(queue.exchange for queue in table.QUEUES)
    for name in (*documented, *table.UNBOUND_EXCHANGES):
        yield Exchange(name=name, kind="topic")
    for delay in table.DELAYS:
        yield Exchange(name=delay.name, kind="fanout")


def _queues() -> Iterator[QueueDeclaration]:
    quorum = ("x-queue-type", "quorum")
    for queue in table.QUEUES:
        yield QueueDeclaration(
            name=queue.name,
            arguments=(
                quorum,
                ("x-delivery-limit", DELIVERY_LIMIT),
                ("x-dead-letter-exchange", table.PARKED_EXCHANGE),
                ("x-dead-letter-routing-key", queue.of.name),
                *_AT_LEAST_ONCE,
            ),
        )
    for service in table.SERVICES:
        yield QueueDeclaration(name=parked_queue(service), arguments=(quorum,))
    for delay in table.DELAYS:
        yield QueueDeclaration(
            name=delay.name,
            arguments=(
                quorum,
                ("x-message-ttl", delay.seconds * 1000),
                # The default exchange: the routing key that a retry keeps is its queue's name.
                ("x-dead-letter-exchange", ""),
                *_AT_LEAST_ONCE,
            ),
        )


# Without these a broker that dies between expiry and the next queue loses the message.
_AT_LEAST_ONCE = (("x-dead-letter-strategy", "at-least-once"), ("x-overflow", "reject-publish"))


def _bindings() -> Iterator[Binding]:
    for row in table.MESSAGES:
        name = row.message.NAME
        for queue in row.lands_in:
            if isinstance(row, Event):
                yield Binding(
                    source=table.EVENTS_EXCHANGE,
                    destination=queue.exchange,
                    routing_key=name,
                    to_exchange=True,
                )
            to_one = isinstance(row, Job) and row.to_one
            key = f"{name}.{queue.of.name}" if to_one else name
            yield Binding(source=queue.exchange, destination=queue.name, routing_key=key)
    for service in table.SERVICES:
        yield Binding(
            source=table.PARKED_EXCHANGE,
            destination=parked_queue(service),
            routing_key=service.name,
        )
    for delay in table.DELAYS:
        yield Binding(source=delay.name, destination=delay.name, routing_key="")
