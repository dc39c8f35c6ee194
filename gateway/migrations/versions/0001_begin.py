"""The bus's tables, operators and their logins, the timeline, the dashboard's figures."""

from alembic import op

from hotspot.bus.schema import create_bus_tables_v1, drop_bus_tables_v1

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    """CREATE TABLE operators (
        id uuid NOT NULL PRIMARY KEY,
        email varchar NOT NULL,
        password_hash varchar NOT NULL,
        role varchar NOT NULL
            CONSTRAINT operators_role CHECK (role IN ('viewer', 'support', 'operator', 'owner')),
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL
    )""",
    "CREATE UNIQUE INDEX operators_email ON operators (lower(email))",
    """CREATE TABLE refresh_tokens (
        id uuid NOT NULL PRIMARY KEY,
        family_id uuid NOT NULL,
        operator_id uuid NOT NULL REFERENCES operators (id) ON DELETE CASCADE,
        token_hash bytea NOT NULL,
        issued_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        used_at timestamptz,
        revoked_at timestamptz
    )""",
    "CREATE UNIQUE INDEX refresh_tokens_hash ON refresh_tokens (token_hash)",
    "CREATE INDEX refresh_tokens_family ON refresh_tokens (family_id)",
    "CREATE INDEX refresh_tokens_operator ON refresh_tokens (operator_id)",
    "CREATE INDEX refresh_tokens_expires_at ON refresh_tokens (expires_at)",
    """CREATE TABLE events (
        seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        message_id uuid NOT NULL,
        name varchar NOT NULL,
        service varchar NOT NULL,
        correlation_id uuid NOT NULL,
        causation_id uuid,
        payment_id uuid,
        payload jsonb NOT NULL,
        at timestamptz NOT NULL,
        recorded_at timestamptz NOT NULL DEFAULT now()
    )""",
    "CREATE UNIQUE INDEX events_message_id ON events (message_id)",
    "CREATE INDEX events_correlation_id ON events (correlation_id)",
    "CREATE INDEX events_payment_id ON events (payment_id) WHERE payment_id IS NOT NULL",
    "CREATE INDEX events_at ON events (at)",
    """CREATE TABLE steps (
        message_id uuid NOT NULL,
        service varchar NOT NULL,
        attempt integer NOT NULL,
        started_at timestamptz NOT NULL,
        message varchar NOT NULL,
        correlation_id uuid NOT NULL,
        causation_id uuid,
        sent_at timestamptz NOT NULL,
        duration_ms double precision NOT NULL,
        outcome varchar NOT NULL,
        error varchar,
        PRIMARY KEY (message_id, service, attempt, started_at)
    )""",
    "CREATE INDEX steps_correlation_id ON steps (correlation_id)",
    "CREATE INDEX steps_started_at ON steps (started_at)",
    """CREATE TABLE day_figures (
        day date NOT NULL,
        figure varchar NOT NULL,
        value bigint NOT NULL,
        PRIMARY KEY (day, figure)
    )""",
    """CREATE TABLE dashboard_stats (
        id integer NOT NULL PRIMARY KEY CONSTRAINT dashboard_stats_one_row CHECK (id = 1),
        as_of timestamptz NOT NULL,
        day date NOT NULL,
        figures jsonb NOT NULL
    )""",
    # True as of now: nothing has happened yet.
    "INSERT INTO dashboard_stats"
    " VALUES (1, now(), (now() AT TIME ZONE 'Africa/Nairobi')::date, '{}')",
)


def upgrade() -> None:
    """Make the tables."""
    create_bus_tables_v1(op)  # type: ignore[arg-type]
    for statement in TABLES:
        op.execute(statement)


def downgrade() -> None:
    """Drop them."""
    for table in (
        "dashboard_stats",
        "day_figures",
        "steps",
        "events",
        "refresh_tokens",
        "operators",
    ):
        op.execute(f"DROP TABLE {table}")
    drop_bus_tables_v1(op)  # type: ignore[arg-type]
