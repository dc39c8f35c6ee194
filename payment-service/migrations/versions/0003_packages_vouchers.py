"""Packages that change, vouchers in batches."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_UP = (
    # The newest change counts, in whatever order the changes arrive.
    "ALTER TABLE packages ADD changed_at timestamptz",
    "UPDATE packages SET changed_at = created_at",
    "ALTER TABLE packages ALTER changed_at SET NOT NULL",
    """CREATE TABLE voucher_batches (
        id uuid PRIMARY KEY,
        number integer GENERATED ALWAYS AS IDENTITY
            CONSTRAINT voucher_batches_number_key UNIQUE,
        package jsonb NOT NULL,
        count integer NOT NULL CHECK (count > 0),
        made integer NOT NULL CHECK (made BETWEEN 0 AND count),
        expires_at timestamptz,
        requested_by text NOT NULL,
        requested_at timestamptz NOT NULL,
        finished_at timestamptz,
        cancelled_at timestamptz,
        cancelled_by text,
        CHECK ((finished_at IS NOT NULL) = (made = count))
    )""",
    """ALTER TABLE vouchers
        ADD batch_id uuid CONSTRAINT vouchers_batch_id_fkey REFERENCES voucher_batches (id),
        ADD serial integer CHECK (serial > 0),
        ADD expires_at timestamptz,
        ADD redeemed_at timestamptz,
        ADD redeemed_payment_id uuid
            CONSTRAINT vouchers_redeemed_payment_id_fkey REFERENCES payments (id),
        ADD cancelled_at timestamptz,
        ADD cancelled_by text,
        ADD CONSTRAINT vouchers_batch_id_serial_key UNIQUE (batch_id, serial),
        -- Either the proof of a payment, or one of a batch
        ADD CONSTRAINT vouchers_origin CHECK ((payment_id IS NULL) <> (batch_id IS NULL)),
        ADD CONSTRAINT vouchers_serial CHECK ((batch_id IS NULL) = (serial IS NULL)),
        ADD CONSTRAINT vouchers_redeemed
            CHECK ((redeemed_at IS NULL) = (redeemed_payment_id IS NULL))""",
    """CREATE INDEX vouchers_redeemed_payment_id ON vouchers (redeemed_payment_id)
        WHERE redeemed_payment_id IS NOT NULL""",
    # The device that an access was moved to
    "ALTER TABLE access ADD mac text, ADD link_login_only text",
    "ALTER TABLE payments ALTER phone DROP NOT NULL",
    "ALTER TABLE payments ADD voucher_id uuid",
    """ALTER TABLE payments
        ADD CONSTRAINT payments_voucher_id_fkey FOREIGN KEY (voucher_id) REFERENCES vouchers (id),
        ADD CONSTRAINT payments_known_by CHECK (phone IS NOT NULL OR voucher_id IS NOT NULL)""",
    # A voucher of a batch gives access once: the last word on it.
    """CREATE UNIQUE INDEX payments_voucher_redeemed_once ON payments (voucher_id)
        WHERE status = 'completed'""",
)
_DOWN = (
    "DROP INDEX payments_voucher_redeemed_once",
    # What was redeemed is no payment, and cannot stay where there is no such thing.
    "UPDATE vouchers SET redeemed_at = NULL, redeemed_payment_id = NULL",
    """DELETE FROM access_sessions WHERE payment_id IN
        (SELECT id FROM payments WHERE voucher_id IS NOT NULL)""",
    """DELETE FROM access WHERE payment_id IN
        (SELECT id FROM payments WHERE voucher_id IS NOT NULL)""",
    "DELETE FROM payments WHERE voucher_id IS NOT NULL",
    "ALTER TABLE payments DROP voucher_id, ALTER phone SET NOT NULL",
    "ALTER TABLE access DROP mac, DROP link_login_only",
    "DELETE FROM vouchers WHERE batch_id IS NOT NULL",
    """ALTER TABLE vouchers
        DROP batch_id, DROP serial, DROP expires_at, DROP redeemed_at, DROP redeemed_payment_id,
        DROP cancelled_at, DROP cancelled_by""",
    "DROP TABLE voucher_batches",
    "ALTER TABLE packages DROP changed_at",
)


def upgrade() -> None:
    """Make all of it."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Undo all of it."""
    for statement in _DOWN:
        op.execute(statement)
