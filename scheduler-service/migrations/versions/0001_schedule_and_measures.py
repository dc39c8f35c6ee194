"""The schedule and its runs, measurements, alarms, maintenance."""

from alembic import op

from hotspot.bus.schema import create_bus_tables_v1, drop_bus_tables_v1

revision = "0001"
down_revision = None

_TABLES = (
    """CREATE TABLE apscheduler_jobs (
        id varchar(191) PRIMARY KEY,
        next_run_time double precision,
        job_state bytea NOT NULL
    )""",
    "CREATE INDEX ix_apscheduler_jobs_next_run_time ON apscheduler_jobs (next_run_time)",
    """CREATE TABLE runs (
        message_id uuid PRIMARY KEY,
        job text NOT NULL,
        due_at timestamptz NOT NULL,
        recorded_at timestamptz NOT NULL,
        recorded_by text NOT NULL,
        published_at timestamptz,
        superseded boolean NOT NULL DEFAULT false,
        CONSTRAINT runs_job_due_at_key UNIQUE (job, due_at)
    )""",
    "CREATE INDEX runs_recorded_at ON runs (recorded_at)",
    "CREATE INDEX runs_to_publish ON runs (job) WHERE published_at IS NULL AND NOT superseded",
    """CREATE TABLE service_measures (
        service text PRIMARY KEY,
        database_bytes bigint NOT NULL,
        outbox bigint NOT NULL,
        oldest_outbox_at timestamptz,
        failed_jobs bigint NOT NULL,
        spool bigint,
        spool_most bigint,
        measured_at timestamptz NOT NULL
    )""",
    "CREATE TABLE snapshots (at timestamptz PRIMARY KEY, figures jsonb NOT NULL)",
    "CREATE TABLE quarters (at timestamptz PRIMARY KEY, figures jsonb NOT NULL)",
    """CREATE TABLE queue_marks (
        queue text PRIMARY KEY,
        at timestamptz NOT NULL,
        depth bigint NOT NULL,
        acked bigint NOT NULL
    )""",
    """CREATE TABLE alarms (
        alarm text NOT NULL,
        subject text NOT NULL,
        checks integer NOT NULL,
        said text NOT NULL,
        raised_at timestamptz,
        PRIMARY KEY (alarm, subject)
    )""",
    """CREATE TABLE maintenance (
        id uuid PRIMARY KEY,
        service text NOT NULL,
        what text NOT NULL,
        begun_at timestamptz NOT NULL,
        ended_at timestamptz NOT NULL,
        done jsonb NOT NULL,
        problem text
    )""",
    "CREATE INDEX maintenance_ended_at ON maintenance (ended_at)",
)


def upgrade() -> None:
    """Make the tables."""
    create_bus_tables_v1(op)  # type: ignore[arg-type]
    for statement in _TABLES:
        op.execute(statement)


def downgrade() -> None:
    """Drop the tables."""
    for table in (
        "maintenance",
        "alarms",
        "queue_marks",
        "quarters",
        "snapshots",
        "service_measures",
        "runs",
        "apscheduler_jobs",
    ):
        op.execute(f"DROP TABLE {table}")
    drop_bus_tables_v1(op)  # type: ignore[arg-type]
