"""HTTP bodies of radius-service."""

from marshmallow import Schema, fields, validate

from hotspot.web.fields import Phone

STATUSES = ("awaiting", "online", "ended")


class SessionFilterSchema(Schema):
    """Which sessions are listed."""

    status = fields.String(validate=validate.OneOf(STATUSES))
    phone = Phone()
    router_id = fields.String()


class SessionSchema(Schema):
    """One stay online, or a grant that waits for its guest to log in.

    `bytes_in` came from the guest, `bytes_out` went to them, as their router counts.
    """

    id = fields.UUID(required=True)
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    user_id = fields.UUID(required=True)
    username = fields.String(required=True)
    phone = fields.String(required=True, allow_none=True)
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


class KickStepSchema(Schema):
    """What was tried to send a guest off, and what came of it; `waiting`: nothing yet."""

    attempt = fields.Integer(required=True)
    step = fields.String(required=True)
    outcome = fields.String(required=True)
    detail = fields.String(required=True)
    at = fields.String(required=True)


class KickSchema(Schema):
    """One guest to be sent off, for as long as it takes. `due_at`: when it is ordered again."""

    reason = fields.String(required=True)
    begun_at = fields.String(required=True)
    attempts = fields.Integer(required=True)
    due_at = fields.String(required=True, allow_none=True)
    ended_at = fields.String(required=True, allow_none=True)
    outcome = fields.String(required=True, allow_none=True)
    steps = fields.List(fields.Nested(KickStepSchema), required=True)


class SessionWithKicksSchema(SessionSchema):
    """One session, with what was done to end it."""

    kicks = fields.List(fields.Nested(KickSchema), required=True)


class PromiseSchema(Schema):
    """How many sessions are open without time, and the end of the oldest: it must read 0."""

    service_without_time = fields.Integer(required=True)
    since = fields.String(required=True, allow_none=True)
    as_of = fields.String(required=True)


class UseFilterSchema(Schema):
    """Whose use, since which day (in Nairobi; else 30 days ago)."""

    # SQL has no NUL in text.
    username = fields.String(
        validate=[validate.Length(min=1), validate.ContainsNoneOf("\0", error="has a NUL.")]
    )
    phone = Phone()
    since = fields.Date()


class DaySchema(Schema):
    """What a user used on one day in Nairobi, as it was reported on that day."""

    username = fields.String(required=True)
    day = fields.String(required=True)
    bytes_in = fields.Integer(required=True)
    bytes_out = fields.Integer(required=True)
    seconds = fields.Integer(required=True)


class UseSchema(Schema):
    """Days with use, newest first. There is never more than one page."""

    items = fields.List(fields.Nested(DaySchema), required=True)
    next = fields.String(required=True, allow_none=True)


class SessionsSchema(Schema):
    """A page of sessions."""

    items = fields.List(fields.Nested(SessionSchema), required=True)
    next = fields.String(required=True, allow_none=True)
