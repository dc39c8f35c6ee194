"""How many guests are online: counted up and down as sessions start and end."""

from datetime import datetime
from typing import cast

from sqlalchemy import Connection, Table, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from gateway.models import Gauge, Stay
from hotspot.contract.message import Message
from hotspot.contract.sessions import SessionEnded, SessionStarted

ONLINE = "guests_online"

_STAYS = cast(Table, Stay.__table__)
_GAUGES = cast(Table, Gauge.__table__)
# Each says something only the first time: a session that is told twice is counted once.
_HEARD = insert(_STAYS)
_STARTED = _HEARD.on_conflict_do_update(
    index_elements=[_STAYS.c.session_id],
    set_={"started_at": _HEARD.excluded.started_at},
    where=_STAYS.c.started_at.is_(None),
).returning(_STAYS.c.ended_at)
_ENDED = _HEARD.on_conflict_do_update(
    index_elements=[_STAYS.c.session_id],
    set_={"ended_at": _HEARD.excluded.ended_at},
    where=_STAYS.c.ended_at.is_(None),
).returning(_STAYS.c.started_at)
_ADDED = insert(_GAUGES)
_ADD = _ADDED.on_conflict_do_update(
    index_elements=[_GAUGES.c.gauge], set_={"value": _GAUGES.c.value + _ADDED.excluded.value}
)


def follow(session: Session, event: Message, at: datetime) -> None:
    """Count a guest who came or left; in whatever order that is heard."""
    change = 0
    if isinstance(event, SessionStarted):
        told = {"session_id": event.session_id, "started_at": event.started_at, "heard_at": at}
        row = session.execute(_STARTED, told).first()
        change = 1 if row is not None and row.ended_at is None else 0
    elif isinstance(event, SessionEnded):
        told = {"session_id": event.session_id, "ended_at": event.ended_at, "heard_at": at}
        row = session.execute(_ENDED, told).first()
        change = -1 if row is not None and row.started_at is not None else 0
    if change:
        session.execute(_ADD, {"gauge": ONLINE, "value": change})


def online(connection: Connection) -> int:
    """Guests who are online now, as far as was heard."""
    return connection.scalar(select(Gauge.value).where(Gauge.gauge == ONLINE)) or 0
