"""HTTP queries and bodies."""

from datetime import UTC

from marshmallow import Schema, fields, validate

LONGEST_STEP = 24 * 3600


class RunSchema(Schema):
    """The last time a job was due: `published_at` is null while the broker has not confirmed it."""

    due_at = fields.String(required=True)
    published_at = fields.String(required=True, allow_none=True)
    by = fields.String(required=True, metadata={"description": "the scheduler that acted"})


class ScheduleSchema(Schema):
    """A job, and when it is due. `daily_at` is on the clocks of `timezone`."""

    job = fields.String(required=True)
    does = fields.String(required=True)
    period_seconds = fields.Integer(required=True)
    daily_at = fields.String(required=True, allow_none=True, metadata={"example": "03:00"})
    timezone = fields.String(required=True, allow_none=True)
    last_run = fields.Nested(RunSchema, required=True, allow_none=True)
    next_run_at = fields.String(required=True, allow_none=True)


class SchedulesSchema(Schema):
    """The whole schedule."""

    items = fields.List(fields.Nested(ScheduleSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class JobSentSchema(Schema):
    """The job was sent."""

    job = fields.String(required=True)
    dispatched = fields.UUID(required=True, metadata={"description": "the id of the message"})


class MetricsQuery(Schema):
    """Which figure, from when on (by default: 3 hours), in steps of how many seconds."""

    name = fields.String(
        required=True,
        validate=validate.Regexp(r"[A-Za-z0-9_.-]{1,200}\Z"),
        metadata={"example": "queue.payments.ready"},
    )
    since = fields.AwareDateTime(default_timezone=UTC)
    step = fields.Integer(
        strict=False, load_default=60, validate=validate.Range(min=60, max=LONGEST_STEP)
    )


class PointSchema(Schema):
    """A figure over one step."""

    at = fields.String(required=True)
    avg = fields.Float(required=True)
    max = fields.Float(required=True)


class SeriesSchema(Schema):
    """A figure over time, oldest first; steps in which nothing was measured are left out."""

    name = fields.String(required=True)
    step = fields.Integer(required=True)
    items = fields.List(fields.Nested(PointSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class AlarmSchema(Schema):
    """A threshold that is passed."""

    alarm = fields.String(required=True)
    subject = fields.String(required=True)
    said = fields.String(required=True)
    raised_at = fields.String(required=True)


class FigureSchema(Schema):
    """A figure as it was measured last."""

    name = fields.String(required=True)
    value = fields.Float(required=True)


class LatestSchema(Schema):
    """All figures at `at` (null: nothing was measured yet), and what is wrong."""

    at = fields.String(required=True, allow_none=True)
    items = fields.List(fields.Nested(FigureSchema), required=True)
    alarms = fields.List(fields.Nested(AlarmSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class MaintenanceSchema(Schema):
    """What one service did: rows forgotten by table, or log files rotated."""

    id = fields.UUID(required=True)
    service = fields.String(required=True)
    what = fields.String(required=True)
    begun_at = fields.String(required=True)
    ended_at = fields.String(required=True)
    done = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    problem = fields.String(required=True, allow_none=True)


class MaintenancesSchema(Schema):
    """A page of maintenance."""

    items = fields.List(fields.Nested(MaintenanceSchema), required=True)
    next = fields.String(required=True, allow_none=True)
