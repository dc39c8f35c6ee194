"""A scheduler in a process of its own, which tests pause and kill: candidate.py URL NAME."""

import sys
from collections.abc import Sequence
from datetime import timedelta

from hotspot.bus.envelope import Parcel
from hotspot.contract.operations import MeasureServiceJob
from scheduler_service.leader import Patience
from scheduler_service.schedules import Every, Schedule
from scheduler_service.timer import Timekeeper

PATIENCE = Patience(look_every=0.1, silence=0.8)
EVERY_SECOND = (Schedule(MeasureServiceJob, Every(period=timedelta(seconds=1))),)


class Nowhere:
    """A broker that takes everything."""

    def publish(self, parcels: Sequence[Parcel]) -> None:
        """Take them."""

    def is_up(self) -> bool:
        """Always."""
        return True


if __name__ == "__main__":
    Timekeeper(
        database_url=sys.argv[1],
        publisher=Nowhere(),
        schedules=EVERY_SECOND,
        patience=PATIENCE,
        name=sys.argv[2],
    ).run()
