"""How a router has been, for charts."""

from datetime import UTC, timedelta
from typing import Any
from uuid import UUID

from flask_smorest import Blueprint
from marshmallow import Schema, fields
from sqlalchemy import select

from hotspot.contract.message import utc_text
from hotspot.web.app import db, now
from hotspot.web.auth import needs_role
from router_service.models import Sample
from router_service.routes import found

MOST = 2000
LATELY = timedelta(days=1)

history = Blueprint("history", __name__, url_prefix="/api/v1/routers/<uuid:router_id>/history")


class HistoryQuery(Schema):
    """Since when: a day ago where nothing is said."""

    since = fields.AwareDateTime(default_timezone=UTC)


class SampleSchema(Schema):
    """How a router was at one check."""

    at = fields.String(required=True)
    reached = fields.Boolean(required=True)
    uptime_seconds = fields.Integer(required=True, allow_none=True)
    cpu_percent = fields.Integer(required=True, allow_none=True)
    memory_percent = fields.Integer(required=True, allow_none=True)
    active_guests = fields.Integer(required=True, allow_none=True)


class HistorySchema(Schema):
    """Samples in the order of time: the newest 2,000 at most."""

    items = fields.List(fields.Nested(SampleSchema), required=True)


@history.get("")
@needs_role("viewer")
@history.arguments(HistoryQuery, location="query")
@history.response(200, HistorySchema)
def show_history(query: dict[str, Any], router_id: UUID) -> dict[str, Any]:
    """Reached or not, uptime, load, memory and guests at each check."""
    found(router_id)
    since = query.get("since") or now() - LATELY
    with db() as connection:
        rows = connection.execute(
            select(*Sample.__table__.columns)
            .where(Sample.router_id == router_id, Sample.at >= since)
            .order_by(Sample.at.desc())
            .limit(MOST)
        ).all()
    return {
        "items": [
            {name: getattr(row, name) for name in SampleSchema().fields if name != "at"}
            | {"at": utc_text(row.at)}
            for row in reversed(rows)
        ]
    }
