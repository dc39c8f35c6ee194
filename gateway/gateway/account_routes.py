"""Routes for owners: accounts, API keys, and who did what."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from flask import Response, current_app, g
from flask_smorest import Blueprint
from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway import accounts, audit, keys
from gateway.account_schemas import (
    AuditQuery,
    AuditSchema,
    KeySchema,
    KeysSchema,
    MadeKeySchema,
    NewKeySchema,
    NewOperatorSchema,
    OperatorChangeSchema,
    OperatorSchema,
    OperatorsSchema,
    WhoSchema,
)
from gateway.accounts import NewOperator
from gateway.identity import caller, is_key, operator_of
from gateway.models import ApiKey, AuditEntry, Operator
from gateway.operators import Passwords
from hotspot.web.app import db, now
from hotspot.web.openapi import refuses
from hotspot.web.pages import newest_first, paged
from hotspot.web.problem import Problem

Answer = tuple[dict[str, Any], dict[str, str]]

_LAST_OWNER = "It is the only owner."
_KEY_FIELDS = tuple(KeySchema().fields)


def accounts_blueprint(passwords: Passwords) -> Blueprint:
    """/operators. Who may ask, the door's table says."""
    blueprint = Blueprint("operators", __name__, url_prefix="/api/v1/operators")

    @blueprint.get("")
    @blueprint.response(200, OperatorsSchema)
    @paged
    def list_operators() -> dict[str, Any]:
        """All accounts, the newest first."""
        table = Operator.__table__
        return newest_first(select(table), by=Operator.id, where={}, query={}, seen=accounts.seen)

    @blueprint.get("/me")
    @blueprint.response(200, WhoSchema)
    def show_me() -> dict[str, Any]:
        """Who asks."""
        who = caller()
        name = g.get("caller_name")
        if not is_key(who):
            with db() as connection:
                mine = select(Operator.email).where(Operator.id == operator_of(who))
                name = connection.scalar(mine)
        return {"subject": who.subject, "role": who.role, "name": name}

    @blueprint.get("/<uuid:id>")
    @blueprint.response(200, OperatorSchema)
    def show_operator(id: UUID) -> dict[str, Any]:  # noqa: A002  # the path's own word
        """One account."""
        with db() as connection:
            row = connection.execute(select(Operator.__table__).where(Operator.id == id)).first()
        if row is None:
            raise Problem(404, "not-found", f"There is no operator {id}.")
        return accounts.seen(row)

    @blueprint.post("")
    @blueprint.arguments(NewOperatorSchema)
    @blueprint.response(201, OperatorSchema)
    @refuses({409: "Another account has this e-mail address."})
    def add_operator(wanted: dict[str, str]) -> Answer:
        """Make an account."""
        with _as_owner() as session:
            made = accounts.make(session, NewOperator(**wanted), passwords, now())
            shown = accounts.seen(made)
        return shown, {"Location": f"{blueprint.url_prefix}/{shown['id']}"}

    @blueprint.patch("/<uuid:id>")
    @blueprint.arguments(OperatorChangeSchema)
    @blueprint.response(200, OperatorSchema)
    @refuses({409: _LAST_OWNER})
    def change_operator(changes: Mapping[str, Any], id: UUID) -> dict[str, Any]:  # noqa: A002
        """Give an account another role or password. Its logins end."""
        with _as_owner() as session:
            return accounts.seen(accounts.change(session, id, changes, passwords, now()))

    @blueprint.delete("/<uuid:id>")
    @blueprint.response(204)
    @refuses({409: _LAST_OWNER})
    def remove_operator(id: UUID) -> Response:  # noqa: A002
        """Delete an account. Its logins end."""
        with _as_owner() as session:
            accounts.remove(session, id)
        return Response(status=204)

    return blueprint


def keys_blueprint() -> Blueprint:
    """/api-keys."""
    blueprint = Blueprint("API keys", __name__, url_prefix="/api/v1/api-keys")

    @blueprint.get("")
    @blueprint.response(200, KeysSchema)
    @paged
    def list_keys() -> dict[str, Any]:
        """All keys, the newest first; with those that were revoked."""
        columns = [getattr(ApiKey, name) for name in _KEY_FIELDS]
        return newest_first(
            select(*columns), by=ApiKey.id, where={}, query={}, seen=lambda row: row._asdict()
        )

    @blueprint.post("")
    @blueprint.arguments(NewKeySchema)
    @blueprint.response(201, MadeKeySchema)
    def add_key(wanted: dict[str, str]) -> Answer:
        """Make a key. The answer shows it, once."""
        with _as_owner() as session:
            made = keys.make(session, **wanted, by=caller().subject, now=now())
            shown = {name: getattr(made.row, name) for name in _KEY_FIELDS}
        place = f"{blueprint.url_prefix}/{shown['id']}"
        return shown | {"key": made.secret}, {"Location": place, "Cache-Control": "no-store"}

    @blueprint.delete("/<uuid:id>")
    @blueprint.response(204)
    def revoke_key(id: UUID) -> Response:  # noqa: A002
        """Make a key worthless, at once."""
        with _as_owner() as session:
            if not keys.revoke(session, id, now()):
                raise Problem(404, "not-found", f"There is no key {id}, or not any more.")
        return Response(status=204)

    return blueprint


def audit_blueprint() -> Blueprint:
    """/audit."""
    blueprint = Blueprint("audit", __name__, url_prefix="/api/v1/audit")

    @blueprint.get("")
    @blueprint.arguments(AuditQuery, location="query")
    @blueprint.response(200, AuditSchema)
    @paged
    def list_audit(query: Mapping[str, Any]) -> dict[str, Any]:
        """Who did what, the newest first."""
        return newest_first(
            select(AuditEntry.__table__),
            by=AuditEntry.id,
            where={
                "actor": AuditEntry.actor.__eq__,
                "object_id": AuditEntry.object_id.__eq__,
                "since": AuditEntry.at.__ge__,
            },
            query=query,
            seen=audit.seen,
        )

    return blueprint


@contextmanager
def _as_owner() -> Iterator[Session]:
    """One transaction of somebody who is an owner at this moment. Raises Problem 403."""
    session = Session(current_app.extensions["engine"], expire_on_commit=False)
    with session, session.begin():
        if not accounts.is_still_owner(session, caller()):
            raise Problem(403, "forbidden", "You are no owner any more.")
        yield session
