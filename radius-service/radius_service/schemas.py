"""HTTP bodies of radius-service."""

from marshmallow import Schema, fields, validate

from hotspot.web.fields import Phone

STATUSES = ("awaiting", "online", "ended")


class SessionFilterSchema(Schema):
    """Which sessions are listed."""

    status = fields.String(validate=validate.OneOf(STATUSES))
    phone = Phone()
    router_id = fields.String()
    # Read by hotspot.web.pages; named here so that OpenAPI shows them.
    limit = fields.String()
    cursor = fields.String()


class SessionSchema(Schema):
    """One stay online, or a grant that waits for its guest to log in.

    `bytes_in` came from the guest, `bytes_out` went to them, as their router counts.
    """

    id = fields.UUID(required=True)
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    user_id = fields.UUID(required=True)
    username = fields.String(required=True)
    phone = fields.String(required=True)
    grant_id = fields.UUID(required=True)
    payment_id = fields.UUID(required=True)
    router_id = fields.String(required=True, allow_none=True)
    nas = fields.String(required=True, allow_none=True)
    mac = fields.String(required=True, allow_none=True)
    ip = fields.String(required=True, allow_none=True)
    started_at = fields.String(required=True, allow_none=True)
    seen_at = fields.String(required=True, allow_none=True)
    until = fields.String(required=True)
    expired_at = fields.String(required=True, allow_none=True)
    ended_at = fields.String(required=True, allow_none=True)
    cause = fields.String(required=True, allow_none=True)
    bytes_in = fields.Integer(required=True)
    bytes_out = fields.Integer(required=True)


class SessionsSchema(Schema):
    """A page of sessions."""

    items = fields.List(fields.Nested(SessionSchema), required=True)
    next = fields.String(required=True, allow_none=True)
