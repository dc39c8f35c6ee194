"""Where the money stands, worked out when it is asked for."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate
from sqlalchemy import Connection, func, select, tuple_
from sqlalchemy.sql.elements import SQLCoreOperations

from hotspot.contract.message import utc_text
from hotspot.web.app import db, now
from hotspot.web.auth import needs_role
from hotspot.web.fields import MoneySchema
from hotspot.web.pages import page, page_request, paged
from payment_service.models import Access, AnyRow, Payment, Receipt
from payment_service.promise import standing
from payment_service.promise.standing import OVER, WITHOUT_SERVICE, Standing

# Payments that are over are counted of the last day, unless asked otherwise.
COUNTED_BACK = timedelta(days=1)
DEALT_WITH = "a person has dealt with it"
_IN_SIGHT = Standing.NEEDS_PERSON.value

standings = Blueprint("standings", __name__, url_prefix="/api/v1/payments/standing")


class StandingQuerySchema(Schema):
    """Which payments to list; without `standing`, those that have no service."""

    standing = fields.String(validate=validate.OneOf([one.value for one in Standing]))
    since = fields.AwareDateTime(
        metadata={"description": "of used_up and reversed: those that were confirmed since then"}
    )


class StandingPaymentSchema(Schema):
    """A confirmed payment and where it stands. `reason`: what a person should know."""

    id = fields.UUID(required=True)
    standing = fields.String(required=True)
    since = fields.String(required=True)
    age_seconds = fields.Integer(required=True)
    reason = fields.String(required=True, allow_none=True)
    needs_attention = fields.String(required=True, allow_none=True)
    status = fields.String(required=True)
    phone = fields.String(required=True, allow_none=True)
    price = fields.Nested(MoneySchema, required=True)
    receipt = fields.String(required=True, allow_none=True)
    access_state = fields.String(required=True, allow_none=True)


class HeldReceiptsSchema(Schema):
    """Money that came and has bought nothing: it waits for a person."""

    count = fields.Integer(required=True)
    amount = fields.Nested(MoneySchema, required=True)


class StandingsSchema(Schema):
    """How many payments stand where, and a page of them, those that wait longest first."""

    as_of = fields.String(required=True)
    counted_since = fields.String(required=True)
    counts = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    money_without_service = fields.Integer(required=True)
    held_receipts = fields.Nested(HeldReceiptsSchema, required=True)
    items = fields.List(fields.Nested(StandingPaymentSchema), required=True)
    next = fields.String(required=True, allow_none=True)


@standings.get("")
@needs_role("viewer")
@standings.arguments(StandingQuerySchema, location="query")
@standings.response(200, StandingsSchema)
@paged
def show_standings(query: Mapping[str, Any]) -> dict[str, Any]:
    """Where each confirmed payment stands, and those that nobody is served for."""
    moment = now()
    since = query.get("since", moment - COUNTED_BACK)
    wanted = (Standing(query["standing"]),) if "standing" in query else WITHOUT_SERVICE
    asked = page_request()
    ids = standing.over_since(since) if wanted[0] in OVER else standing.not_over(moment)
    listed = standing.standings(ids, moment).add_columns(*_COLUMNS).subquery()
    first = select(listed).where(listed.c.standing.in_(wanted))
    if asked.after:
        last = select(standing.confirmed_at(), Payment.id).where(Payment.id == asked.after)
        first = first.where(tuple_(listed.c.since, listed.c.id) > last.scalar_subquery())
    with db() as connection:
        rows = connection.execute(
            first.order_by(listed.c.since, listed.c.id).limit(asked.limit + 1)
        ).all()
        figures = {
            "as_of": utc_text(moment),
            "counted_since": utc_text(since),
            "counts": standing.counts(connection, moment, since),
            "money_without_service": standing.unserved(connection, moment).count,
            "held_receipts": _held(connection),
        }
    items = [_item(row, (moment - row.since).total_seconds()) for row in rows]
    return figures | page(items, asked, lambda item: cast(UUID, item["id"]))


_COLUMNS: tuple[SQLCoreOperations[Any], ...] = (
    Payment.status,
    Payment.phone,
    Payment.price,
    Payment.receipt,
    Payment.needs_attention,
    Access.state.label("access_state"),
)


def _held(connection: Connection) -> dict[str, Any]:
    count, amount = connection.execute(
        select(func.count(), func.coalesce(func.sum(Receipt.amount), 0)).where(
            Receipt.held.is_not(None)
        )
    ).one()
    return {"count": count, "amount": {"amount": int(amount or 0), "currency": "KES"}}


def _item(row: AnyRow, age: float) -> dict[str, Any]:
    return {
        "id": row.id,
        "standing": row.standing,
        "since": utc_text(row.since),
        "age_seconds": int(age),
        "reason": row.needs_attention or (DEALT_WITH if row.standing == _IN_SIGHT else None),
        "needs_attention": row.needs_attention,
        "status": row.status,
        "phone": row.phone,
        "price": {"amount": row.price, "currency": "KES"},
        "receipt": row.receipt,
        "access_state": row.access_state,
    }
