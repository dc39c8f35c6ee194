"""What is to be sent, with the payment that it belongs to: its timeline shows it."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from hotspot.bus.work import Work
from hotspot.contract.message import Message
from radius_service.sessions import Told


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A message; without a `payment_id` it is about no payment."""

    message: Message
    payment_id: UUID | None = None


def letters_of(told: Iterable[Told]) -> list[Letter]:
    """Facts about sessions: each names its payment."""
    return [Letter(message=one, payment_id=one.payment_id) for one in told]


def send_all(work: Work, letters: Iterable[Letter]) -> None:
    """Record them in the outbox of a handler."""
    for letter in letters:
        work.send(letter.message, correlation_id=letter.payment_id)
