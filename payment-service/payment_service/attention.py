"""What a person has dealt with: it is in front of nobody any more."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import structlog
from flask import g
from flask_smorest import Blueprint
from marshmallow import RAISE, Schema, fields, validate
from sqlalchemy import select

from hotspot.bus.work import Work
from hotspot.contract.payments import ClearAttentionJob
from hotspot.web.app import db, now, publish
from hotspot.web.auth import needs_role
from hotspot.web.openapi import refuses
from hotspot.web.problem import Problem
from payment_service.accepted import PAYMENTS, PRIVATE
from payment_service.models import Payment, change
from payment_service.schemas import printable

log = structlog.get_logger()

# Between the reasons for which a payment needs a person
BETWEEN = "; "
LONGEST = 10_000

attention = Blueprint("attention", __name__, url_prefix=f"{PAYMENTS}/<uuid:payment_id>/attention")


class ClearedSchema(Schema):
    """What was dealt with: `needs_attention` of the payment, as it was read."""

    class Meta:
        unknown = RAISE

    needs_attention = fields.String(
        required=True,
        validate=[validate.Length(1, LONGEST), printable],
        metadata={"example": "KES 10.00 of receipt UAF9KD20QX is left over"},
    )


class ClearingSchema(Schema):
    """It is being cleared."""

    id = fields.UUID(required=True)


@attention.post("/clear")
@needs_role("operator")
@attention.arguments(ClearedSchema)
@attention.response(202, ClearingSchema)
@refuses({409: "The payment needs nobody for that (any more)."})
def clear(
    dealt_with: Mapping[str, str], payment_id: UUID
) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Say that a person has dealt with what a payment needed one for. The audit keeps who."""
    with db() as connection:
        wanted = select(Payment.needs_attention).where(Payment.id == payment_id)
        found = connection.execute(wanted).first()
    if found is None:
        raise Problem(404, "not-found", f"There is no payment {payment_id}.")
    said: str | None = found[0]
    if left_of(said, dealt_with["needs_attention"]) == said:
        why = f"It says something else now: {said}" if said else "Nothing is left to deal with."
        raise Problem(409, "nothing-to-clear", why)
    job = ClearAttentionJob(
        payment_id=payment_id,
        needs_attention=dealt_with["needs_attention"],
        cleared_by=g.caller.subject,
        cleared_at=now(),
    )
    publish(job, correlation_id=payment_id)
    return {"id": payment_id}, 202, {"Location": f"{PAYMENTS}/{payment_id}", **PRIVATE}


def clear_attention(job: ClearAttentionJob, work: Work) -> None:
    """The handler of ClearAttentionJob: what was read is cleared, what came later stays."""
    wanted = select(Payment.needs_attention).where(Payment.id == job.payment_id).with_for_update()
    said: str | None = work.session.scalar(wanted)
    left = left_of(said, job.needs_attention)
    if left == said:
        return
    mine = change(Payment).where(Payment.id == job.payment_id)
    work.session.execute(mine.values(needs_attention=left))
    log.info(
        "a person dealt with it",
        payment_id=str(job.payment_id),
        needs_attention=job.needs_attention,
        cleared_by=job.cleared_by,
    )


def left_of(said: str | None, dealt_with: str) -> str | None:
    """What a payment needs a person for when this has been dealt with; None: nothing."""
    done = set(dealt_with.split(BETWEEN))
    return BETWEEN.join(one for one in (said or "").split(BETWEEN) if one not in done) or None
