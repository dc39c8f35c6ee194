"""Metrics: those that exist, and those that rules and the dashboard ask for."""

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from uuid import UUID

import promql_parser
from prometheus_client import CollectorRegistry, ProcessCollector
from sqlalchemy import Engine

from hotspot.clock import utc_now
from hotspot.contract.operations import Step
from hotspot.figures import CountingWatch, OutboxCollector
from notification_service.gauges import gauges as notification_gauges
from payment_service.callbacks.spool import _metrics as spool_metrics
from payment_service.gauges import gauges as payment_gauges
from radius_service.counting import RadiusCollector
from radius_service.gauges import gauges as radius_gauges
from router_service.gauges import gauges as router_gauges
from scheduler_service.showing import SHOWN

from .world import Object, Whole

# What Prometheus itself adds to all that it asks, and what pods.yaml takes from pods' labels.
OF_THE_TARGET = {
    *("namespace", "pod", "container", "endpoint", "instance", "job"),
    *("app_kubernetes_io_name", "app_kubernetes_io_part_of", "hotspot_service", "cnpg_io_cluster"),
}

# Of other people's exporters, as their documents name them, with their labels.
ELSEWHERE: Mapping[str, Sequence[str]] = {
    "up": (),
    # RabbitMQ's plugin rabbitmq_prometheus: https://www.rabbitmq.com/docs/prometheus
    "rabbitmq_identity_info": ("rabbitmq_node", "rabbitmq_cluster"),
    "rabbitmq_alarms_memory_used_watermark": (),
    "rabbitmq_alarms_free_disk_space_watermark": (),
    "rabbitmq_queue_messages_ready": (),
    "rabbitmq_queue_messages_unacked": (),
    # CloudNativePG: https://cloudnative-pg.io/documentation/current/monitoring/
    "cnpg_collector_up": ("cluster",),
    "cnpg_pg_replication_lag": (),
    "cnpg_backends_total": ("datname", "usename", "state", "application_name"),
    "cnpg_pg_settings_setting": ("name",),
    # kube-state-metrics and the kubelet, which come with Prometheus' operator nearly everywhere
    "kube_pod_container_status_restarts_total": (),
    "kube_job_status_failed": ("job_name", "reason"),
    "kubelet_volume_stats_available_bytes": ("persistentvolumeclaim",),
    "kubelet_volume_stats_capacity_bytes": ("persistentvolumeclaim",),
    # cert-manager: https://cert-manager.io/docs/devops-tips/prometheus-metrics/
    "certmanager_certificate_expiration_timestamp_seconds": ("name",),
    "certmanager_certificate_not_after_timestamp_seconds": ("name",),
    "certmanager_certificate_ready_status": ("name", "condition"),
}


@dataclass(frozen=True)
class Asked:
    """One selector of a query: the metric, and the labels that it or its aggregations name."""

    metric: str
    labels: frozenset[str]


@functools.cache
def known() -> dict[str, set[str]]:
    """Every metric that there is, with its own labels."""
    found = {name: set(labels) for name, labels in ELSEWHERE.items()}
    groups = (payment_gauges, radius_gauges, notification_gauges)
    gauges = [gauge for of in groups for gauge in of(utc_now)]
    for gauge in [*gauges, *router_gauges()]:
        found[gauge.name] = set(gauge.labels)
    for shown in SHOWN:
        found[shown.name] = {shown.label}
    return found | _of_processes()


def _of_processes() -> dict[str, set[str]]:
    """What workers count, what web processes do, and what each process says of itself."""
    registry = CollectorRegistry(auto_describe=False)
    watch = CountingWatch(registry)
    watch.grouped(1)
    watch.ended("any", [_STEP])
    ProcessCollector(registry=registry)
    database = cast(Engine, _AnyDatabase())
    for collector in (OutboxCollector(database), RadiusCollector(database)):
        registry.register(collector)
    families = list(registry.collect())
    for one in (spool_metrics().kept, spool_metrics().most, spool_metrics().refused):
        families += one.collect()
    found: dict[str, set[str]] = {}
    for family in families:
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


_STEP = Step(
    message_id=UUID(int=1),
    message="PromptPhoneJob",
    correlation_id=UUID(int=1),
    causation_id=None,
    attempt=1,
    sent_at=utc_now(),
    started_at=utc_now(),
    duration_ms=1.0,
    outcome="done",
)


class _AnyDatabase:
    """Answers each question of the collectors with something of the right shape."""

    def connect(self) -> "_AnyDatabase":
        """Itself."""
        return self

    def __enter__(self) -> "_AnyDatabase":
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close."""

    def execute(self, _: object) -> "_AnyDatabase":
        """Itself again: one row, or rows of a name and a number."""
        return self

    def one(self) -> tuple[int, float]:
        """So many, and since when."""
        return 1, 1.0

    def __iter__(self) -> Iterator[tuple[str, int]]:
        return iter([("accepted", 1)])


def asked(query: str) -> Iterator[Asked]:
    """What a query asks for. Raises ValueError where it is no PromQL."""
    yield from _selectors(promql_parser.parse(query), frozenset())


def _selectors(part: object, by: frozenset[str]) -> Iterator[Asked]:
    if isinstance(part, promql_parser.VectorSelector):
        named = {one.name for one in part.matchers.matchers}
        yield Asked(part.name or "", frozenset(named) | by)
    elif isinstance(part, promql_parser.MatrixSelector):
        yield from _selectors(part.vector_selector, by)
    elif isinstance(part, promql_parser.AggregateExpr):
        more = part.modifier.labels if part.modifier else []
        yield from _selectors(part.expr, frozenset(more))
    elif isinstance(part, promql_parser.BinaryExpr):
        yield from _selectors(part.lhs, by)
        yield from _selectors(part.rhs, by)
    elif isinstance(part, promql_parser.Call):
        for argument in part.args:
            yield from _selectors(argument, by)
    elif isinstance(part, promql_parser.ParenExpr | promql_parser.UnaryExpr):
        yield from _selectors(part.expr, by)


def unknown(query: str) -> list[str]:
    """Metrics and labels of a query that do not exist."""
    faults = []
    for one in asked(query):
        labels = known().get(one.metric)
        if labels is None:
            faults.append(f"there is no metric {one.metric}")
            continue
        faults += [
            f"{one.metric} has no label {label}" for label in one.labels - labels - OF_THE_TARGET
        ]
    return faults


def alerts(whole: Whole) -> list[Object]:
    """The rules of all PrometheusRules."""
    groups = [group for one in whole.of("PrometheusRule") for group in one["spec"]["groups"]]
    return [rule for group in groups for rule in group["rules"]]


def panels(file: Path) -> dict[str, list[str]]:
    """The queries of a Grafana dashboard, by the titles of its panels."""
    board = json.loads(file.read_text())
    return {one["title"]: [each["expr"] for each in one["targets"]] for one in board["panels"]}
