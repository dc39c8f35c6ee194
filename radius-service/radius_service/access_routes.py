"""HTTP in: what is left to a user, or to whoever has a device in hand."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate
from sqlalchemy import ColumnElement, Connection, func, select

from hotspot.contract.message import utc_text
from hotspot.web.app import db, now
from hotspot.web.auth import needs_role
from hotspot.web.problem import invalid
from radius_service import names
from radius_service.models import SESSIONS

blueprint = Blueprint("access", __name__, url_prefix="/api/v1/access")

STATES = ("online", "ready", "none")


class WhoseSchema(Schema):
    """A user, or a device by its address: one of the three."""

    username = fields.String(
        validate=[validate.Length(1, 253), validate.ContainsNoneOf("\0", error="has a NUL.")]
    )
    mac = fields.String(
        validate=validate.Regexp(r"([0-9A-Fa-f]{2}[:.-]?){5}[0-9A-Fa-f]{2}\Z"),
        metadata={"example": "02:00:5E:10:00:99"},
    )
    ip = fields.IP(metadata={"description": "of a device that is online"})


class AccessSchema(Schema):
    """What is left now. `online`: a session is open; `ready`: a login would be accepted."""

    state = fields.String(required=True, validate=validate.OneOf(STATES))
    username = fields.String(required=True, allow_none=True)
    payment_id = fields.UUID(required=True, allow_none=True)
    until = fields.String(required=True, allow_none=True)
    seconds_left = fields.Integer(required=True, allow_none=True)
    bytes_left = fields.Integer(
        required=True, allow_none=True, metadata={"description": "null where data is not capped"}
    )


@dataclass(frozen=True, kw_only=True)
class Whose:
    """A user, and the device that was asked about. `is_online`: by a session that is open."""

    username: str
    mac: str | None
    is_online: bool


@blueprint.get("")
@needs_role("viewer")
@blueprint.arguments(WhoseSchema, location="query")
@blueprint.response(200, AccessSchema)
def show_access(asked: Mapping[str, Any]) -> dict[str, Any]:
    """What is left to a user or a device. Raises 422 unless one of them is named."""
    if len(asked) != 1:
        raise invalid({"username": ["is needed, or a mac, or an ip: one of the three."]})
    moment = now()
    with db() as connection:
        whose = _whose(connection, asked, moment)
        return _left(connection, whose, moment) if whose else _NOTHING


def _whose(connection: Connection, asked: Mapping[str, Any], at: datetime) -> Whose | None:
    if "username" in asked:
        username = names.username(asked["username"])
        is_online = _open(connection, SESSIONS.c.username == username) is not None
        return Whose(username=username, mac=None, is_online=is_online)
    if "ip" in asked:
        return _open(connection, SESSIONS.c.ip == str(asked["ip"]))
    mac = names.mac(asked["mac"])
    online = _open(connection, SESSIONS.c.mac == mac)
    if online is not None:
        return online
    owner = connection.scalar(select(func.login_owner(mac, mac, at)))
    return Whose(username=owner, mac=mac, is_online=False) if owner else None


def _open(connection: Connection, which: ColumnElement[bool]) -> Whose | None:
    """Who is online so. None where several users are: routers give the same addresses."""
    wanted = select(SESSIONS.c.username, func.max(SESSIONS.c.mac)).where(
        which, SESSIONS.c.status == "online"
    )
    found = connection.execute(wanted.group_by(SESSIONS.c.username).limit(2)).all()
    if len(found) != 1:
        return None
    username, mac = found[0]
    return Whose(username=username, mac=mac, is_online=True)


def _left(connection: Connection, whose: Whose, at: datetime) -> dict[str, Any]:
    limits = func.login_limits(whose.username, whose.mac, at).table_valued(
        "reason", "payment_id", "until", "seconds_left", "data_left"
    )
    row = connection.execute(
        select(
            limits.c.reason,
            limits.c.payment_id,
            limits.c.until,
            limits.c.seconds_left,
            limits.c.data_left,
        )
    ).one()
    if row.until is None or (row.reason != "ok" and not whose.is_online):
        return _NOTHING
    payment_id: UUID = row.payment_id
    return {
        "state": "online" if whose.is_online else "ready",
        "username": whose.username,
        "payment_id": payment_id,
        "until": utc_text(row.until),
        "seconds_left": row.seconds_left,
        "bytes_left": row.data_left,
    }


_NOTHING = {
    "state": "none",
    "username": None,
    "payment_id": None,
    "until": None,
    "seconds_left": None,
    "bytes_left": None,
}
