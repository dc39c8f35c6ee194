"""For how long this service keeps what it did and measured."""

from typing import Final

from hotspot.bus.pruning import Kept
from scheduler_service.metrics import KEPT_DAYS, RAW_KEPT_DAYS
from scheduler_service.models import Maintenance, Quarter, Run, Snapshot

KEPT: Final = (
    Kept(since=Run.recorded_at, days=14),
    Kept(since=Snapshot.at, days=RAW_KEPT_DAYS),
    Kept(since=Quarter.at, days=KEPT_DAYS),
    Kept(since=Maintenance.ended_at, days=90),
)
