"""Payments from every source: settlement, C2B, reconciliation."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_UP = (
    """ALTER TABLE payments
        -- How it began: a prompt, or money that came by itself
        ADD source text NOT NULL DEFAULT 'prompt'
            CONSTRAINT payments_source_check
            CHECK (source IN ('prompt', 'c2b', 'claim', 'statement', 'voucher')),
        ADD reversed_at timestamptz,
        -- How often M-Pesa was asked about it, when last, and when the next question should come
        ADD asks integer NOT NULL DEFAULT 0,
        ADD asked_at timestamptz,
        ADD next_ask_at timestamptz,
        DROP CONSTRAINT payments_prompt_state_check,
        ADD CONSTRAINT payments_prompt_state_check CHECK (prompt_state IN
            ('none', 'waiting', 'prompting', 'prompted', 'refused', 'unclear'))""",
    # AccountReference (`prompting.reference_of`), and the number as C2B v1 hashes it
    "CREATE INDEX payments_reference ON payments (right(CAST(id AS text), 12))",
    """CREATE INDEX payments_phone_hash
        ON payments (encode(sha256(decode(phone, 'escape')), 'hex'))""",
    """ALTER TABLE receipts
        ADD id uuid NOT NULL DEFAULT gen_random_uuid() CONSTRAINT receipts_id_key UNIQUE,
        -- What of the amount bought nothing, in cents
        ADD left_over bigint NOT NULL DEFAULT 0 CHECK (left_over >= 0),
        -- Who paid, as M-Pesa told it: a number in the clear, hashed or masked; a name
        ADD payer text,
        ADD payer_name text,
        -- What the payer typed as account number
        ADD reference text""",
    # What a message from an unknown source says of money. It is nobody's until M-Pesa confirms it.
    """CREATE TABLE hearsay (
        id uuid PRIMARY KEY,
        kind text NOT NULL CHECK (kind IN ('stk_callback', 'c2b_confirmation')),
        payment_id uuid REFERENCES payments (id),
        checkout_request_id text,
        receipt text NOT NULL,
        amount bigint NOT NULL,
        paid_at timestamptz,
        payer text,
        payer_name text,
        reference text,
        source_address text NOT NULL,
        heard_at timestamptz NOT NULL,
        answered_at timestamptz,
        answer text,
        CHECK ((answered_at IS NULL) = (answer IS NULL))
    )""",
    "CREATE INDEX hearsay_payment_id ON hearsay (payment_id)",
    "CREATE INDEX hearsay_receipt ON hearsay (receipt)",
    "CREATE INDEX hearsay_heard_at ON hearsay (heard_at)",
    "CREATE INDEX hearsay_open ON hearsay (heard_at) WHERE answered_at IS NULL",
    # Told by provisioning-service (SubscriptionChanged)
    """CREATE TABLE subscriptions (
        id uuid PRIMARY KEY,
        phone text NOT NULL,
        package_id uuid NOT NULL,
        state text NOT NULL CHECK (state IN ('active', 'grace', 'suspended')),
        paid_until timestamptz NOT NULL,
        changed_at timestamptz NOT NULL
    )""",
    "CREATE INDEX subscriptions_phone ON subscriptions (phone)",
    """CREATE TABLE breakers (
        name text PRIMARY KEY,
        down_since timestamptz NOT NULL,
        open_until timestamptz NOT NULL
    )""",
)
_DOWN = (
    "DROP TABLE breakers",
    "DROP TABLE subscriptions",
    "DROP TABLE hearsay",
    """ALTER TABLE receipts
        DROP id, DROP left_over, DROP payer, DROP payer_name, DROP reference""",
    "DROP INDEX payments_phone_hash",
    "DROP INDEX payments_reference",
    "UPDATE payments SET prompt_state = 'waiting' WHERE prompt_state = 'none'",
    """ALTER TABLE payments
        DROP source, DROP reversed_at, DROP asks, DROP asked_at, DROP next_ask_at,
        DROP CONSTRAINT payments_prompt_state_check,
        ADD CONSTRAINT payments_prompt_state_check CHECK (prompt_state IN
            ('waiting', 'prompting', 'prompted', 'refused', 'unclear'))""",
)


def upgrade() -> None:
    """Make all of it."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Undo all of it."""
    for statement in _DOWN:
        op.execute(statement)
