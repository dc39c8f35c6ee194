"""HTTP in: what users used, day by day."""

from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask_smorest import Blueprint
from sqlalchemy import select

from hotspot.web.app import db, now
from hotspot.web.auth import needs_role
from hotspot.web.problem import invalid
from radius_service import names
from radius_service.models import DAILY_USE, Grant
from radius_service.schemas import UseFilterSchema, UseSchema

blueprint = Blueprint("use", __name__, url_prefix="/api/v1/use")

NAIROBI = ZoneInfo("Africa/Nairobi")
SHOWN = timedelta(days=30)
MOST_DAYS = 800


@blueprint.get("")
@needs_role("viewer")
@blueprint.arguments(UseFilterSchema, location="query")
@blueprint.response(200, UseSchema)
def show_use(wanted: dict[str, Any]) -> dict[str, Any]:
    """What a user used, day by day. Raises 422 where neither username nor phone is given."""
    if "username" in wanted:
        of_whom = DAILY_USE.c.username == names.username(wanted["username"])
    elif "phone" in wanted:
        users = select(Grant.username).where(Grant.phone == wanted["phone"])
        of_whom = DAILY_USE.c.username.in_(users)
    else:
        raise invalid({"username": ["is needed, or a phone."]})
    since: date = wanted.get("since") or (now() - SHOWN).astimezone(NAIROBI).date()
    days = select(DAILY_USE).where(of_whom, DAILY_USE.c.day >= since)
    with db() as connection:
        rows = connection.execute(days.order_by(DAILY_USE.c.day.desc()).limit(MOST_DAYS)).all()
    return {"items": [{**row._mapping, "day": row.day.isoformat()} for row in rows], "next": None}
