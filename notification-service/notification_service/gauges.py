"""What became of the SMS, for Prometheus."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import func, select

from hotspot.clock import Clock
from hotspot.web.gauges import Gauge
from notification_service.models import Sms

LOOKED_BACK = timedelta(minutes=15)


def gauges(clock: Clock) -> Sequence[Gauge]:
    """Messages of the last quarter of an hour by what became of them."""
    counted = select(Sms.state, func.count()).group_by(Sms.state)
    return (
        Gauge(
            name="hotspot_sms_lately",
            said="SMS of the last 15 minutes: sending, sent, delivered, failed or unclear.",
            labels=("state",),
            read=lambda db: db.execute(
                counted.where(Sms.created_at >= clock() - LOOKED_BACK)
            ).all(),
        ),
    )
