"""Routers and the versions of their configuration."""

from alembic import op

from hotspot.bus.schema import create_bus_tables_v1, drop_bus_tables_v1

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = (
    """CREATE TABLE routers (
        id uuid PRIMARY KEY,
        number integer GENERATED ALWAYS AS IDENTITY,
        name text NOT NULL,
        ip_address text NOT NULL,
        username text NOT NULL,
        sealed_password text NOT NULL,
        api_port integer NOT NULL,
        api_tls boolean NOT NULL,
        sealed_radius_secret text NOT NULL,
        status text NOT NULL,
        identity text,
        version text,
        model text,
        public_key text,
        connected_at timestamptz,
        created_at timestamptz NOT NULL,
        changed_at timestamptz NOT NULL,
        CONSTRAINT routers_name_key UNIQUE (name),
        CONSTRAINT routers_number_key UNIQUE (number),
        CONSTRAINT routers_status
            CHECK (status IN ('pending', 'online', 'offline', 'provisioning', 'failed'))
    )""",
    """CREATE TABLE backups (
        id uuid PRIMARY KEY,
        router_id uuid NOT NULL REFERENCES routers (id) ON DELETE CASCADE,
        version integer NOT NULL,
        sealed_text text NOT NULL,
        digest text NOT NULL,
        lines integer NOT NULL,
        taken_at timestamptz NOT NULL,
        seen_at timestamptz NOT NULL,
        CONSTRAINT backups_router_id_version_key UNIQUE (router_id, version)
    )""",
)


def upgrade() -> None:
    """Make all of it."""
    create_bus_tables_v1(op)  # type: ignore[arg-type]  # alembic's module stands for Operations
    for statement in _TABLES:
        op.execute(statement)


def downgrade() -> None:
    """Drop all of it."""
    for table in ("backups", "routers"):
        op.execute(f"DROP TABLE {table}")
    drop_bus_tables_v1(op)  # type: ignore[arg-type]
