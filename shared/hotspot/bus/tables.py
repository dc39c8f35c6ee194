"""The bus's own tables, in each service's database: inbox, outbox, failed jobs, restarts."""

from sqlalchemy import (
    TIMESTAMP,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    func,
)

bus_metadata = MetaData()
_WHEN = TIMESTAMP(timezone=True)

# What was handled, by which queue: the second run of a message is a no-op.
inbox = Table(
    "inbox",
    bus_metadata,
    Column("message_id", Uuid, primary_key=True),
    Column("queue", Text, primary_key=True),
    Column("handled_at", _WHEN, nullable=False, server_default=func.now()),
    Index("inbox_handled_at", "handled_at"),
)

# What was decided but may not have reached the broker yet. Rows leave once they are confirmed.
outbox = Table(
    "outbox",
    bus_metadata,
    Column("message_id", Uuid, primary_key=True),
    Column("exchange", Text, nullable=False),
    Column("routing_key", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("correlation_id", Uuid, nullable=False),
    Column("causation_id", Uuid),
    Column("sender", Text, nullable=False),
    Column("sent_at", _WHEN, nullable=False),
    Column("was_failed", Boolean, nullable=False, server_default="false"),
    Column("body", LargeBinary, nullable=False),
    Column("recorded_at", _WHEN, nullable=False, server_default=func.now()),
    Index("outbox_recorded_at", "recorded_at"),
)

# Given up, with everything needed to understand it and to send it again. One row a message.
failed_jobs = Table(
    "failed_jobs",
    bus_metadata,
    Column("message_id", Uuid, primary_key=True),
    Column("queue", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("correlation_id", Uuid, nullable=False),
    Column("causation_id", Uuid),
    Column("sender", Text, nullable=False),
    Column("sent_at", _WHEN, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("reason", Text, nullable=False),
    Column("exception", Text, nullable=False),
    Column("traceback", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("failures", Integer, nullable=False, server_default="1"),
    Column("first_failed_at", _WHEN, nullable=False),
    Column("last_failed_at", _WHEN, nullable=False),
    Column("retried_at", _WHEN),
    Index("failed_jobs_last_failed_at", "last_failed_at", "message_id"),
)

# How often a redelivered message was begun: counts what code cannot count, a worker that dies.
restarts = Table(
    "restarts",
    bus_metadata,
    Column("message_id", Uuid, primary_key=True),
    Column("queue", Text, primary_key=True),
    Column("begun", Integer, nullable=False, server_default="1"),
    Column("last_begun_at", _WHEN, nullable=False, server_default=func.now()),
)
