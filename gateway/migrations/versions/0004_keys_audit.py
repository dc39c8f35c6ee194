"""API keys, and the record of who did what."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = (
    """CREATE TABLE api_keys (
        id uuid NOT NULL PRIMARY KEY,
        name varchar NOT NULL,
        role varchar NOT NULL
            CONSTRAINT api_keys_role CHECK (role IN ('viewer', 'support', 'operator', 'owner')),
        key_hash bytea NOT NULL,
        hint varchar NOT NULL,
        created_by varchar NOT NULL,
        created_at timestamptz NOT NULL,
        last_used_at timestamptz,
        revoked_at timestamptz
    )""",
    "CREATE UNIQUE INDEX api_keys_hash ON api_keys (key_hash)",
    """CREATE TABLE audit (
        id uuid NOT NULL PRIMARY KEY,
        at timestamptz NOT NULL,
        actor varchar NOT NULL,
        name varchar,
        role varchar NOT NULL,
        method varchar NOT NULL,
        route varchar NOT NULL,
        object_id varchar,
        status integer NOT NULL,
        request_id varchar NOT NULL,
        address varchar NOT NULL
    )""",
    "CREATE INDEX audit_at ON audit (at)",
    "CREATE INDEX audit_actor ON audit (actor, id)",
    "CREATE INDEX audit_object_id ON audit (object_id, id) WHERE object_id IS NOT NULL",
)


def upgrade() -> None:
    """Make the tables."""
    for statement in TABLES:
        op.execute(statement)


def downgrade() -> None:
    """Drop them."""
    op.execute("DROP TABLE audit")
    op.execute("DROP TABLE api_keys")
