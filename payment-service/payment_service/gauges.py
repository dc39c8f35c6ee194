"""What payment-service knows of itself, for Prometheus."""

from collections.abc import Sequence

from sqlalchemy import select

from hotspot.clock import Clock
from hotspot.web.gauges import Gauge, alarms, promise
from payment_service.models import RaisedAlarm
from payment_service.promise.standing import unserved


def gauges(clock: Clock) -> Sequence[Gauge]:
    """The alarms that it raised, and the promise that no money is without service."""
    return (
        alarms(select(RaisedAlarm.alarm, RaisedAlarm.subject)),
        promise("money_without_service", lambda db: unserved(db, clock()).count),
    )
