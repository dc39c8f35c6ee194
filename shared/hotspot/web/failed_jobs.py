"""The failed jobs of a service, for its operators."""

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint
from marshmallow import Schema, fields
from sqlalchemy import Row, select

from hotspot.bus.tables import failed_jobs
from hotspot.contract.message import utc_text
from hotspot.contract.operations import FlushFailedJobsJob, RetryFailedJobsJob
from hotspot.web.app import config_of, db, publish
from hotspot.web.auth import needs_role
from hotspot.web.pages import newest_first, paged
from hotspot.web.problem import Problem


class FailedJobSchema(Schema):
    """A message that was given up."""

    id = fields.UUID(required=True)
    service = fields.String(required=True)
    message = fields.String(required=True)
    queue = fields.String(required=True)
    reason = fields.String(required=True)
    exception = fields.String(required=True)
    attempts = fields.Integer(required=True)
    failures = fields.Integer(required=True)
    correlation_id = fields.UUID(required=True)
    first_failed_at = fields.String(required=True)
    last_failed_at = fields.String(required=True)
    retried_at = fields.String(required=True, allow_none=True)


class FailedJobInFullSchema(FailedJobSchema):
    """With its payload (secrets in it are sealed) and its traceback."""

    payload = fields.String(required=True)
    traceback = fields.String(required=True)
    causation_id = fields.UUID(required=True, allow_none=True)


class FailedJobsSchema(Schema):
    """A page of failed jobs."""

    items = fields.List(fields.Nested(FailedJobSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class DispatchedSchema(Schema):
    """The order was taken; it is carried out by a worker."""

    dispatched = fields.UUID(required=True, metadata={"description": "the id of the message"})


def failed_jobs_blueprint() -> Blueprint:
    """Listing, retrying and flushing the failed jobs of one service."""
    blueprint = Blueprint("failed jobs", __name__, url_prefix="/api/v1/failed-jobs")

    @blueprint.get("")
    @needs_role("viewer")
    @blueprint.response(200, FailedJobsSchema)
    @paged
    def list_failed_jobs() -> dict[str, Any]:
        """Failed jobs, newest first."""
        return newest_first(
            select(failed_jobs), by=failed_jobs.c.message_id, where={}, query={}, seen=seen
        )

    @blueprint.get("/<uuid:message_id>")
    @needs_role("viewer")
    @blueprint.response(200, FailedJobInFullSchema)
    def show_failed_job(message_id: UUID) -> dict[str, Any]:
        """One failed job with its payload and traceback."""
        return seen_in_full(_row(message_id))

    @blueprint.post("/<uuid:message_id>/retry")
    @needs_role("operator")
    @blueprint.response(202, DispatchedSchema)
    def retry_failed_job(message_id: UUID) -> dict[str, Any]:
        """Send one again, with the ids it had."""
        _row(message_id)
        return _dispatched(
            RetryFailedJobsJob(service=config_of().service, message_ids=(message_id,))
        )

    @blueprint.post("/retry")
    @needs_role("operator")
    @blueprint.response(202, DispatchedSchema)
    def retry_failed_jobs() -> dict[str, Any]:
        """Send all of them again."""
        return _dispatched(RetryFailedJobsJob(service=config_of().service))

    @blueprint.delete("/<uuid:message_id>")
    @needs_role("operator")
    @blueprint.response(202, DispatchedSchema)
    def flush_failed_job(message_id: UUID) -> dict[str, Any]:
        """Forget one."""
        _row(message_id)
        return _dispatched(
            FlushFailedJobsJob(service=config_of().service, message_ids=(message_id,))
        )

    @blueprint.delete("")
    @needs_role("operator")
    @blueprint.response(202, DispatchedSchema)
    def flush_failed_jobs() -> dict[str, Any]:
        """Forget all of them."""
        return _dispatched(FlushFailedJobsJob(service=config_of().service))

    return blueprint


def _dispatched(job: RetryFailedJobsJob | FlushFailedJobsJob) -> dict[str, Any]:
    return {"dispatched": publish(job).message_id}


def _row(message_id: UUID) -> Row[Any]:
    with db() as connection:
        wanted = select(failed_jobs).where(failed_jobs.c.message_id == message_id)
        row = connection.execute(wanted).first()
    if row is None:
        raise Problem(404, "not-found", f"{config_of().service} has no failed job {message_id}.")
    return row


def seen_in_full(row: Row[Any]) -> dict[str, Any]:
    """A row with its payload and traceback, as FailedJobInFullSchema shows it."""
    return seen(row) | {
        "payload": row.body.decode("utf-8", "replace"),
        "traceback": row.traceback,
        "causation_id": row.causation_id,
    }


def seen(row: Row[Any]) -> dict[str, Any]:
    """A row of the failed jobs as FailedJobSchema shows it."""
    return {
        "id": row.message_id,
        "service": config_of().service,
        "message": row.name,
        "queue": row.queue,
        "reason": row.reason,
        "exception": row.exception,
        "attempts": row.attempts,
        "failures": row.failures,
        "correlation_id": row.correlation_id,
        "first_failed_at": utc_text(row.first_failed_at),
        "last_failed_at": utc_text(row.last_failed_at),
        "retried_at": utc_text(row.retried_at) if row.retried_at else None,
    }
