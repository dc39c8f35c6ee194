"""What router-service knows of its routers, for Prometheus."""

from collections.abc import Sequence

from sqlalchemy import func, select

from hotspot.web.gauges import Gauge, alarms
from router_service.models import Alarm, Router


def gauges() -> Sequence[Gauge]:
    """The alarms that are raised about routers, and how many there are in each status."""
    counted = select(Router.status, func.count()).group_by(Router.status)
    return (
        alarms(select(Alarm.alarm, Alarm.router_id)),
        Gauge(
            name="hotspot_routers",
            said="Routers by status: pending, online, offline, provisioning or failed.",
            labels=("status",),
            read=lambda db: db.execute(counted).all(),
        ),
    )
