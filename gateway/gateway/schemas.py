"""HTTP bodies of the gateway's own routes."""

from marshmallow import Schema, fields, validate

from gateway.operators import LONGEST_EMAIL, LONGEST_PASSWORD
from hotspot.contract.message import utc_text
from hotspot.web.failed_jobs import FailedJobsSchema
from hotspot.web.fields import MoneySchema


class _Utc(fields.AwareDateTime):
    """A time as ISO 8601 UTC with `Z`."""

    def _serialize(self, value: object, *_: object, **__: object) -> str | None:
        return None if value is None else utc_text(value)  # type: ignore[arg-type]


class LoginSchema(Schema):
    """Who logs in."""

    email = fields.String(required=True, validate=validate.Length(1, LONGEST_EMAIL))
    password = fields.String(
        required=True, load_only=True, validate=validate.Length(1, LONGEST_PASSWORD)
    )


class RefreshSchema(Schema):
    """The refresh token of the last answer: each is good for one use."""

    refresh_token = fields.String(required=True, validate=validate.Length(1, 200))


class GrantSchema(Schema):
    """An access token and the means to get the next. `expires_in` is seconds."""

    access_token = fields.String(required=True)
    refresh_token = fields.String(required=True)
    expires_in = fields.Integer(required=True)


class ItemSchema(Schema):
    """One line of a timeline."""

    at = _Utc(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(("event", "job")))
    message = fields.String(required=True)
    service = fields.String(required=True)
    attempt = fields.Integer(required=True)
    sent_at = _Utc(required=True)
    queued_ms = fields.Float(required=True, allow_none=True)
    started_at = _Utc(required=True, allow_none=True)
    duration_ms = fields.Float(required=True, allow_none=True)
    outcome = fields.String(required=True)
    error = fields.String(required=True, allow_none=True)
    message_id = fields.UUID(required=True)
    causation_id = fields.UUID(required=True, allow_none=True)


class TraceSchema(Schema):
    """A timeline, by time. `truncated`: there is more than is shown."""

    id = fields.UUID(required=True)
    correlation_id = fields.UUID(required=True)
    items = fields.List(fields.Nested(ItemSchema), required=True)
    truncated = fields.Boolean(required=True)


class StatsSchema(Schema):
    """The figures of one day in Nairobi, as they were at `as_of`."""

    as_of = _Utc(required=True)
    day = fields.Date(required=True)
    payments_requested = fields.Integer(required=True)
    payments_completed = fields.Integer(required=True)
    payments_failed = fields.Integer(required=True)
    revenue = fields.Nested(MoneySchema, required=True)
    users_served = fields.Integer(required=True)
    sessions_started = fields.Integer(required=True)
    sms_sent = fields.Integer(required=True)
    sms_delivered = fields.Integer(required=True)
    sms_failed = fields.Integer(required=True)
    jobs_failed = fields.Integer(required=True)


class QueueSchema(Schema):
    """One queue. `rate`: messages done with per second."""

    name = fields.String(required=True)
    ready = fields.Integer(required=True)
    unacked = fields.Integer(required=True)
    consumers = fields.Integer(required=True)
    rate = fields.Float(required=True)


class QueuesSchema(Schema):
    """All queues on one page."""

    items = fields.List(fields.Nested(QueueSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class MergedFailedJobsSchema(FailedJobsSchema):
    """Failed jobs of all services; `unavailable`: those that did not answer."""

    unavailable = fields.List(fields.String(), required=True)


class OrderedSchema(Schema):
    """The order was sent; a worker of the service carries it out."""

    service = fields.String(required=True)
    dispatched = fields.UUID(required=True, metadata={"description": "the id of the message"})


class AllOrderedSchema(Schema):
    """The orders that were sent, one to each service."""

    items = fields.List(fields.Nested(OrderedSchema), required=True)
