"""Rules and the dashboard ask for metrics that exist, of pods that are asked."""

import re

import pytest
import yaml

from . import monitoring
from .network import Peer, reaches
from .operators import pods_made
from .world import ALL_ADDED, K8S, ROOT, Whole, image_of, matches, name_of

DASHBOARD = K8S / "monitoring" / "hotspot.json"
PROMETHEUS = Peer(
    name="Prometheus",
    namespace="monitoring",
    namespace_labels={"hotspot/monitoring": "allowed"},
)


@pytest.fixture
def watched(wholes: dict[str, Whole]) -> Whole:
    """The usual overlay with monitoring."""
    return wholes[ALL_ADDED]


def test_every_rule_asks_for_what_there_is(watched: Whole) -> None:
    rules = monitoring.alerts(watched)
    found = {rule["alert"]: monitoring.unknown(str(rule["expr"])) for rule in rules}
    assert {name: faults for name, faults in found.items() if faults} == {}
    assert len(found) == len(rules), "two alerts have one name"


def test_every_panel_asks_for_what_there_is() -> None:
    panels = monitoring.panels(DASHBOARD)
    found = {
        title: [fault for query in queries for fault in monitoring.unknown(query)]
        for title, queries in panels.items()
    }
    assert {title: faults for title, faults in found.items() if faults} == {}


def test_scalers_ask_prometheus_for_what_there_is(watched: Whole) -> None:
    queries = [
        trigger["metadata"]["query"]
        for one in watched.of("ScaledObject")
        for trigger in one["spec"]["triggers"]
        if trigger["type"] == "prometheus"
    ]
    assert queries
    assert [fault for query in queries for fault in monitoring.unknown(query)] == []


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("max(hotspot_queue_age)", "there is no metric hotspot_queue_age"),
        ('hotspot_failed_jobs{queue="x"}', "hotspot_failed_jobs has no label queue"),
        ("sum by (state) (hotspot_routers)", "hotspot_routers has no label state"),
        ("rate(hotspot_messages[5m])", "there is no metric hotspot_messages"),
    ],
)
def test_what_does_not_exist_is_found(query: str, fault: str) -> None:
    assert monitoring.unknown(query) == [fault]


def test_alarms_and_queues_that_rules_name_are_those_of_the_code(watched: Whole) -> None:
    """A matcher on a name that nobody says would never fire, and nobody would know."""
    from hotspot.contract import table

    queues = {queue.name for queue in table.QUEUES}
    code = "\n".join(
        file.read_text() for file in ROOT.glob("*-service/*_service/**/*.py") if file.is_file()
    )
    for rule in monitoring.alerts(watched):
        for name, _, values in re.findall(
            r'\b(alarm|queue|promise|state|status)(=~?|!~)"([^"]+)"', str(rule["expr"])
        ):
            for value in values.replace("[.]", ".").split("|"):
                if name == "queue":
                    assert value in queues, rule["alert"]
                elif not value.endswith(".*"):
                    assert f'"{value}"' in code or f"'{value}'" in code, (rule["alert"], value)


def test_every_alert_says_what_it_means_and_stands_in_the_document(watched: Whole) -> None:
    document = (ROOT / "docs" / "monitoring.md").read_text()
    for rule in monitoring.alerts(watched):
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert set(rule["annotations"]) == {"summary", "description"}
        used = set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
        grouped = set(re.findall(r"\w+", " ".join(re.findall(r"by \(([^)]*)\)", rule["expr"]))))
        matched = set(re.findall(r'(\w+)="', rule["expr"]))
        is_whole = "by (" not in rule["expr"] and not rule["expr"].startswith(("max(", "sum("))
        assert used <= grouped | matched or is_whole, rule["alert"]
        assert f"`{rule['alert']}`" in document
    named = set(re.findall(r"`(Hotspot[A-Z]\w+)`", document))
    assert named == {rule["alert"] for rule in monitoring.alerts(watched)}


def test_prometheus_asks_every_process_and_reaches_it(watched: Whole) -> None:
    policies = watched.of("NetworkPolicy")
    asked = set()
    for monitor in watched.of("PodMonitor"):
        (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
        pods = [*watched.pods(), *pods_made(watched)]
        chosen = [one for one in pods if matches(monitor["spec"]["selector"], one.labels)]
        assert chosen, name_of(monitor)
        for one in chosen:
            numbers = {number for name, number, _ in one.ports() if name == endpoint["port"]}
            assert len(numbers) == 1, (name_of(monitor), one.name)
            assert reaches(policies, PROMETHEUS, Peer.of(one), numbers.pop()), one.name
            asked.add(one.name)
    ours = [one for one in watched.pods() if one.service and not one.ends]
    # FreeRADIUS has no metrics of that kind; what it books, radius-service tells.
    lasting = {one.name for one in ours if image_of(one.containers[0])[0] != "hotspot/freeradius"}
    of_operators = {one.name for one in pods_made(watched)}
    assert lasting | of_operators <= asked


def test_labels_that_queries_use_are_taken_from_the_pods(watched: Whole) -> None:
    taken = {
        re.sub(r"[^a-zA-Z0-9_]", "_", label)
        for one in watched.of("PodMonitor")
        for label in one["spec"].get("podTargetLabels", [])
    }
    by_prometheus = {"namespace", "pod", "container", "endpoint", "instance", "job"}
    assert monitoring.OF_THE_TARGET - by_prometheus == taken


def test_the_dashboard_ships_as_grafana_looks_for_it(watched: Whole) -> None:
    found = watched.find("ConfigMap", "hotspot-dashboard")
    assert found is not None
    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert found["data"]["hotspot.json"] == DASHBOARD.read_text()
    ids = [panel["id"] for panel in yaml.safe_load(DASHBOARD.read_text())["panels"]]
    assert len(set(ids)) == len(ids)
