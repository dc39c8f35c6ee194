"""Bodies of the HTTP API. The OpenAPI description is made of these."""

import ipaddress
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from marshmallow import RAISE, Schema, ValidationError, fields, pre_load, validate

from hotspot.web.fields import MoneySchema, Phone
from payment_service.models import STATUSES
from payment_service.prompts.orders import Order
from payment_service.reversals.decisions import STATES as REVERSAL_STATES


class Mac(fields.String):
    """A MAC address, as routers write it: AA:BB:CC:DD:EE:FF."""

    def _deserialize(self, *args: Any, **kwargs: Any) -> str:
        digits = re.sub(r"[:.-]", "", super()._deserialize(*args, **kwargs)).upper()
        if not re.fullmatch(r"[0-9A-F]{12}", digits):
            raise ValidationError("write a MAC address such as 01:23:45:67:89:AB")
        return ":".join(digits[at : at + 2] for at in range(0, 12, 2))


class IpAddress(fields.String):
    """An IPv4 or IPv6 address."""

    def _deserialize(self, *args: Any, **kwargs: Any) -> str:
        try:
            return str(ipaddress.ip_address(super()._deserialize(*args, **kwargs)))
        except ValueError as error:
            raise ValidationError("write an IP address such as 10.5.50.21") from error


class HttpUrl(fields.String):
    """An http or https URL: the page sends a browser there, so nothing else will do."""

    def _deserialize(self, *args: Any, **kwargs: Any) -> str:
        text = super()._deserialize(*args, **kwargs)
        try:
            parts = urlsplit(text)
            good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            good = False
        if not good or not text.isprintable() or " " in text or len(text) > 2000:
            raise ValidationError("write a URL such as http://10.5.50.1/login")
        return text


def printable(value: str) -> None:
    """Raise ValidationError for control characters."""
    if not value.isprintable():
        raise ValidationError("must not hold control characters")


class DeviceSchema(Schema):
    """The guest's device, as MikroTik's login page tells it (empty: not told)."""

    class Meta:
        unknown = RAISE

    mac = Mac(allow_none=True, metadata={"example": "01:23:45:67:89:AB"})
    ip = IpAddress(allow_none=True)
    router_id = fields.String(allow_none=True, validate=[validate.Length(max=100), printable])
    link_login_only = HttpUrl(allow_none=True)

    @pre_load
    def empty_is_not_told(self, data: Any, **_: object) -> Any:
        """MikroTik fills what it does not know with nothing, and so do forms."""
        if not isinstance(data, Mapping):
            return data
        optional = {name for name, field in self.fields.items() if field.allow_none}
        return {
            name: None if name in optional and value == "" else value
            for name, value in data.items()
        }


class PaymentRequestSchema(DeviceSchema):
    """One package for one phone."""

    package_id = fields.UUID(required=True)
    phone = Phone(required=True, metadata={"example": "0712 345 678"})


def order_of(request: Mapping[str, Any]) -> Order:
    """The order in a request that PaymentRequestSchema has loaded."""
    return Order(**request)


class IdempotencyKeySchema(Schema):
    """Sent again with the same key, the same request is answered with the same payment.

    The key must be unguessable, such as a random UUID: the answer carries the claim token.
    """

    idempotency_key = fields.String(
        data_key="Idempotency-Key", validate=[validate.Length(min=1, max=200), printable]
    )


class PaymentFilterSchema(Schema):
    """Which payments to list."""

    phone = Phone()
    status = fields.String(validate=validate.OneOf(STATUSES))
    router_id = fields.String()
    since = fields.AwareDateTime(metadata={"description": "requested at or after this time"})
    needs_attention = fields.Boolean(metadata={"description": "in front of a person, or not"})


class PaymentAcceptedSchema(Schema):
    """The request was taken. `claim_token` opens the payment and its live events."""

    id = fields.UUID(required=True)
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    claim_token = fields.String(required=True)


class FailureSchema(Schema):
    """Why there is no money: a stable code, and a sentence for the guest."""

    code = fields.String(required=True, metadata={"example": "wrong_pin"})
    message = fields.String(required=True, metadata={"example": "The PIN was wrong."})


class AccessSchema(Schema):
    """How to get online."""

    state = fields.String(
        required=True, validate=validate.OneOf(("provisioning", "ready", "online", "ended"))
    )
    username = fields.String(required=True, allow_none=True)
    password = fields.String(required=True, allow_none=True)
    voucher = fields.String(required=True, allow_none=True)
    login_url = fields.String(required=True, allow_none=True)
    until = fields.String(required=True, allow_none=True)


class PaymentSchema(Schema):
    """A payment as its buyer sees it."""

    id = fields.UUID(required=True)
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    price = fields.Nested(
        MoneySchema,
        required=True,
        allow_none=True,
        metadata={"description": "null while M-Pesa is asked about a claimed receipt"},
    )
    phone = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "masked; null where a voucher was redeemed without a phone"},
    )
    package_id = fields.UUID(required=True, allow_none=True)
    receipt = fields.String(required=True, allow_none=True)
    failure = fields.Nested(FailureSchema, required=True, allow_none=True)
    waits_for = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf(("mpesa",)),
        metadata={
            "description": "mpesa: it does not answer, and whether it asks the phone is not known",
            "example": None,
        },
    )
    access = fields.Nested(AccessSchema, required=True, allow_none=True)


class AccessInUseSchema(Schema):
    """The access that a payment gave, without what opens it."""

    state = fields.String(required=True)
    username = fields.String(required=True, allow_none=True)
    until = fields.String(required=True, allow_none=True)


class ReversalSchema(Schema):
    """The last time that an owner asked M-Pesa to send a payment's money back."""

    id = fields.UUID(required=True)
    receipt = fields.String(required=True)
    state = fields.String(
        required=True,
        validate=validate.OneOf(REVERSAL_STATES),
        metadata={"description": "unclear: a person must look whether the money went back"},
    )
    reason = fields.String(required=True)
    requested_by = fields.String(required=True)
    requested_at = fields.String(required=True)
    finished_at = fields.String(required=True, allow_none=True)
    result = fields.String(
        required=True, allow_none=True, metadata={"description": "what came of it, in words"}
    )


class OperatorPaymentSchema(PaymentSchema):
    """A payment as operators see it: with the whole phone number, without credentials."""

    phone = fields.String(required=True, allow_none=True)
    access = fields.Nested(AccessInUseSchema, required=True, allow_none=True)
    package = fields.Dict(keys=fields.String(), required=True)
    paid_amount = fields.Nested(MoneySchema, required=True, allow_none=True)
    confirmed_by = fields.String(required=True, allow_none=True)
    needs_attention = fields.String(required=True, allow_none=True)
    source = fields.String(
        required=True, metadata={"description": "prompt, c2b, claim, statement or voucher"}
    )
    prompt_state = fields.String(required=True)
    checkout_request_id = fields.String(required=True, allow_none=True)
    mac = fields.String(required=True, allow_none=True)
    ip = fields.String(required=True, allow_none=True)
    router_id = fields.String(required=True, allow_none=True)
    requested_at = fields.String(required=True)
    completed_at = fields.String(required=True, allow_none=True)
    reversed_at = fields.String(required=True, allow_none=True)
    reversal = fields.Nested(ReversalSchema, required=True, allow_none=True)


class OperatorPaymentsSchema(Schema):
    """A page of payments, the newest first."""

    items = fields.List(fields.Nested(OperatorPaymentSchema), required=True)
    next = fields.String(required=True, allow_none=True)
