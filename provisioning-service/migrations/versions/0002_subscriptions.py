"""Subscriptions by order, moved and revoked grants, users without a phone."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_UP: tuple[str, ...] = (
    # A voucher from a shop may be used without telling a number.
    "ALTER TABLE hotspot_users ALTER COLUMN phone DROP NOT NULL",
    # A constant default makes the columns without rewriting a large table; it is not needed after.
    """ALTER TABLE grants
        ADD COLUMN kind text NOT NULL DEFAULT 'paid',
        ADD COLUMN revision integer NOT NULL DEFAULT 0,
        ADD COLUMN moved_at timestamptz,
        ADD CONSTRAINT grants_kind CHECK (kind IN ('paid', 'grace'))""",
    "ALTER TABLE grants ALTER COLUMN kind DROP DEFAULT, ALTER COLUMN revision DROP DEFAULT",
    # A subscription may be given grace more than once: that bears its id, not a payment's.
    "ALTER TABLE grants DROP CONSTRAINT grants_payment_id_key",
    "CREATE UNIQUE INDEX grants_paid_once ON grants (payment_id) WHERE kind = 'paid'",
    """ALTER TABLE subscriptions
        ADD COLUMN grace_until timestamptz,
        ADD COLUMN ordered_at timestamptz""",
    # What is in grace already was promised the default of three days.
    """UPDATE subscriptions SET grace_until = paid_until + interval '3 days'
        WHERE state = 'grace'""",
    # Each job reads what is due from the beginning of one of these, however many there are.
    "DROP INDEX subscriptions_due",
    "CREATE INDEX subscriptions_ending ON subscriptions (paid_until) WHERE state = 'active'",
    "CREATE INDEX subscriptions_overdue ON subscriptions (grace_until) WHERE state = 'grace'",
    """CREATE TABLE packages (
        id uuid PRIMARY KEY,
        code text NOT NULL,
        terms jsonb NOT NULL,
        on_sale boolean NOT NULL,
        changed_at timestamptz NOT NULL
    )""",
    """CREATE TABLE taken_back (
        payment_id uuid PRIMARY KEY,
        reason text NOT NULL,
        ended_at timestamptz NOT NULL
    )""",
)
_DOWN: tuple[str, ...] = (
    "DROP TABLE taken_back",
    "DROP TABLE packages",
    "DROP INDEX subscriptions_overdue",
    "DROP INDEX subscriptions_ending",
    "CREATE INDEX subscriptions_due ON subscriptions (state, paid_until)",
    "ALTER TABLE subscriptions DROP COLUMN ordered_at, DROP COLUMN grace_until",
    # What the older version has no room for goes: days of grace, and users without a number.
    "DELETE FROM grants WHERE kind <> 'paid'",
    "DROP INDEX grants_paid_once",
    "ALTER TABLE grants ADD CONSTRAINT grants_payment_id_key UNIQUE (payment_id)",
    """ALTER TABLE grants
        DROP CONSTRAINT grants_kind,
        DROP COLUMN moved_at,
        DROP COLUMN revision,
        DROP COLUMN kind""",
    "DELETE FROM grants WHERE user_id IN (SELECT id FROM hotspot_users WHERE phone IS NULL)",
    "DELETE FROM hotspot_users WHERE phone IS NULL",
    "ALTER TABLE hotspot_users ALTER COLUMN phone SET NOT NULL",
)


def upgrade() -> None:
    """Make all of it."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Undo all of it."""
    for statement in _DOWN:
        op.execute(statement)
