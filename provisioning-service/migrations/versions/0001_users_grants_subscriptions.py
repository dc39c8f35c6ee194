"""Hotspot users, grants and subscriptions."""

from alembic import op

from hotspot.bus.schema import create_bus_tables_v1, drop_bus_tables_v1

revision = "0001"
down_revision = None

_TABLES = (
    """CREATE TABLE hotspot_users (
        id uuid PRIMARY KEY,
        phone text NOT NULL UNIQUE,
        username text NOT NULL UNIQUE,
        sealed_password text NOT NULL,
        created_at timestamptz NOT NULL
    )""",
    """CREATE TABLE grants (
        id uuid PRIMARY KEY,
        user_id uuid NOT NULL REFERENCES hotspot_users (id),
        payment_id uuid NOT NULL UNIQUE,
        package jsonb NOT NULL,
        receipt text,
        paid_at timestamptz NOT NULL,
        mac text,
        router_id text,
        starts_at timestamptz NOT NULL,
        ends_at timestamptz NOT NULL,
        data_bytes bigint,
        state text NOT NULL,
        created_at timestamptz NOT NULL,
        ready_at timestamptz,
        ended_at timestamptz,
        CONSTRAINT grants_state CHECK (state IN ('authorizing', 'ready')),
        CONSTRAINT grants_run_forward CHECK (ends_at > starts_at)
    )""",
    "CREATE INDEX grants_of_user ON grants (user_id, ends_at)",
    """CREATE TABLE subscriptions (
        id uuid PRIMARY KEY,
        user_id uuid NOT NULL UNIQUE REFERENCES hotspot_users (id),
        package jsonb NOT NULL,
        state text NOT NULL,
        paid_until timestamptz NOT NULL,
        created_at timestamptz NOT NULL,
        changed_at timestamptz NOT NULL,
        CONSTRAINT subscriptions_state CHECK (state IN ('active', 'grace', 'suspended'))
    )""",
    "CREATE INDEX subscriptions_due ON subscriptions (state, paid_until)",
)


def upgrade() -> None:
    """Make the tables."""
    create_bus_tables_v1(op)  # type: ignore[arg-type]
    for statement in _TABLES:
        op.execute(statement)


def downgrade() -> None:
    """Drop the tables."""
    for table in ("subscriptions", "grants", "hotspot_users"):
        op.execute(f"DROP TABLE {table}")
    drop_bus_tables_v1(op)  # type: ignore[arg-type]
