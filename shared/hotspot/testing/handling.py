"""Running one message through the real handling, as a worker would, with no broker."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import Engine

from hotspot.bus.envelope import Envelope, Parcel, enclose
from hotspot.bus.handling import Handling, Task
from hotspot.bus.transport import BrokerAway
from hotspot.bus.work import Handlers
from hotspot.contract.message import Message
from hotspot.contract.operations import StepsRecorded
from hotspot.contract.topology import row_of

NOON = datetime(2026, 1, 15, 9, 0, tzinfo=UTC)  # noon in Nairobi


@dataclass
class FakePublisher:
    """Collects what is published; `away` makes it refuse as a broker that is down."""

    parcels: list[Parcel] = field(default_factory=list)
    away: bool = False

    @property
    def sent(self) -> list[Message]:
        """The messages, as their listeners would read them."""
        return [parcel.envelope.open() for parcel in self.parcels]

    def publish(self, parcels: Sequence[Parcel]) -> None:
        """Take them, or refuse all."""
        if self.away:
            raise BrokerAway("the fake broker is away")
        self.parcels.extend(parcels)

    def is_up(self) -> bool:
        """Whether it takes messages."""
        return not self.away


def envelope_for(
    message: Message, *, now: datetime = NOON, attempt: int = 1, correlation_id: UUID | None = None
) -> Envelope:
    """An envelope as a sender would make it."""
    from dataclasses import replace

    return replace(
        enclose(message, sender="test", now=now, correlation_id=correlation_id), attempt=attempt
    )


def run(
    handlers: Handlers,
    message: Message,
    engine: Engine,
    *,
    now: datetime = NOON,
    attempt: int = 1,
    times: int = 2,
    service: str = "test",
    correlation_id: UUID | None = None,
) -> list[Message]:
    """Handle a message `times` times over; answers what the first run sent.

    Fails where a further run sends anything: every handler can run twice.
    """
    envelope = envelope_for(message, now=now, attempt=attempt, correlation_id=correlation_id)
    sent = run_envelope(handlers, envelope, engine, now=now, service=service)
    for _ in range(times - 1):
        repeated = run_envelope(handlers, envelope, engine, now=now, service=service)
        assert repeated == [], f"the second run of {message.NAME} sent {repeated}"
    return sent


def run_envelope(
    handlers: Handlers,
    envelope: Envelope,
    engine: Engine,
    *,
    now: datetime = NOON,
    service: str = "test",
    redelivered: bool = False,
) -> list[Message]:
    """Handle one envelope once; answers what it sent."""
    message = envelope.open()
    task = Task(
        queue=row_of(type(message)).lands_in[0].name,
        envelope=envelope,
        message=message,
        redelivered=redelivered,
    )
    handling = Handling(service=service, handlers=handlers, engine=engine, clock=_at(now))
    parcels = handling.run_alone(task)
    return [
        parcel.envelope.open() for parcel in parcels if parcel.envelope.name != StepsRecorded.NAME
    ]


def _at(now: datetime) -> Callable[[], datetime]:
    return lambda: now
