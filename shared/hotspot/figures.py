"""What a worker counts, for Prometheus. Few series: they are multiplied by every process."""

from collections.abc import Iterable, Sequence

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Engine, func, literal, select
from sqlalchemy.exc import DBAPIError

from hotspot.bus.tables import outbox
from hotspot.bus.watch import Watch
from hotspot.contract.operations import Step

SECONDS = (0.01, 0.05, 0.25, 1.0, 5.0, 30.0, 120.0)
SIZES = (1, 2, 5, 10, 25, 50)
COUNTED_AT_MOST = 10_000


class CountingWatch(Watch):
    """Counts messages by name and outcome, their time by queue, and how many go together."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        super().__init__()
        self._messages = Counter(
            "hotspot_messages",
            "Messages handled, by outcome: done, repeated, retried, failed or refused.",
            ["message", "outcome"],
            registry=registry,
        )
        self._seconds = Histogram(
            "hotspot_message_seconds",
            "Time that a message took its handler, by queue.",
            ["queue"],
            buckets=SECONDS,
            registry=registry,
        )
        self._sizes = Histogram(
            "hotspot_group_size",
            "Messages handled in one transaction.",
            buckets=SIZES,
            registry=registry,
        )

    def grouped(self, size: int) -> None:
        """So many messages are handled in one transaction."""
        self._sizes.observe(size)

    def ended(self, queue: str, steps: Sequence[Step]) -> None:
        """Messages of a queue were handled, or failed."""
        seconds = self._seconds.labels(queue)
        for step in steps:
            self._messages.labels(step.message, step.outcome).inc()
            if step.outcome != "repeated":
                seconds.observe(step.duration_ms / 1000)

    def refused(self, queue: str) -> None:
        """Something lay in a queue that is no message of it. Its name may be anything."""
        self._messages.labels("", "refused").inc()


class OutboxCollector(Collector):
    """What a service has recorded to be sent and the broker has not confirmed. Asked when read."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def describe(self) -> Iterable[Metric]:
        """Nothing is asked when this is registered: the database may be away."""
        return []

    def collect(self) -> Iterable[Metric]:
        """The figures; none while the database cannot be asked."""
        # After hours without a broker, counting all of them would take longer than anyone waits.
        some = select(literal(1)).select_from(outbox).limit(COUNTED_AT_MOST).subquery()
        oldest = select(func.min(outbox.c.recorded_at)).scalar_subquery()
        age = func.coalesce(func.extract("epoch", func.now() - oldest), 0)
        try:
            with self._engine.connect() as connection:
                waiting, seconds = connection.execute(
                    select(select(func.count()).select_from(some).scalar_subquery(), age)
                ).one()
        except DBAPIError:
            return
        yield GaugeMetricFamily(
            "hotspot_outbox_waiting",
            f"Messages recorded and not sent yet; {COUNTED_AT_MOST} stands for more as well.",
            value=waiting,
        )
        yield GaugeMetricFamily(
            "hotspot_outbox_oldest_seconds",
            "For how long the oldest of them waits.",
            value=float(seconds),
        )
