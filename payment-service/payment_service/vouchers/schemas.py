"""Bodies about vouchers and batches of them."""

from collections.abc import Mapping
from typing import Any

from marshmallow import RAISE, Schema, fields, validate

from hotspot.web.fields import MoneySchema, Phone
from payment_service.schemas import DeviceSchema
from payment_service.vouchers.codes import STATUSES
from payment_service.vouchers.redeeming import Guest

MOST_IN_A_BATCH = 5_000


class RedeemRequestSchema(DeviceSchema):
    """A code as the guest typed it.

    With a phone, the access is that of the phone's user, and its credentials come by SMS as well.
    """

    code = fields.String(
        required=True,
        validate=validate.Length(min=1, max=100),
        metadata={"example": "4KCX9-DM7RH-PWT3V"},
    )
    phone = Phone(allow_none=True, metadata={"pattern": f"^$|{Phone.PATTERN}"})


def guest_of(request: Mapping[str, Any], key: str | None) -> Guest:
    """The guest in a request that RedeemRequestSchema has loaded."""
    told = {name: value for name, value in request.items() if name != "code"}
    return Guest(**told, key=key)


class BatchRequestSchema(Schema):
    """Vouchers for sale in shops."""

    class Meta:
        unknown = RAISE

    package_id = fields.UUID(required=True)
    count = fields.Integer(
        required=True, strict=True, validate=validate.Range(min=1, max=MOST_IN_A_BATCH)
    )
    expires_at = fields.AwareDateTime(
        load_default=None,
        allow_none=True,
        metadata={
            "description": "the last moment at which they can be redeemed",
            "example": "2030-12-31T20:59:59Z",
        },
    )


class BatchAcceptedSchema(Schema):
    """The batch that is being made."""

    batch_id = fields.UUID(required=True)


class BatchSchema(Schema):
    """A batch: `made` of its `count` vouchers are there."""

    id = fields.UUID(required=True)
    number = fields.Integer(required=True)
    status = fields.String(required=True, validate=validate.OneOf(("making", "ready", "cancelled")))
    package_id = fields.UUID(required=True)
    package_name = fields.String(required=True)
    price = fields.Nested(MoneySchema, required=True)
    count = fields.Integer(required=True)
    made = fields.Integer(required=True)
    expires_at = fields.String(required=True, allow_none=True)
    requested_by = fields.String(required=True)
    requested_at = fields.String(required=True)
    finished_at = fields.String(required=True, allow_none=True)
    cancelled_at = fields.String(required=True, allow_none=True)


class CountedBatchSchema(BatchSchema):
    """A batch with how many of its vouchers are what."""

    vouchers = fields.Dict(
        keys=fields.String(validate=validate.OneOf(STATUSES)), values=fields.Integer()
    )


class BatchesSchema(Schema):
    """A page of batches, the newest first."""

    items = fields.List(fields.Nested(BatchSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class VoucherFilterSchema(Schema):
    """Which vouchers to list."""

    status = fields.String(validate=validate.OneOf(STATUSES))
    phone = Phone(metadata={"description": "of the guest who paid for it or redeemed it"})
    since = fields.AwareDateTime(metadata={"description": "issued at or after this time"})
    batch_id = fields.UUID()
    code = fields.String(metadata={"description": "as a guest reads it out"})


class VoucherSchema(Schema):
    """A voucher. Below the role operator, only the end of a code that is still worth something."""

    id = fields.UUID(required=True)
    code = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    package_id = fields.UUID(required=True)
    package_name = fields.String(required=True)
    price = fields.Nested(MoneySchema, required=True)
    phone = fields.String(required=True, allow_none=True)
    payment_id = fields.UUID(required=True, allow_none=True)
    batch_id = fields.UUID(required=True, allow_none=True)
    batch_number = fields.Integer(required=True, allow_none=True)
    serial = fields.Integer(required=True, allow_none=True)
    issued_at = fields.String(required=True)
    expires_at = fields.String(required=True, allow_none=True)
    redeemed_at = fields.String(required=True, allow_none=True)
    cancelled_at = fields.String(required=True, allow_none=True)


class VouchersSchema(Schema):
    """A page of vouchers, the newest first."""

    items = fields.List(fields.Nested(VoucherSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class VoucherAcceptedSchema(Schema):
    """What was asked for will be done to this."""

    id = fields.UUID(required=True)
