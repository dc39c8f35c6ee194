"""Claims by receipt and reversals."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_UP = (
    "ALTER TABLE receipts ADD reversed_at timestamptz",
    """CREATE TABLE claims (
        id uuid PRIMARY KEY,
        -- What the guest's page watches: the payment that has the receipt, or the one to be made
        payment_id uuid NOT NULL,
        receipt text NOT NULL,
        phone text NOT NULL,
        mac text,
        ip text,
        router_id text,
        link_login_only text,
        claimed_at timestamptz NOT NULL,
        answered_at timestamptz,
        -- The payment that the receipt turned out to belong to
        found_payment_id uuid CONSTRAINT claims_found_payment_id_fkey REFERENCES payments (id),
        failure_code text,
        failure_reason text,
        CHECK ((failure_code IS NULL) = (failure_reason IS NULL)),
        CHECK (failure_code IS NULL OR answered_at IS NOT NULL)
    )""",
    "CREATE INDEX claims_payment_id ON claims (payment_id)",
    "CREATE INDEX claims_claimed_at ON claims (claimed_at)",
    """CREATE TRIGGER tell_payment_changed AFTER INSERT OR UPDATE ON claims
        FOR EACH ROW EXECUTE FUNCTION tell_payment_changed()""",
    """CREATE TABLE receipt_questions (
        -- Names the URL of its result
        id uuid PRIMARY KEY,
        -- Who wants to know: a claim's page, or hearsay
        subject uuid NOT NULL,
        receipt text NOT NULL,
        asked_at timestamptz NOT NULL,
        conversation_id text,
        originator_conversation_id text,
        answered_at timestamptz,
        result_code text,
        -- What the result said of the money, to be compared with another question's
        answer text
    )""",
    "CREATE INDEX receipt_questions_subject ON receipt_questions (subject, asked_at)",
    "CREATE INDEX receipt_questions_receipt ON receipt_questions (receipt)",
    "CREATE INDEX receipt_questions_asked_at ON receipt_questions (asked_at)",
    """CREATE TABLE reversals (
        -- Names the URL of its result
        id uuid PRIMARY KEY,
        receipt text NOT NULL
            CONSTRAINT reversals_receipt_fkey REFERENCES receipts (receipt),
        payment_id uuid CONSTRAINT reversals_payment_id_fkey REFERENCES payments (id),
        amount bigint NOT NULL CHECK (amount > 0),
        reason text NOT NULL,
        requested_by text NOT NULL,
        requested_at timestamptz NOT NULL,
        state text NOT NULL CHECK
            (state IN ('asking', 'asked', 'unclear', 'refused', 'failed', 'done')),
        attempt integer NOT NULL,
        asked_at timestamptz,
        conversation_id text,
        originator_conversation_id text,
        finished_at timestamptz,
        result_code text,
        result text
    )""",
    # Asked for once: the last word on it. What failed or is unclear, a person may ask for again.
    """CREATE UNIQUE INDEX reversals_asked_once ON reversals (receipt)
        WHERE state IN ('asking', 'asked', 'done')""",
    "CREATE INDEX reversals_payment_id ON reversals (payment_id, requested_at)",
    """CREATE TRIGGER tell_payment_changed AFTER INSERT OR UPDATE ON reversals
        FOR EACH ROW EXECUTE FUNCTION tell_payment_changed()""",
)
_DOWN = (
    "DROP TABLE reversals",
    "DROP TABLE receipt_questions",
    "DROP TABLE claims",
    "ALTER TABLE receipts DROP reversed_at",
)


def upgrade() -> None:
    """Make all of it."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Undo all of it."""
    for statement in _DOWN:
        op.execute(statement)
