"""HTTP in: operators look at sessions."""

from datetime import datetime
from typing import Any
from uuid import UUID

from flask_smorest import Blueprint
from sqlalchemy import Row, select

from hotspot.contract.message import utc_text
from hotspot.contract.sessions import DisconnectSessionJob
from hotspot.web.app import db, now, publish
from hotspot.web.auth import needs_role
from hotspot.web.failed_jobs import DispatchedSchema
from hotspot.web.openapi import refuses
from hotspot.web.pages import newest_first, paged
from hotspot.web.problem import Problem
from radius_service import promise
from radius_service.models import KICK_STEPS, KICKS, SESSIONS
from radius_service.schemas import (
    PromiseSchema,
    SessionFilterSchema,
    SessionsSchema,
    SessionWithKicksSchema,
)

blueprint = Blueprint("sessions", __name__, url_prefix="/api/v1/sessions")


@blueprint.get("")
@needs_role("viewer")
@blueprint.arguments(SessionFilterSchema, location="query")
@blueprint.response(200, SessionsSchema)
@paged
def list_sessions(wanted: dict[str, str]) -> dict[str, Any]:
    """Sessions, newest first."""
    return newest_first(
        select(SESSIONS),
        by=SESSIONS.c.session_id,
        where={
            "phone": SESSIONS.c.phone.__eq__,
            "status": SESSIONS.c.status.__eq__,
            "router_id": SESSIONS.c.router_id.__eq__,
        },
        query=wanted,
        seen=_seen,
    )


@blueprint.get("/promise")
@needs_role("viewer")
@blueprint.response(200, PromiseSchema)
def show_promise() -> dict[str, Any]:
    """How many sessions are open more than a minute after their paid time, at this moment."""
    at = now()
    with db() as connection:
        broken = promise.service_without_time(connection, at)
    return {
        promise.WITHOUT_TIME: broken.count,
        "since": _time(broken.since),
        "as_of": utc_text(at),
    }


@blueprint.get("/<uuid:session_id>")
@needs_role("viewer")
@blueprint.response(200, SessionWithKicksSchema)
def show_session(session_id: UUID) -> dict[str, Any]:
    """One session, and what was done to end it."""
    return {**_seen(_row(session_id)), "kicks": _kicks_of(session_id)}


@blueprint.delete("/<uuid:session_id>")
@needs_role("support")
@blueprint.response(202, DispatchedSchema)
@refuses({409: "It is not online."})
def disconnect_session(session_id: UUID) -> dict[str, Any]:
    """Have the guest sent off by their router."""
    row = _row(session_id)
    if row.status != "online":
        raise Problem(409, "not-online", f"Session {session_id} is not online.")
    job = DisconnectSessionJob(session_id=session_id, reason="operator")
    return {"dispatched": publish(job, correlation_id=row.payment_id).message_id}


def _row(session_id: UUID) -> Row[Any]:
    with db() as connection:
        query = select(SESSIONS).where(SESSIONS.c.session_id == session_id)
        row = connection.execute(query).first()
    if row is None:
        raise Problem(404, "not-found", f"There is no session {session_id}.")
    return row


def _kicks_of(session_id: UUID) -> list[dict[str, Any]]:
    mine = select(KICKS).where(KICKS.c.session_id == session_id).order_by(KICKS.c.kick_id)
    taken = (
        select(KICK_STEPS)
        .join(KICKS, KICKS.c.kick_id == KICK_STEPS.c.kick_id)
        .where(KICKS.c.session_id == session_id)
        .order_by(KICK_STEPS.c.step_id)
    )
    with db() as connection:
        kicks, steps = connection.execute(mine).all(), connection.execute(taken).all()
    return [
        {
            "reason": kick.reason,
            "begun_at": utc_text(kick.begun_at),
            "attempts": kick.attempts,
            "due_at": None if kick.ended_at else utc_text(kick.due_at),
            "ended_at": _time(kick.ended_at),
            "outcome": kick.outcome,
            "steps": [_step(step) for step in steps if step.kick_id == kick.kick_id],
        }
        for kick in kicks
    ]


def _step(step: Row[Any]) -> dict[str, Any]:
    return {
        "attempt": step.attempt,
        "step": step.step,
        "outcome": step.outcome,
        "detail": step.detail,
        "at": utc_text(step.at),
    }


def _seen(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.session_id,
        "status": row.status,
        "user_id": row.user_id,
        "username": row.username,
        "phone": row.phone,
        "grant_id": row.grant_id,
        "payment_id": row.payment_id,
        "router_id": row.router_id,
        "nas": row.nas_identifier or _text(row.nas),
        "mac": row.mac,
        "ip": _text(row.ip),
        "started_at": _time(row.started_at),
        "seen_at": _time(row.seen_at),
        "until": utc_text(row.ends_at),
        "expired_at": _time(row.expired_at),
        "ended_at": _time(row.ended_at),
        "cause": row.cause,
        "bytes_in": row.bytes_in,
        "bytes_out": row.bytes_out,
    }


def _text(address: object) -> str | None:
    """psycopg gives inet as an address object."""
    return None if address is None else str(address)


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else utc_text(moment)
