"""Routes for operators: timeline, live events, figures, queues, failed jobs."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Response, current_app, request
from flask_smorest import Blueprint
from sqlalchemy import select

from gateway import alarms, failed_jobs, figures, promises, queues, stays, timeline
from gateway.forwarding import call_of_request, hold_no_longer_than
from gateway.identity import caller
from gateway.live import LIVES_SECONDS, Hub, NotListening, frames
from gateway.models import DashboardStats
from gateway.schemas import (
    AllOrderedSchema,
    MergedFailedJobsSchema,
    OrderedSchema,
    QueuesSchema,
    StatsSchema,
    TraceSchema,
)
from gateway.services import Services
from hotspot.bus.transport import BrokerAway
from hotspot.contract.operations import (
    FlushFailedJobsJob,
    RetryFailedJobsJob,
    UpdateDashboardStatsJob,
)
from hotspot.contract.table import GATEWAY
from hotspot.web.app import config_of, db, now, publish
from hotspot.web.auth import Caller
from hotspot.web.failed_jobs import FailedJobInFullSchema
from hotspot.web.pages import page, page_request, paged
from hotspot.web.problem import Problem

FRESH_FOR = timedelta(seconds=60)

Order = type[RetryFailedJobsJob] | type[FlushFailedJobsJob]


def operating_blueprint(services: Services, hub: Hub) -> Blueprint:
    """What the gateway itself answers to operators. Who may ask, the door's table says."""
    blueprint = Blueprint("operating", __name__, url_prefix="/api/v1")

    @blueprint.get("/trace/<uuid:id>")
    @blueprint.response(200, TraceSchema)
    def trace(id: UUID) -> dict[str, Any]:  # noqa: A002  # the path's own word
        """The timeline of a payment or correlation: each event and job."""
        with db() as connection:
            found = timeline.trace(connection, id)
        if found is None:
            raise Problem(404, "not-found", f"Nothing is known of {id}.")
        return asdict(found)

    @blueprint.get("/events")
    @blueprint.response(200, {"type": "string"}, content_type="text/event-stream")
    def events() -> Response:
        """Every broadcast event as it happens; `Last-Event-ID` brings what was missed."""
        who = caller()
        try:
            subscription = hub.subscribe(who.subject)
        except NotListening:
            raise Problem(
                503,
                "database-away",
                "Live events are interrupted: try again in a moment.",
                headers={"Retry-After": "2"},
            ) from None
        engine = current_app.extensions["engine"]
        body = frames(
            engine,
            subscription,
            _last_event_id(),
            keep_alive=hub.keep_alive,
            lives=_lives_of(who),
        )
        response = Response(body, content_type="text/event-stream")
        response.headers.update({"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        response.call_on_close(subscription.leave)
        hold_no_longer_than(config_of().stream_patience_seconds)
        return response

    @blueprint.get("/dashboard/stats")
    @blueprint.response(200, StatsSchema)
    def dashboard_stats() -> dict[str, Any]:
        """The figures as they were worked out last; old ones are worked out anew meanwhile."""
        with db() as connection:
            row = connection.execute(select(DashboardStats.__table__)).one()
            told = promises.shown(connection) | {
                "guests_online": stays.online(connection),
                "alarms": alarms.shown(connection),
            }
        if row.as_of < now() - FRESH_FOR:
            _ask_for_stats()
        return figures.shown(row.figures) | told | {"as_of": row.as_of, "day": row.day}

    @blueprint.post("/dashboard/refresh")
    @blueprint.response(202, OrderedSchema)
    def refresh_dashboard() -> dict[str, Any]:
        """Work the figures out anew."""
        sent = publish(UpdateDashboardStatsJob())
        return {"service": GATEWAY.name, "dispatched": sent.message_id}

    @blueprint.get("/queues")
    @blueprint.response(200, QueuesSchema)
    def list_queues() -> dict[str, Any]:
        """What waits in each queue."""
        config = config_of()
        found = queues.queues(config.rabbitmq_management_url, config.amqp_url)
        return {"items": found, "next": None}

    _add_failed_jobs(blueprint, services)
    return blueprint


def _add_failed_jobs(blueprint: Blueprint, services: Services) -> None:
    everyone = [*services.urls, GATEWAY.name]

    @blueprint.get("/failed-jobs")
    @blueprint.response(200, MergedFailedJobsSchema)
    @paged
    def list_failed_jobs() -> dict[str, Any]:
        """Failed jobs of all services, newest first."""
        asked = page_request()
        with db() as connection:
            own = failed_jobs.own_page(connection, asked)
        query = request.query_string.decode("ascii", "replace")
        merged = failed_jobs.merge(services, own, asked, query, _identity())
        older = [merged.items[-1]] if merged.more else []
        shown = page([*merged.items, *older], asked, lambda item: UUID(item["id"]))
        return shown | {"unavailable": merged.unavailable}

    @blueprint.get("/failed-jobs/<uuid:id>")
    @blueprint.response(200, FailedJobInFullSchema)
    def show_failed_job(id: UUID) -> dict[str, Any]:  # noqa: A002
        """One failed job with its payload and traceback."""
        return dict(_found(services, id))

    @blueprint.post("/failed-jobs/<uuid:id>/retry")
    @blueprint.response(202, OrderedSchema)
    def retry_failed_job(id: UUID) -> dict[str, Any]:  # noqa: A002
        """Send one again, with the ids it had."""
        return _order(RetryFailedJobsJob, _found(services, id)["service"], id)

    @blueprint.post("/failed-jobs/retry")
    @blueprint.response(202, AllOrderedSchema)
    def retry_failed_jobs() -> dict[str, Any]:
        """Send all of them again."""
        return {"items": [_order(RetryFailedJobsJob, service) for service in everyone]}

    @blueprint.delete("/failed-jobs/<uuid:id>")
    @blueprint.response(202, OrderedSchema)
    def flush_failed_job(id: UUID) -> dict[str, Any]:  # noqa: A002
        """Forget one."""
        return _order(FlushFailedJobsJob, _found(services, id)["service"], id)

    @blueprint.delete("/failed-jobs")
    @blueprint.response(202, AllOrderedSchema)
    def flush_failed_jobs() -> dict[str, Any]:
        """Forget all of them."""
        return {"items": [_order(FlushFailedJobsJob, service) for service in everyone]}


def _found(services: Services, job_id: UUID) -> failed_jobs.Job:
    with db() as connection:
        own = failed_jobs.own_job(connection, job_id)
    found = failed_jobs.find(services, own, job_id, _identity())
    if found.job is not None:
        return found.job
    if found.unavailable:
        raise Problem(
            503,
            "service-unavailable",
            f"No service that answered has a failed job {job_id}; no answer came from"
            f" {', '.join(found.unavailable)}.",
            headers={"Retry-After": "2"},
        )
    raise Problem(404, "not-found", f"There is no failed job {job_id}.")


def _order(order: Order, service: str, *ids: UUID) -> dict[str, Any]:
    # By message, not by HTTP: the order waits in the broker for a service that is down just now.
    sent = publish(order(service=service, message_ids=ids))
    return {"service": service, "dispatched": sent.message_id}


def _identity() -> dict[str, str]:
    """The headers by which a service knows who asks, and in which request."""
    headers = call_of_request().headers
    return {name: headers[name] for name in ("Authorization", "X-Request-ID") if name in headers}


def _ask_for_stats() -> None:
    try:
        publish(UpdateDashboardStatsJob())
    except BrokerAway:  # what is cached is shown all the same, with its age
        current_app.logger.warning("dashboard figures stay old: the broker is away")


def _lives_of(who: Caller) -> float:
    """Seconds for which they may listen: no longer than the token is good that they came with."""
    if who.until is None:
        return LIVES_SECONDS
    return min(LIVES_SECONDS, (who.until - now()).total_seconds())


def _last_event_id() -> UUID | None:
    """What the listener saw last; nothing where it sends something else than our ids."""
    try:
        return UUID(request.headers.get("Last-Event-ID", ""))
    except ValueError:
        return None
