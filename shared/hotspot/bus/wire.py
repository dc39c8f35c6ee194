"""Between an envelope and the properties of AMQP."""

import uuid
from datetime import UTC, datetime
from typing import TypeVar

from hotspot.bus.envelope import Envelope
from hotspot.bus.transport import Delivery
from hotspot.contract.message import InvalidMessage

D = TypeVar("D")

_ANONYMOUS = uuid.UUID("6d3a3f38-6b1b-4c53-9a57-0f8f0a3a1c11")


def envelope_of(delivery: Delivery) -> Envelope:
    """The envelope of a delivery. Raises InvalidMessage where a property is missing or wrong."""
    properties, headers = delivery.properties, delivery.properties.headers
    try:
        return Envelope(
            message_id=uuid.UUID(str(properties.message_id)),
            name=_text(properties.type, "type"),
            version=int(str(headers["version"])),
            correlation_id=uuid.UUID(str(properties.correlation_id)),
            causation_id=_optional_id(headers.get("causation_id")),
            sent_at=datetime.fromisoformat(str(headers["sent_at"])),
            sender=_text(properties.app_id, "app_id"),
            body=delivery.body,
            attempt=int(str(headers.get("attempt", 1))),
            was_failed=bool(headers.get("was_failed", False)),
        )
    except (KeyError, ValueError) as error:
        raise InvalidMessage(f"not an envelope of ours: {error}") from error


def salvage(delivery: Delivery) -> Envelope:
    """An envelope for what is not one of ours, so that it can be kept and looked at.

    The id of what has none is made from its bytes: the same poison again is one row, not two.
    """
    properties, headers = delivery.properties, delivery.properties.headers
    poison = uuid.uuid5(_ANONYMOUS, delivery.queue + delivery.body.hex())
    message_id = _id_or(properties.message_id, poison)
    return Envelope(
        message_id=message_id,
        name=properties.type or "(no type)",
        version=_int_or(headers.get("version"), 0),
        correlation_id=_id_or(properties.correlation_id, message_id),
        causation_id=_id_or(headers.get("causation_id"), None),
        sent_at=_time_or(headers.get("sent_at"), datetime.fromtimestamp(0, UTC)),
        sender=properties.app_id or "(unknown)",
        body=delivery.body,
        attempt=_int_or(headers.get("attempt"), 1),
        was_failed=bool(headers.get("was_failed", False)),
    )


def _text(value: str | None, name: str) -> str:
    if not value:
        raise ValueError(f"{name} is missing")
    return value


def _optional_id(value: object) -> uuid.UUID | None:
    return None if value is None else uuid.UUID(str(value))


def _id_or(value: object, default: D) -> "uuid.UUID | D":
    try:
        return uuid.UUID(str(value))
    except ValueError:
        return default


def _int_or(value: object, default: int) -> int:
    try:
        return int(str(value))
    except ValueError:
        return default


def _time_or(value: object, default: datetime) -> datetime:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return default
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
