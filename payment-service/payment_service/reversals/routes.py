"""Owners who want money sent back: a payment's, or any receipt's."""

from collections.abc import Mapping
from typing import Any, cast
from uuid import UUID

from flask import g
from flask_smorest import Blueprint
from marshmallow import RAISE, Schema, fields, validate
from sqlalchemy import ColumnElement, select

from hotspot.contract.payments import ReversePaymentJob, ReverseReceiptJob
from hotspot.web.app import config_of, db, now, publish
from hotspot.web.auth import needs_role
from hotspot.web.openapi import refuses
from hotspot.web.problem import Problem
from payment_service.accepted import PAYMENTS, PRIVATE
from payment_service.claims.claiming import receipt_in
from payment_service.config import Config
from payment_service.models import AnyRow, Payment, Receipt
from payment_service.mpesa.initiator import NEEDED
from payment_service.reversals.decisions import find, objection
from payment_service.schemas import printable

reversals = Blueprint("reversals", __name__, url_prefix="/api/v1")

Answer = tuple[dict[str, Any], int, dict[str, str]]


class ReversalRequestSchema(Schema):
    """Why the money goes back; M-Pesa keeps it with the reversal."""

    class Meta:
        unknown = RAISE

    reason = fields.String(required=True, validate=[validate.Length(min=2, max=200), printable])


class ReversalAcceptedSchema(Schema):
    """The reversal is being asked for. `id` is its own; the payment shows what comes of it."""

    id = fields.UUID(required=True)
    receipt = fields.String(required=True)
    status = fields.String(required=True)


@reversals.post("/payments/<uuid:payment_id>/reverse")
@needs_role("owner")
@reversals.arguments(ReversalRequestSchema)
@reversals.response(202, ReversalAcceptedSchema)
@refuses({409: "There is no money of it that could go back now."})
def reverse_payment(request: Mapping[str, Any], payment_id: UUID) -> Answer:
    """Have M-Pesa send the money of a completed payment back; its access ends with that."""
    with db() as connection:
        paid_by = connection.execute(
            select(Payment.receipt).where(Payment.id == payment_id)
        ).first()
    if paid_by is None:
        raise Problem(404, "not-found", f"There is no payment {payment_id}.")
    receipt = _reversible(Receipt.receipt == paid_by.receipt)
    job = ReversePaymentJob(
        payment_id=payment_id,
        reason=request["reason"],
        requested_by=g.caller.subject,
        requested_at=now(),
    )
    envelope = publish(job, correlation_id=payment_id)
    return _accepted(envelope.message_id, receipt)


@reversals.post("/receipts/<receipt>/reverse")
@needs_role("owner")
@reversals.arguments(ReversalRequestSchema)
@reversals.response(202, ReversalAcceptedSchema)
@refuses({409: "Its money cannot go back now."})
def reverse_receipt(request: Mapping[str, Any], receipt: str) -> Answer:
    """Have M-Pesa send a receipt's money back: what was paid twice, or bought nothing."""
    typed = receipt_in(receipt) or receipt
    with db() as connection:
        if find(connection, Receipt.receipt == typed) is None:
            raise Problem(404, "not-found", f"There is no receipt {typed}.")
    found = _reversible(Receipt.receipt == typed)
    job = ReverseReceiptJob(
        receipt=typed,
        reason=request["reason"],
        requested_by=g.caller.subject,
        requested_at=now(),
    )
    envelope = publish(job, correlation_id=found.payment_id)
    return _accepted(envelope.message_id, found)


def _reversible(which: ColumnElement[bool]) -> AnyRow:
    """The receipt whose money can be asked back now. Raises Problem 409."""
    if cast(Config, config_of()).initiator is None:
        raise Problem(409, "not-configured", f"M-Pesa cannot be asked to send money back. {NEEDED}")
    with db() as connection:
        receipt = find(connection, which)
    problem = objection(receipt)
    if receipt is None or problem is not None:
        raise Problem(409, "not-reversible", str(problem))
    return receipt


def _accepted(reversal_id: UUID, receipt: AnyRow) -> Answer:
    body = {"id": reversal_id, "receipt": receipt.receipt, "status": "asking"}
    where = {"Location": f"{PAYMENTS}/{receipt.payment_id}"} if receipt.payment_id else {}
    return body, 202, {**where, **PRIVATE}
