"""What a service's database knows, as gauges at /metrics: alarms raised, promises broken."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Connection, Engine, Select
from sqlalchemy.exc import DBAPIError

log = structlog.get_logger()

# Label values, then the number.
Rows = Iterable[Sequence[Any]]


@dataclass(frozen=True, kw_only=True)
class Gauge:
    """One gauge; `read` answers its rows."""

    name: str
    said: str
    labels: Sequence[str]
    read: Callable[[Connection], Rows]


class DatabaseGauges(Collector):
    """Asks when it is asked; tells nothing while the database is away."""

    def __init__(self, engine: Engine, gauges: Sequence[Gauge]) -> None:
        self._engine, self._gauges = engine, gauges

    def describe(self) -> Iterable[Metric]:
        """Nothing is asked when this is registered."""
        return []

    def collect(self) -> Iterable[Metric]:
        """Every gauge as it is now."""
        try:
            with self._engine.connect() as connection:
                return [_family(gauge, gauge.read(connection)) for gauge in self._gauges]
        except DBAPIError as error:
            log.warning("gauges not read", error=str(error.orig))
            return []


def alarms(raised: Select[*tuple[Any, ...]]) -> Gauge:
    """`hotspot_alarm`, from a query of (alarm, subject) of what is raised and not over."""
    return Gauge(
        name="hotspot_alarm",
        said="1 for each alarm that is raised and not over.",
        labels=("alarm", "subject"),
        read=lambda connection: ((*row, 1) for row in connection.execute(raised).all()),
    )


def promise(name: str, broken: Callable[[Connection], int]) -> Gauge:
    """`hotspot_promise_broken` of one of the system's two promises."""
    return Gauge(
        name="hotspot_promise_broken",
        said="How often a promise of the system is broken now. It must read 0.",
        labels=("promise",),
        read=lambda connection: [(name, broken(connection))],
    )


def _family(gauge: Gauge, rows: Rows) -> Metric:
    family = GaugeMetricFamily(gauge.name, gauge.said, labels=gauge.labels)
    for *named, value in rows:
        family.add_metric([str(one) for one in named], float(value))
    return family
