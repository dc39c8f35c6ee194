"""Guests who show a receipt: paid and not served, the SMS lost, or another device in hand."""

from collections.abc import Mapping
from typing import Any

import structlog
from flask_smorest import Blueprint
from marshmallow import ValidationError, fields, validate

from hotspot.contract.money import Money
from hotspot.contract.payments import ClaimPaymentJob
from hotspot.ids import new_id
from hotspot.phone import mask
from hotspot.web.app import db, now, publish
from hotspot.web.fields import Phone
from payment_service.accepted import PAYMENTS, Answer, accepted
from payment_service.claims.claiming import Theirs, known, receipt_in, standing_of
from payment_service.claims.tokens import Claim
from payment_service.models import PENDING
from payment_service.packages import terms
from payment_service.schemas import DeviceSchema, PaymentAcceptedSchema

log = structlog.get_logger()

claimed = Blueprint("claims", __name__, url_prefix=f"{PAYMENTS}/claim")


class ReceiptField(fields.String):
    """An M-Pesa receipt as people type it, or the whole SMS that begins with it."""

    def _deserialize(self, *args: Any, **kwargs: Any) -> str:
        receipt = receipt_in(super()._deserialize(*args, **kwargs))
        if receipt is None:
            raise ValidationError("write the code at the beginning of M-Pesa's SMS: UKM7RT61SV")
        return receipt


class ClaimRequestSchema(DeviceSchema):
    """A receipt and the number that paid; the rest as MikroTik's login page tells it."""

    receipt = ReceiptField(
        required=True, validate=validate.Length(max=500), metadata={"example": "UKM7RT61SV"}
    )
    phone = Phone(required=True, metadata={"example": "0712 345 678"})


@claimed.post("")
@claimed.arguments(ClaimRequestSchema)
@claimed.response(202, PaymentAcceptedSchema)
def claim_payment(request: Mapping[str, Any]) -> Answer:
    """Find what a receipt bought: serve it once, or move its access to this device.

    The answer is the same whether the receipt is known or not: the payment tells later.
    """
    claim = _claim_of(request["receipt"], request["phone"])
    log.info("claim", phone=claim.masked_phone, payment_id=str(claim.payment_id))
    job = ClaimPaymentJob(payment_id=claim.payment_id, claimed_at=now(), **request)
    publish(job, correlation_id=claim.payment_id)
    body, status, headers = accepted(claim, PENDING)
    # For the gateway, which counts tries and keeps this to itself.
    own = {"X-Own-Receipt": "yes"} if claim.package_id else {}
    return body, status, {**headers, **own}


def _claim_of(receipt: str, phone: str) -> Claim:
    """What the page will watch: the payment where it is the guest's, else one that may come."""
    with db() as connection:
        row = known(connection, receipt)
    standing = standing_of(row, phone)
    if row is None or not isinstance(standing, Theirs):
        return Claim(payment_id=new_id(), package_id=None, price=None, masked_phone=mask(phone))
    return Claim(
        payment_id=standing.payment_id,
        package_id=terms.from_json(row.package).package_id,
        price=Money(amount=row.price),
        masked_phone=mask(row.buyer or phone),
    )
