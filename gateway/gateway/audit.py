"""Who did what: a row for each request of an operator or a key that may have changed something.

Bodies are never kept, so no password or voucher can be in it. The row is written before the answer
goes out: what was answered is recorded.
"""

import structlog
from flask import Flask, Response, current_app, g, request
from sqlalchemy import Engine, insert, select
from sqlalchemy.exc import DBAPIError

from gateway.identity import is_key, operator_of
from gateway.models import AuditEntry, Operator
from hotspot.ids import new_id
from hotspot.web.app import now
from hotspot.web.auth import Caller

log = structlog.get_logger()

KEPT_DAYS = 400
_LOOKS = ("GET", "HEAD", "OPTIONS")
# Open dashboards ask for it every few seconds: it would bury what somebody did.
_CHANGE_NOTHING = ("/api/v1/dashboard/refresh",)
_LONGEST = 200


def keep_audit(app: Flask) -> None:
    """Record what callers do, once it is known what came of it."""
    app.after_request(_record)


def _record(response: Response) -> Response:
    who: Caller | None = g.get("caller")
    rule = request.url_rule
    if who is None or rule is None or request.method in _LOOKS or rule.rule in _CHANGE_NOTHING:
        return response
    row = {
        "id": new_id(),
        "at": now(),
        "actor": who.subject,
        "role": who.role,
        "method": request.method,
        "route": rule.rule,
        "object_id": _object_id(response),
        "status": response.status_code,
        "request_id": g.request_id,
        "address": request.remote_addr or "",
    }
    try:
        _write(current_app.extensions["engine"], row, who)
    except DBAPIError as error:
        # What was done is done: to say that it failed would have it done twice.
        shown = {key: str(value) for key, value in row.items()}
        log.error("not in the audit log", error=str(error.orig), **shown)
    return response


def _write(engine: Engine, row: dict[str, object], who: Caller) -> None:
    if is_key(who):
        named: object = g.get("caller_name")
    else:  # people are named by their e-mail address at this moment: accounts may go
        named = select(Operator.email).where(Operator.id == operator_of(who)).scalar_subquery()
    with engine.begin() as connection:
        connection.execute(insert(AuditEntry).values(**row, name=named))


def _object_id(response: Response) -> str | None:
    """What it was done to: named in the path, or made by it."""
    named = "/".join(str(value) for value in (request.view_args or {}).values())
    if not named and response.status_code < 300:
        named = response.headers.get("Location", "").rpartition("/")[2]
    return named[:_LONGEST] or None


def seen(row: AuditEntry) -> dict[str, object]:
    """An entry as AuditEntrySchema shows it."""
    names = ("id", "at", "actor", "name", "role", "method", "route")
    more = ("object_id", "status", "request_id", "address")
    return {name: getattr(row, name) for name in (*names, *more)}
