"""Provisioning runs, what differs, what is sold, and how routers have been."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_UP = (
    """ALTER TABLE routers
        ADD COLUMN site jsonb NOT NULL DEFAULT '{}',
        ADD COLUMN missed_checks integer NOT NULL DEFAULT 0,
        ADD COLUMN checked_at timestamptz,
        ADD COLUMN status_changed_at timestamptz""",
    """CREATE TABLE provisioning_runs (
        id uuid PRIMARY KEY,
        router_id uuid NOT NULL REFERENCES routers (id) ON DELETE CASCADE,
        state text NOT NULL,
        changes integer NOT NULL DEFAULT 0,
        reason text,
        requested_at timestamptz NOT NULL,
        ordered_at timestamptz NOT NULL,
        finished_at timestamptz,
        CONSTRAINT provisioning_runs_state
            CHECK (state IN ('running', 'waiting', 'done', 'failed'))
    )""",
    "CREATE INDEX provisioning_runs_router ON provisioning_runs (router_id, id)",
    "CREATE INDEX provisioning_runs_finished ON provisioning_runs (finished_at)",
    # Two runs at once on one router would undo each other's work.
    """CREATE UNIQUE INDEX provisioning_runs_one_at_a_time ON provisioning_runs (router_id)
        WHERE state IN ('running', 'waiting')""",
    """CREATE TABLE provisioning_steps (
        run_id uuid NOT NULL REFERENCES provisioning_runs (id) ON DELETE CASCADE,
        position integer NOT NULL,
        name text NOT NULL,
        state text NOT NULL,
        changes jsonb NOT NULL DEFAULT '[]',
        reason text,
        started_at timestamptz,
        finished_at timestamptz,
        PRIMARY KEY (run_id, position),
        CONSTRAINT provisioning_steps_state
            CHECK (state IN ('waiting', 'running', 'done', 'failed'))
    )""",
    """CREATE TABLE drifts (
        router_id uuid PRIMARY KEY REFERENCES routers (id) ON DELETE CASCADE,
        checked_at timestamptz NOT NULL,
        changes jsonb NOT NULL,
        reason text
    )""",
    """CREATE TABLE packages (
        code text PRIMARY KEY,
        up_kbps integer NOT NULL,
        down_kbps integer NOT NULL,
        devices integer NOT NULL,
        on_sale boolean NOT NULL,
        changed_at timestamptz NOT NULL
    )""",
    """CREATE TABLE samples (
        router_id uuid NOT NULL REFERENCES routers (id) ON DELETE CASCADE,
        at timestamptz NOT NULL,
        reached boolean NOT NULL,
        uptime_seconds bigint,
        cpu_percent integer,
        memory_percent integer,
        active_guests integer,
        PRIMARY KEY (router_id, at)
    )""",
    "CREATE INDEX samples_at ON samples (at)",
    """CREATE TABLE sales (
        router_id uuid NOT NULL,
        hour timestamptz NOT NULL,
        sold integer NOT NULL,
        PRIMARY KEY (router_id, hour)
    )""",
    "CREATE INDEX sales_hour ON sales (hour)",
    """CREATE TABLE alarms (
        alarm text NOT NULL,
        router_id uuid NOT NULL REFERENCES routers (id) ON DELETE CASCADE,
        raised_at timestamptz NOT NULL,
        PRIMARY KEY (alarm, router_id)
    )""",
)


def upgrade() -> None:
    """Make all of it."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Undo all of it."""
    for table in (
        "alarms",
        "sales",
        "samples",
        "packages",
        "drifts",
        "provisioning_steps",
        "provisioning_runs",
    ):
        op.execute(f"DROP TABLE {table}")
    op.execute(
        """ALTER TABLE routers DROP COLUMN site, DROP COLUMN missed_checks,
            DROP COLUMN checked_at, DROP COLUMN status_changed_at"""
    )
