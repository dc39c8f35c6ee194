"""Pages about the running of the system: jobs, schedules, queues, and who did what."""

from collections.abc import Mapping
from typing import Any

from gateway.dashboard.columns import AUDIT, FAILED_JOBS, QUEUES, SCHEDULES
from gateway.dashboard.filters import SINCE, filled, listed
from gateway.dashboard.parts import Field, Missing, Page, Part
from gateway.dashboard.visit import Visit
from gateway.door import OPERATOR


def failed_jobs(visit: Visit) -> Page:
    """What was given up, in all services."""
    told = visit.api.get("/failed-jobs", cursor=visit.args.get("cursor"))
    away = told.json.get("unavailable", []) if told.is_good else []
    parts: list[Part] = [
        Missing(title=f"{name}-service", problem="did not answer: its failed jobs are not here.")
        for name in away
    ]
    table = visit.table("Failed jobs", told, FAILED_JOBS, empty="No job has failed.")
    buttons = visit.buttons("retry-all") if told.items else []
    live = ("JobFailed",)
    return Page(title="Failed jobs", parts=[*parts, table], buttons=buttons, live=live)


def schedules(visit: Visit) -> Page:
    """What runs by the clock."""

    def run(row: Mapping[str, Any]) -> Any:
        return next(iter(visit.buttons("run", name=row["job"])), None)

    told = visit.api.get("/schedules")
    table = visit.table("Schedules", told, SCHEDULES, button=run if visit.may(OPERATOR) else None)
    return Page(title="Schedules", parts=[table])


def queues(visit: Visit) -> Page:
    """What waits in each queue."""
    told = visit.api.get("/queues")
    return Page(title="Queues", parts=[visit.table("Queues", told, QUEUES)])


def audit(visit: Visit) -> Page:
    """Who did what."""
    told = listed(visit, "/audit", "actor", "object_id", "since")
    for row in told.items:  # the command and the services have no account
        row["name"] = row["name"] or row["actor"]
    return Page(
        title="Audit",
        parts=[visit.table("Audit", told, AUDIT, empty="Nobody has done anything like that.")],
        filters=filled(
            visit,
            Field(name="actor", label="Operator or key", needed=False),
            Field(name="object_id", label="What it was about", needed=False),
            SINCE,
        ),
        status=403 if told.status == 403 else 200,
    )
