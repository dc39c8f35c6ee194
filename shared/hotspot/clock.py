"""The one place that reads the time; everything else is given `now`."""

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

Clock = Callable[[], datetime]

NAIROBI = ZoneInfo("Africa/Nairobi")


def utc_now() -> datetime:
    """Now, aware, in UTC."""
    return datetime.now(UTC)
