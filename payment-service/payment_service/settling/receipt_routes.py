"""Receipts as operators see them: what each bought, and the money that waits for a person."""

from collections.abc import Mapping
from typing import Any

from flask_smorest import Blueprint
from marshmallow import Schema, fields
from sqlalchemy import Select, exists, func, literal, null, or_, select, union_all
from sqlalchemy.dialects.postgresql import distinct_on

from hotspot.contract.message import utc_text
from hotspot.web.auth import needs_role
from hotspot.web.fields import MoneySchema
from hotspot.web.pages import newest_first, paged
from payment_service.models import AnyRow, Hearsay, Receipt
from payment_service.settling.hearsay import SILENCE

receipts = Blueprint("receipts", __name__, url_prefix="/api/v1/receipts")


class ReceiptFilterSchema(Schema):
    """Which receipts to list."""

    held = fields.Boolean(
        metadata={"description": "money that bought nothing, or not all of it; or the other money"}
    )
    receipt = fields.String()
    payment_id = fields.UUID()
    since = fields.AwareDateTime(metadata={"description": "known at or after this time"})


class ReceiptSchema(Schema):
    """Money that came. `held` says why it bought nothing, `left_over` what of it bought nothing.

    `confirmed` false: an unknown source told of it, and M-Pesa has not confirmed it.
    """

    id = fields.UUID(required=True)
    receipt = fields.String(required=True)
    payment_id = fields.UUID(required=True, allow_none=True)
    amount = fields.Nested(MoneySchema, required=True, allow_none=True)
    left_over = fields.Nested(MoneySchema, required=True)
    held = fields.String(required=True, allow_none=True)
    confirmed = fields.Boolean(required=True)
    source = fields.String(required=True)
    payer = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "a phone number, or its hash or mask: what M-Pesa told"},
    )
    payer_name = fields.String(required=True, allow_none=True)
    reference = fields.String(
        required=True, allow_none=True, metadata={"description": "the account that was typed"}
    )
    paid_at = fields.String(required=True, allow_none=True)
    recorded_at = fields.String(required=True)
    reversed_at = fields.String(
        required=True, allow_none=True, metadata={"description": "when M-Pesa sent it back"}
    )


class ReceiptsSchema(Schema):
    """A page of receipts, the newest first."""

    items = fields.List(fields.Nested(ReceiptSchema), required=True)
    next = fields.String(required=True, allow_none=True)


@receipts.get("")
@needs_role("viewer")
@receipts.arguments(ReceiptFilterSchema, location="query")
@receipts.response(200, ReceiptsSchema)
@paged
def list_receipts(filters: Mapping[str, Any]) -> dict[str, Any]:
    """Receipts, the newest first."""
    told = union_all(_in_the_books(), _unproven()).subquery()
    is_held = or_(told.c.held.is_not(None), told.c.left_over > 0)
    return newest_first(
        select(told),
        by=told.c.id,
        where={
            "held": lambda wanted: is_held if wanted else ~is_held,
            "receipt": lambda receipt: told.c.receipt == receipt.strip().upper(),
            "payment_id": lambda payment_id: told.c.payment_id == payment_id,
            "since": lambda since: told.c.recorded_at >= since,
        },
        query=filters,
        seen=_seen,
    )


def _in_the_books() -> Select[*tuple[Any, ...]]:
    return select(
        Receipt.id,
        Receipt.receipt,
        Receipt.payment_id,
        Receipt.amount,
        Receipt.left_over,
        Receipt.held,
        Receipt.source,
        Receipt.payer,
        Receipt.payer_name,
        Receipt.reference,
        Receipt.paid_at,
        Receipt.recorded_at,
        Receipt.reversed_at,
        literal(True).label("confirmed"),
    )


def _unproven() -> Select[*tuple[Any, ...]]:
    """Each receipt that was only said to be there, once. Those of a payment are in its sight."""
    said = func.concat("an unknown source told of it: ", Hearsay.source_address)
    return (
        select(
            Hearsay.id,
            Hearsay.receipt,
            Hearsay.payment_id,
            Hearsay.amount,
            literal(0).label("left_over"),
            said.label("held"),
            Hearsay.kind,
            Hearsay.payer,
            Hearsay.payer_name,
            Hearsay.reference,
            Hearsay.paid_at,
            Hearsay.heard_at,
            null().label("reversed_at"),
            literal(False).label("confirmed"),
        )
        .ext(distinct_on(Hearsay.receipt))
        .where(
            Hearsay.payment_id.is_(None),
            or_(Hearsay.answer.is_(None), Hearsay.answer == SILENCE),
            ~exists().where(Receipt.receipt == Hearsay.receipt),
        )
        .order_by(Hearsay.receipt, Hearsay.id)
    )


def _seen(row: AnyRow) -> dict[str, Any]:
    told = ("id", "receipt", "payment_id", "held", "confirmed", "source")
    payer = ("payer", "payer_name", "reference")
    return {name: getattr(row, name) for name in (*told, *payer)} | {
        "amount": None if row.amount is None else _money(row.amount),
        "left_over": _money(row.left_over),
        "paid_at": utc_text(row.paid_at) if row.paid_at else None,
        "recorded_at": utc_text(row.recorded_at),
        "reversed_at": utc_text(row.reversed_at) if row.reversed_at else None,
    }


def _money(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "KES"}
