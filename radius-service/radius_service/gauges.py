"""What radius-service knows of itself, for Prometheus."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select

from hotspot.clock import Clock
from hotspot.web.gauges import Gauge, alarms, promise
from radius_service.ledger_tables import Alarm
from radius_service.models import SESSIONS
from radius_service.promise import WITHOUT_TIME, service_without_time


def gauges(clock: Clock) -> Sequence[Gauge]:
    """The alarms that it raised, the promise that no service is without time, who is online."""
    online = SESSIONS.c.status == "online"
    counted = select(func.count()).where(online)
    last_seen = select(func.max(SESSIONS.c.seen_at)).where(online)
    return (
        alarms(select(Alarm.alarm, Alarm.subject)),
        promise(WITHOUT_TIME, lambda db: service_without_time(db, clock()).count),
        Gauge(
            name="hotspot_sessions_online",
            said="Guests online now.",
            labels=(),
            read=lambda db: [(db.scalar(counted),)],
        ),
        Gauge(
            name="hotspot_sessions_silent_seconds",
            said="Since a router last told of any guest online; 0 where nobody is.",
            labels=(),
            read=lambda db: [(_since(db.scalar(last_seen), clock()),)],
        ),
    )


def _since(seen_at: datetime | None, now: datetime) -> float:
    return (now - seen_at).total_seconds() if seen_at else 0.0
