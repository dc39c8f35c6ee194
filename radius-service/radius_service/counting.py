"""Counts of all processes of the server in one table, from where the web process shows them.

The server itself speaks no HTTP; and a count per process would begin anew with each restart.
"""

import threading
from collections import Counter
from collections.abc import Iterator

import structlog
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import DBAPIError

from radius_service.counters import Counters
from radius_service.models import RadiusCount

log = structlog.get_logger()

EVERY_SECONDS = 10.0

# In one order, so that two processes cannot wait for each other.
_ADD = text("""
    INSERT INTO radius_counts (name, count)
    SELECT name, added FROM unnest(CAST(:names AS text[]), CAST(:added AS bigint[]))
        AS counted (name, added)
    ORDER BY name
    ON CONFLICT (name) DO UPDATE SET count = radius_counts.count + excluded.count
""")


class CountKeeper:
    """Adds what a process has counted to the table, in a thread of its own."""

    def __init__(self, engine: Engine, counters: Counters) -> None:
        self._engine = engine
        self._counters = counters
        self._added: Counter[str] = Counter()

    def run(self, stopped: threading.Event) -> None:
        """Add until stopped."""
        while not stopped.wait(EVERY_SECONDS):
            self.add()

    def add(self) -> None:
        """Add what is new. While the database is away, it stays for the next time."""
        counts = Counter(self._counters.read())
        new = counts - self._added
        if not new:
            return
        try:
            with self._engine.begin() as connection:
                connection.execute(_ADD, {"names": list(new), "added": list(new.values())})
        except DBAPIError as error:
            log.warning("counts not kept yet", error=str(error.orig))
            return
        self._added = counts


class RadiusCollector(Collector):
    """`radius_packets_total` by what became of them, over all processes since the beginning."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def collect(self) -> Iterator[CounterMetricFamily]:
        """The table as it is now; nothing while the database is away."""
        family = CounterMetricFamily(
            "radius_packets", "RADIUS packets by what became of them", labels=["outcome"]
        )
        try:
            with self._engine.connect() as connection:
                for name, count in connection.execute(select(RadiusCount.name, RadiusCount.count)):
                    family.add_metric([name], count)
        except DBAPIError as error:
            log.warning("counts not read", error=str(error.orig))
            return
        yield family
