"""HTTP in: operators look at sessions."""

from datetime import datetime
from typing import Any
from uuid import UUID

from flask_smorest import Blueprint
from sqlalchemy import Row, select

from hotspot.contract.message import utc_text
from hotspot.contract.sessions import DisconnectSessionJob
from hotspot.web.app import db, publish
from hotspot.web.auth import needs_role
from hotspot.web.failed_jobs import DispatchedSchema
from hotspot.web.pages import newest_first
from hotspot.web.problem import Problem
from radius_service.models import SESSIONS
from radius_service.schemas import SessionFilterSchema, SessionSchema, SessionsSchema

blueprint = Blueprint("sessions", __name__, url_prefix="/api/v1/sessions")


@blueprint.get("")
@blueprint.arguments(SessionFilterSchema, location="query")
@blueprint.response(200, SessionsSchema)
@needs_role("viewer")
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


@blueprint.get("/<uuid:session_id>")
@blueprint.response(200, SessionSchema)
@needs_role("viewer")
def show_session(session_id: UUID) -> dict[str, Any]:
    """One session."""
    return _seen(_row(session_id))


@blueprint.delete("/<uuid:session_id>")
@blueprint.response(202, DispatchedSchema)
@needs_role("support")
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
