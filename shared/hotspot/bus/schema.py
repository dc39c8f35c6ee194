"""The bus's tables for migrations, one function a version: migrations must not change with code."""

from alembic.operations import Operations

_V1 = (
    """CREATE TABLE inbox (
        message_id uuid NOT NULL,
        queue text NOT NULL,
        handled_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (message_id, queue)
    )""",
    "CREATE INDEX inbox_handled_at ON inbox (handled_at)",
    """CREATE TABLE outbox (
        message_id uuid NOT NULL PRIMARY KEY,
        exchange text NOT NULL,
        routing_key text NOT NULL,
        name text NOT NULL,
        version integer NOT NULL,
        correlation_id uuid NOT NULL,
        causation_id uuid,
        sender text NOT NULL,
        sent_at timestamptz NOT NULL,
        was_failed boolean NOT NULL DEFAULT false,
        body bytea NOT NULL,
        recorded_at timestamptz NOT NULL DEFAULT now()
    )""",
    "CREATE INDEX outbox_recorded_at ON outbox (recorded_at)",
    """CREATE TABLE failed_jobs (
        message_id uuid NOT NULL PRIMARY KEY,
        queue text NOT NULL,
        name text NOT NULL,
        version integer NOT NULL,
        correlation_id uuid NOT NULL,
        causation_id uuid,
        sender text NOT NULL,
        sent_at timestamptz NOT NULL,
        body bytea NOT NULL,
        reason text NOT NULL,
        exception text NOT NULL,
        traceback text NOT NULL,
        attempts integer NOT NULL,
        failures integer NOT NULL DEFAULT 1,
        first_failed_at timestamptz NOT NULL,
        last_failed_at timestamptz NOT NULL,
        retried_at timestamptz
    )""",
    "CREATE INDEX failed_jobs_last_failed_at ON failed_jobs (last_failed_at, message_id)",
    """CREATE TABLE restarts (
        message_id uuid NOT NULL,
        queue text NOT NULL,
        begun integer NOT NULL DEFAULT 1,
        last_begun_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (message_id, queue)
    )""",
    # A queue-like table: vacuum it by the rows that pass through, not by its (small) size.
    "ALTER TABLE outbox SET"
    " (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000)",
)


def create_bus_tables_v1(op: Operations) -> None:
    """Inbox, outbox, failed jobs and restarts."""
    for statement in _V1:
        op.execute(statement)


def drop_bus_tables_v1(op: Operations) -> None:
    """Undo create_bus_tables_v1."""
    for table in ("restarts", "failed_jobs", "outbox", "inbox"):
        op.execute(f"DROP TABLE {table}")
