"""Events as the gateway keeps them: each once, in one order for all listeners."""

from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from gateway.models import RecordedEvent
from hotspot.bus.envelope import Envelope
from hotspot.contract import message as contract
from hotspot.contract.message import Message

# PostgreSQL tells every gateway process through this channel that events were committed.
CHANNEL = "gateway_events"
_WRITERS_TURN = 0x65766E7473


# Made once: building a statement costs more than running it.
_TABLE = cast(Table, RecordedEvent.__table__)
_KEEP = (
    insert(_TABLE)
    .on_conflict_do_nothing(index_elements=[_TABLE.c.message_id])
    .returning(_TABLE.c.seq)
)
_TIMES = (
    select(_TABLE.c.at)
    .where(_TABLE.c.payment_id == bindparam("payment"), _TABLE.c.name == bindparam("event"))
    .order_by(_TABLE.c.seq)
)


def record(session: Session, event: Message, envelope: Envelope) -> bool:
    """Keep an event and tell the listeners; False where it is kept already."""
    take_turn(session)
    row = {
        "message_id": envelope.message_id,
        "name": envelope.name,
        "service": envelope.sender,
        "correlation_id": envelope.correlation_id,
        "causation_id": envelope.causation_id,
        "payment_id": getattr(event, "payment_id", None),
        "payload": _payload(event),
        "at": envelope.sent_at,
    }
    return session.execute(_KEEP, row).first() is not None


def times_of(session: Session, name: str, payment_id: UUID) -> list[datetime]:
    """When a payment had events of this name, oldest first."""
    return list(session.scalars(_TIMES, {"payment": payment_id, "event": name}))


def take_turn(session: Session) -> None:
    """One transaction at a time writes events, so that they are committed in the order of `seq`.

    Without it a listener that has seen number 8 would never see number 7 of a slower transaction.
    """
    if "writes events" in session.info:  # a group of messages shares one transaction
        return
    session.execute(text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": _WRITERS_TURN})
    session.execute(select(func.pg_notify(CHANNEL, "")))
    session.info["writes events"] = True


def _payload(event: Message) -> dict[str, Any]:
    """What operators may see: nothing that was sealed."""
    return {
        name: value
        for name, value in contract.dump(event).items()
        if not name.startswith("sealed_")
    }
