"""The kinds of row that the contract table is made of."""

from dataclasses import dataclass, field

from hotspot.contract.message import Message


@dataclass(frozen=True)
class Service:
    """One deployable service; its folder is `<name>-service` (the gateway's is `gateway`)."""

    name: str


@dataclass(frozen=True)
class Group:
    """Worker processes that are scaled together; `processes` is the default over all services."""

    name: str
    processes: int = field(kw_only=True)
    priority: int = field(kw_only=True)


@dataclass(frozen=True)
class Queue:
    """A durable queue of one service, bound to the exchange that it mirrors."""

    exchange: str
    of: Service = field(kw_only=True)
    group: Group = field(kw_only=True)
    suffix: str | None = field(kw_only=True, default=None)

    @property
    def name(self) -> str:
        """The exchange's own name for the first queue on it, else `<exchange>.<suffix>`."""
        return f"{self.exchange}.{self.suffix}" if self.suffix else self.exchange


@dataclass(frozen=True)
class Delay:
    """A fixed-delay queue, shared by all: it dead-letters back by routing key."""

    seconds: int

    @property
    def name(self) -> str:
        """As exchange and as queue: `delay.30s`."""
        return f"delay.{self.seconds}s"


@dataclass(frozen=True)
class Job:
    """An order: lands in one queue (or in one of each service) and has one handler.

    `outside` jobs call the world outside and are never grouped. `key` names the field whose
    order a group keeps, so that two groups touch rows in one order and cannot deadlock.
    `to_one` jobs carry the `service` whose queue they go to. A job that waited `stale_after`
    seconds in its queue is dropped: the next one of its schedule is on its way.
    """

    message: type[Message]
    sent_by: Service | None
    queues: "Queue | tuple[Queue, ...]"
    timeout: int = field(kw_only=True)
    tries: int = field(kw_only=True)
    outside: bool = field(kw_only=True, default=False)
    key: str | None = field(kw_only=True, default=None)
    to_one: bool = field(kw_only=True, default=False)
    stale_after: int | None = field(kw_only=True, default=None)
    traced: bool = field(kw_only=True, default=True)

    @property
    def lands_in(self) -> tuple[Queue, ...]:
        """Every queue that gets this job."""
        return self.queues if isinstance(self.queues, tuple) else (self.queues,)

    @property
    def handled_as(self) -> type[Message]:
        """A job is handled as itself."""
        return self.message


@dataclass(frozen=True)
class Event:
    """A fact on the topic exchange `events`, heard in the queues of `lands_in`."""

    message: type[Message]
    sent_by: Service | None
    lands_in: tuple[Queue, ...] = field(kw_only=True)
    as_job: type[Message] | None = field(kw_only=True, default=None)
    timeout: int = field(kw_only=True, default=30)
    tries: int = field(kw_only=True, default=5)
    outside: bool = field(kw_only=True, default=False)
    key: str | None = field(kw_only=True, default=None)
    traced: bool = field(kw_only=True, default=True)

    @property
    def handled_as(self) -> type[Message]:
        """The job that the listener's handler is written for, else the event itself."""
        return self.as_job or self.message
