"""Packages, payments, receipts, vouchers, access and M-Pesa's messages."""

from alembic import op

from hotspot.bus.schema import create_bus_tables_v1, drop_bus_tables_v1

revision = "0001"
down_revision = None

_TABLES = (
    """CREATE TABLE packages (
        id uuid PRIMARY KEY,
        code text NOT NULL CONSTRAINT packages_code_key UNIQUE,
        name text NOT NULL,
        kind text NOT NULL CHECK (kind IN ('hotspot', 'subscription')),
        -- M-Pesa takes whole shillings only
        price bigint NOT NULL CHECK (price > 0 AND price % 100 = 0),
        duration_seconds integer NOT NULL CHECK (duration_seconds > 0),
        down_kbps integer NOT NULL CHECK (down_kbps > 0),
        up_kbps integer NOT NULL CHECK (up_kbps > 0),
        data_bytes bigint CHECK (data_bytes > 0),
        devices integer NOT NULL CHECK (devices > 0),
        on_sale boolean NOT NULL,
        created_at timestamptz NOT NULL
    )""",
    "CREATE INDEX packages_on_sale ON packages (price, id) WHERE on_sale",
    """CREATE TABLE payments (
        id uuid PRIMARY KEY,
        status text NOT NULL
            CHECK (status IN ('pending', 'completed', 'failed', 'cancelled', 'expired')),
        phone text NOT NULL,
        package jsonb NOT NULL,
        price bigint NOT NULL CHECK (price > 0),
        mac text,
        ip text,
        router_id text,
        link_login_only text,
        idempotency_key text CONSTRAINT payments_idempotency_key_key UNIQUE,
        requested_at timestamptz NOT NULL,
        prompt_state text NOT NULL
            CHECK (prompt_state IN ('waiting', 'prompting', 'prompted', 'refused', 'unclear')),
        prompt_attempt integer NOT NULL,
        prompted_at timestamptz,
        checkout_request_id text,
        merchant_request_id text,
        receipt text CONSTRAINT payments_receipt_key UNIQUE,
        paid_amount bigint,
        paid_at timestamptz,
        completed_at timestamptz,
        confirmed_by text,
        failure_code text,
        failure_reason text,
        failed_at timestamptz,
        needs_attention text,
        CHECK ((status = 'completed') = (completed_at IS NOT NULL))
    )""",
    "CREATE INDEX payments_requested_at ON payments (requested_at, id)",
    "CREATE INDEX payments_phone ON payments (phone, requested_at)",
    "CREATE INDEX payments_checkout_request_id ON payments (checkout_request_id)",
    "CREATE INDEX payments_pending ON payments (requested_at) WHERE status = 'pending'",
    """CREATE INDEX payments_needs_attention ON payments (requested_at)
        WHERE needs_attention IS NOT NULL""",
    """CREATE TABLE receipts (
        receipt text PRIMARY KEY,
        payment_id uuid REFERENCES payments (id),
        amount bigint,
        source text NOT NULL,
        paid_at timestamptz,
        recorded_at timestamptz NOT NULL,
        held text
    )""",
    "CREATE INDEX receipts_payment_id ON receipts (payment_id)",
    "CREATE INDEX receipts_held ON receipts (recorded_at) WHERE held IS NOT NULL",
    """CREATE TABLE vouchers (
        id uuid PRIMARY KEY,
        code text NOT NULL CONSTRAINT vouchers_code_key UNIQUE,
        payment_id uuid CONSTRAINT vouchers_payment_id_key UNIQUE REFERENCES payments (id),
        package jsonb NOT NULL,
        issued_at timestamptz NOT NULL
    )""",
    """CREATE TABLE access (
        payment_id uuid PRIMARY KEY REFERENCES payments (id),
        state text NOT NULL CHECK (state IN ('provisioning', 'ready', 'online', 'ended')),
        user_id uuid,
        grant_id uuid,
        username text,
        sealed_password text,
        until timestamptz,
        changed_at timestamptz NOT NULL
    )""",
    """CREATE TABLE access_sessions (
        session_id uuid PRIMARY KEY,
        payment_id uuid NOT NULL REFERENCES access (payment_id),
        started_at timestamptz,
        ended_at timestamptz
    )""",
    "CREATE INDEX access_sessions_payment_id ON access_sessions (payment_id)",
    """CREATE TABLE mpesa_messages (
        id uuid PRIMARY KEY,
        kind text NOT NULL,
        payment_id uuid,
        body text NOT NULL,
        source_address text,
        received_at timestamptz NOT NULL,
        result_code text,
        problem text
    )""",
    "CREATE INDEX mpesa_messages_payment_id ON mpesa_messages (payment_id)",
    """CREATE INDEX mpesa_messages_problem ON mpesa_messages (received_at)
        WHERE problem IS NOT NULL""",
)

# Live pages listen for these. A trigger cannot be forgotten by a handler, and costs no round trip.
_TRIGGERS = (
    """CREATE FUNCTION tell_payment_changed() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_TABLE_NAME = 'payments' THEN
            PERFORM pg_notify('payment_changed', CAST(NEW.id AS text));
        ELSIF NEW.payment_id IS NOT NULL THEN
            PERFORM pg_notify('payment_changed', CAST(NEW.payment_id AS text));
        END IF;
        RETURN NULL;
    END $$""",
    *(
        f"""CREATE TRIGGER tell_payment_changed AFTER INSERT OR UPDATE ON {table}
        FOR EACH ROW EXECUTE FUNCTION tell_payment_changed()"""
        for table in ("payments", "vouchers", "access")
    ),
)


def upgrade() -> None:
    """Create everything."""
    create_bus_tables_v1(op)  # type: ignore[arg-type]
    for statement in (*_TABLES, *_TRIGGERS):
        op.execute(statement)


def downgrade() -> None:
    """Drop everything."""
    for table in (
        "mpesa_messages",
        "access_sessions",
        "access",
        "vouchers",
        "receipts",
        "payments",
        "packages",
    ):
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP FUNCTION tell_payment_changed()")
    drop_bus_tables_v1(op)  # type: ignore[arg-type]
