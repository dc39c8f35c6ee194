"""The schedule, the measurements and the maintenance of a running system."""

from typing import Any

from hotspot.command.services import RUNNING

from .system import System, wait_for


def shown(system: System, path: str) -> Any:
    return system.get(f"/api/v1/{path}", headers=system.owner()).json()


def order(system: System, job: str) -> None:
    answer = system.post(f"/api/v1/schedules/{job}/run", headers=system.owner())
    assert answer.status_code == 202, answer.text


def test_the_schedule_is_kept(system: System) -> None:
    items = shown(system, "schedules")["items"]

    assert {"RotateLogs", "CheckRoutersJob", "CollectSystemMetricsJob"} <= {
        item["job"] for item in items
    }
    assert all(item["next_run_at"] for item in items)


def test_every_service_and_every_queue_is_measured(system: System) -> None:
    wanted = {f"service.{name}.database_bytes" for name in RUNNING}

    def measured() -> dict[str, float]:
        order(system, "MeasureServiceJob")
        order(system, "CollectSystemMetricsJob")
        figures = {one["name"]: one["value"] for one in shown(system, "metrics/latest")["items"]}
        # RabbitMQ itself counts consumers every few seconds.
        counted = figures.get("workers.provisioning.hotspot", 0) >= 1
        return figures if counted and wanted <= figures.keys() else {}

    figures = wait_for(measured)

    assert figures["queue.payments.consumers"] >= 1
    assert 0 < figures["host.disk_percent"] < 100


def test_maintenance_reaches_every_service_and_the_logs(system: System) -> None:
    order(system, "RotateLogs")

    def done() -> set[tuple[str, str]]:
        return {(one["service"], one["what"]) for one in shown(system, "maintenance")["items"]}

    wait_for(
        lambda: done() >= {*((name, "history") for name in RUNNING), ("scheduler", "log files")},
        done,
    )
    assert list((system.home / "logs" / "archive").glob("gateway-web.log-*.gz"))
