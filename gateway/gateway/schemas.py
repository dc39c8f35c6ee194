"""HTTP bodies of the gateway's own routes."""

from marshmallow import Schema, fields, validate

from hotspot.contract.message import utc_text
from hotspot.web.failed_jobs import FailedJobsSchema
from hotspot.web.fields import MoneySchema


class Utc(fields.AwareDateTime):
    """A time as ISO 8601 UTC with `Z`."""

    def _serialize(self, value: object, *_: object, **__: object) -> str | None:
        return None if value is None else utc_text(value)  # type: ignore[arg-type]


class ItemSchema(Schema):
    """One line of a timeline."""

    at = Utc(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(("event", "job")))
    message = fields.String(required=True)
    service = fields.String(required=True)
    attempt = fields.Integer(required=True)
    sent_at = Utc(required=True)
    queued_ms = fields.Float(required=True, allow_none=True)
    started_at = Utc(required=True, allow_none=True)
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


class PromiseSchema(Schema):
    """How often a promise was broken at `as_of`; `since`: the oldest case."""

    broken = fields.Integer(required=True)
    as_of = Utc(required=True)
    since = Utc(required=True, allow_none=True)


class PromisesSchema(Schema):
    """Null: never counted yet."""

    money_without_service = fields.Nested(PromiseSchema, required=True, allow_none=True)
    service_without_time = fields.Nested(PromiseSchema, required=True, allow_none=True)


class DaySchema(Schema):
    """The figures of one day that charts are drawn of."""

    day = fields.Date(required=True)
    revenue = fields.Nested(MoneySchema, required=True)
    payments_completed = fields.Integer(required=True)
    payments_failed = fields.Integer(required=True)
    sessions_started = fields.Integer(required=True)


class RouterDaySchema(Schema):
    """Today at one router. `router`: its id as guests' pages told it, or its NAS address."""

    router = fields.String(required=True)
    revenue = fields.Nested(MoneySchema, required=True)
    payments_completed = fields.Integer(required=True)
    sessions_started = fields.Integer(required=True)


class RaisedAlarmSchema(Schema):
    """Something that needs a person's eyes, and is not over."""

    service = fields.String(required=True)
    alarm = fields.String(required=True)
    subject = fields.String(required=True)
    said = fields.String(required=True)
    raised_at = Utc(required=True)


class StatsSchema(Schema):
    """The figures of one day in Nairobi, as they were at `as_of`.

    The two promises are as their services counted them last, at the `as_of` of each.
    """

    as_of = Utc(required=True)
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
    payments_reversed = fields.Integer(required=True)
    sent_back = fields.Nested(MoneySchema, required=True)
    guests_online = fields.Integer(required=True)
    days = fields.List(
        fields.Nested(DaySchema), required=True, metadata={"description": "30, oldest first"}
    )
    routers = fields.List(fields.Nested(RouterDaySchema), required=True)
    alarms = fields.List(fields.Nested(RaisedAlarmSchema), required=True)
    money_without_service = fields.Integer(required=True, allow_none=True)
    service_without_time = fields.Integer(required=True, allow_none=True)
    promises = fields.Nested(PromisesSchema, required=True)


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
