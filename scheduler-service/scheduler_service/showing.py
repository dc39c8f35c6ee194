"""What was measured last, for Prometheus: how long queues have waited, how the services are."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from hotspot.clock import Clock
from scheduler_service import metrics
from scheduler_service.figures import Figures

log = structlog.get_logger()

# Looked at each minute: what is older is known no more, and workers must not be scaled by it.
KNOWN_FOR = timedelta(minutes=3)


@dataclass(frozen=True)
class Shown:
    """Figures `<label>.<its value>.<measure>` as one gauge with one label."""

    name: str
    label: str
    measure: str
    said: str


# RabbitMQ itself does not tell the age of quorum queues (see `figures.mark_of`).
SHOWN: Final = (
    Shown(
        "hotspot_queue_age_seconds",
        "queue",
        "age_seconds",
        "How long the oldest message of a queue has waited.",
    ),
    Shown("hotspot_queue_ready", "queue", "ready", "Messages that wait in a queue."),
    Shown("hotspot_queue_consumers", "queue", "consumers", "Who takes from a queue."),
    Shown("hotspot_failed_jobs", "service", "failed_jobs", "Failed jobs of a service."),
    Shown(
        "hotspot_service_silent_seconds",
        "service",
        "silent_seconds",
        "For how long a service has measured nothing.",
    ),
    Shown("hotspot_database_bytes", "service", "database_bytes", "Size of a service's database."),
)


class FigureCollector(Collector):
    """The newest figures as gauges; nothing where they are too old."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine, self._clock = engine, clock

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The newest figures; nothing while the database is away."""
        try:
            with self._engine.connect() as connection:
                found = metrics.latest(connection)
        except DBAPIError as error:
            log.warning("figures not read", error=str(error.orig))
            return
        if found is None or self._clock() - found[0] > KNOWN_FOR:
            return
        for one in SHOWN:
            yield _family(one, found[1])


def _family(shown: Shown, figures: Figures) -> GaugeMetricFamily:
    family = GaugeMetricFamily(shown.name, shown.said, labels=[shown.label])
    before, after = f"{shown.label}.", f".{shown.measure}"
    for name, value in figures.items():
        if name.startswith(before) and name.endswith(after):
            family.add_metric([name[len(before) : -len(after)]], value)
    return family
