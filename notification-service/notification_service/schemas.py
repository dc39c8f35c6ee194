"""HTTP queries and bodies. No body has a password."""

from datetime import UTC

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from hotspot.web.fields import MoneySchema, Phone

STATES = ("sending", "sent", "delivered", "failed", "unclear")


class MessagesQuery(Schema):
    """Which messages."""

    phone = Phone()
    status = fields.String(validate=validate.OneOf(STATES))
    since = fields.AwareDateTime(default_timezone=UTC)


class MessageSchema(Schema):
    """One SMS. `text` has the password replaced; `unclear`: it may or may not have been sent."""

    id = fields.UUID(required=True)
    kind = fields.String(required=True)
    phone = fields.String(required=True)
    text = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf(STATES))
    reason = fields.String(required=True, allow_none=True)
    provider = fields.String(required=True)
    provider_message_id = fields.String(required=True, allow_none=True)
    cost = fields.Nested(MoneySchema, required=True, allow_none=True)
    payment_id = fields.UUID(required=True, allow_none=True)
    resend_of = fields.UUID(required=True, allow_none=True)
    created_at = fields.String(required=True)
    sent_at = fields.String(required=True, allow_none=True)
    delivered_at = fields.String(required=True, allow_none=True)
    failed_at = fields.String(required=True, allow_none=True)


class ReportSchema(Schema):
    """What the gateway reported."""

    status = fields.String(required=True)
    failure_reason = fields.String(required=True, allow_none=True)
    received_at = fields.String(required=True)


class MessageInFullSchema(MessageSchema):
    """With the reports about it, in the order in which they came."""

    reports = fields.List(fields.Nested(ReportSchema), required=True)


class MessagesSchema(Schema):
    """A page of messages."""

    items = fields.List(fields.Nested(MessageSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class ResentSchema(Schema):
    """The message that is sent instead."""

    id = fields.UUID(required=True)


class KeptSchema(Schema):
    """The report is kept."""

    status = fields.String(required=True, metadata={"example": "accepted"})


class DeliveryUrlSchema(Schema):
    """Where the gateway must be told to report to; none where it reports nothing."""

    provider = fields.String(required=True)
    url = fields.String(required=True, allow_none=True)


def _printable(text: str) -> None:
    if not text.isprintable():
        raise ValidationError("has letters that cannot be printed")


class DeliveryReportSchema(Schema):
    """A delivery report as Africa's Talking posts it."""

    class Meta:
        """More fields than these are theirs to add."""

        unknown = EXCLUDE

    id = fields.String(required=True, validate=[validate.Length(1, 200), _printable])
    status = fields.String(required=True, validate=[validate.Length(1, 50), _printable])
    phoneNumber = fields.String(  # noqa: N815  # their spelling
        load_default=None, validate=[validate.Length(max=30), _printable]
    )
    failureReason = fields.String(  # noqa: N815
        load_default=None, validate=[validate.Length(max=200), _printable]
    )
