"""The schedule, figures and maintenance, as operators see them."""

import inspect
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from flask_smorest import Blueprint
from sqlalchemy import Connection, Row, select

from hotspot.contract.message import utc_text
from hotspot.web.app import config_of, db, now, publish
from hotspot.web.auth import needs_role
from hotspot.web.pages import newest_first, paged
from hotspot.web.problem import Problem, invalid
from scheduler_service import metrics
from scheduler_service.models import JOBS, Alarm, Maintenance, Run
from scheduler_service.schedules import Daily, Schedule, schedules
from scheduler_service.schemas import (
    JobSentSchema,
    LatestSchema,
    MaintenancesSchema,
    MetricsQuery,
    SchedulesSchema,
    SeriesSchema,
)

BY_DEFAULT = timedelta(hours=3)
MOST_POINTS = 5_000


def schedules_blueprint() -> Blueprint:
    """/api/v1/schedules."""
    blueprint = Blueprint("schedules", __name__, url_prefix="/api/v1/schedules")

    @blueprint.get("")
    @needs_role("viewer")
    @blueprint.response(200, SchedulesSchema)
    def list_schedules() -> dict[str, Any]:
        """Every job of the schedule, when it ran and when it is due."""
        rows = schedules(config_of().daily)
        with db() as connection:
            last = {row.name: _last_run(connection, row.name) for row in rows}
            due = _next_runs(connection)
        items = [_schedule(row, last[row.name], due.get(row.name)) for row in rows]
        return {"items": items, "next": None}

    @blueprint.post("/<string:job>/run")
    @needs_role("operator")
    @blueprint.response(202, JobSentSchema)
    def run_now(job: str) -> dict[str, Any]:
        """Run a job of the schedule now, beside its schedule."""
        found = {row.name: row for row in schedules(config_of().daily)}.get(job)
        if found is None:
            raise Problem(404, "not-found", f"There is no job {job!r} in the schedule.")
        return {"job": job, "dispatched": publish(found.job()).message_id}

    return blueprint


def metrics_blueprint() -> Blueprint:
    """/api/v1/metrics."""
    blueprint = Blueprint("metrics", __name__, url_prefix="/api/v1/metrics")

    @blueprint.get("")
    @needs_role("viewer")
    @blueprint.arguments(MetricsQuery, location="query")
    @blueprint.response(200, SeriesSchema)
    def show_series(query: dict[str, Any]) -> dict[str, Any]:
        """A figure over time: averages and maxima by step. Names: see `/metrics/latest`."""
        step = timedelta(seconds=query["step"])
        since = query.get("since") or now() - BY_DEFAULT
        if now() - since > step * MOST_POINTS:
            raise invalid({"step": [f"would be more than {MOST_POINTS} points: take a longer one"]})
        with db() as connection:
            points = metrics.series(connection, query["name"], since=since, step=step)
        items = [{"at": utc_text(one.at), "avg": one.avg, "max": one.max} for one in points]
        return {"name": query["name"], "step": query["step"], "items": items, "next": None}

    @blueprint.get("/latest")
    @needs_role("viewer")
    @blueprint.response(200, LatestSchema)
    def show_latest() -> dict[str, Any]:
        """All figures as they were measured last, and the alarms that measuring raised."""
        with db() as connection:
            found = metrics.latest(connection)
            raised = select(Alarm.__table__).where(Alarm.raised_at.is_not(None))
            alarms = connection.execute(raised.order_by(Alarm.raised_at)).all()
        at, figures = found or (None, {})
        return {
            "at": utc_text(at) if at else None,
            "items": [{"name": name, "value": figures[name]} for name in sorted(figures)],
            "alarms": [_alarm(row) for row in alarms],
            "next": None,
        }

    return blueprint


def maintenance_blueprint() -> Blueprint:
    """/api/v1/maintenance."""
    blueprint = Blueprint("maintenance", __name__, url_prefix="/api/v1/maintenance")

    @blueprint.get("")
    @needs_role("viewer")
    @blueprint.response(200, MaintenancesSchema)
    @paged
    def list_maintenance() -> dict[str, Any]:
        """What the services forgot and rotated, newest first."""
        return newest_first(
            select(Maintenance.__table__), by=Maintenance.id, where={}, query={}, seen=_maintenance
        )

    return blueprint


def _last_run(connection: Connection, job: str) -> Row[Any] | None:
    newest = select(Run.__table__).where(Run.job == job).order_by(Run.due_at.desc()).limit(1)
    return connection.execute(newest).first()


def _next_runs(connection: Connection) -> Mapping[str, datetime]:
    rows = connection.execute(select(JOBS.c.id, JOBS.c.next_run_time))
    return {
        row.id: datetime.fromtimestamp(row.next_run_time, UTC)
        for row in rows
        if row.next_run_time is not None
    }


def _schedule(row: Schedule, last: Row[Any] | None, due: datetime | None) -> dict[str, Any]:
    daily = row.when.at if isinstance(row.when, Daily) else None
    return {
        "job": row.name,
        "does": inspect.cleandoc(row.job.__doc__ or "").partition("\n")[0],
        "period_seconds": int(row.when.period.total_seconds()),
        "daily_at": f"{daily:%H:%M}" if daily else None,
        "timezone": "Africa/Nairobi" if daily else None,
        "last_run": _run(last) if last is not None else None,
        "next_run_at": utc_text(due) if due else None,
    }


def _run(row: Row[Any]) -> dict[str, Any]:
    return {
        "due_at": utc_text(row.due_at),
        "published_at": utc_text(row.published_at) if row.published_at else None,
        "by": row.recorded_by,
    }


def _alarm(row: Row[Any]) -> dict[str, Any]:
    return {
        "alarm": row.alarm,
        "subject": row.subject,
        "said": row.said,
        "raised_at": utc_text(row.raised_at),
    }


def _maintenance(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "service": row.service,
        "what": row.what,
        "begun_at": utc_text(row.begun_at),
        "ended_at": utc_text(row.ended_at),
        "done": row.done,
        "problem": row.problem,
    }
