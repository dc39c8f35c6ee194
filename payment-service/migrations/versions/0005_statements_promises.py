"""Statements, and the promise that no money is without service."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_UP: tuple[str, ...] = (
    """CREATE TABLE statements (
        id uuid PRIMARY KEY,
        parts integer NOT NULL,
        begins_at timestamptz NOT NULL,
        ends_at timestamptz NOT NULL,
        requested_by text NOT NULL,
        requested_at timestamptz NOT NULL
    )""",
    """CREATE TABLE statement_parts (
        statement_id uuid NOT NULL REFERENCES statements (id),
        part integer NOT NULL,
        handled_at timestamptz NOT NULL,
        PRIMARY KEY (statement_id, part)
    )""",
    """CREATE TABLE statement_lines (
        statement_id uuid NOT NULL REFERENCES statements (id),
        receipt text NOT NULL,
        finding text NOT NULL CHECK (
            finding IN ('matched', 'missing_here', 'different_amount', 'sent_back')
        ),
        completed_at timestamptz NOT NULL,
        there bigint NOT NULL,
        here bigint,
        details text NOT NULL,
        payment_id uuid,
        outcome text,
        PRIMARY KEY (statement_id, receipt)
    )""",
    "CREATE INDEX receipts_came_at ON receipts ((coalesce(paid_at, recorded_at)))",
    """CREATE TABLE asked_again (
        payment_id uuid NOT NULL REFERENCES payments (id),
        step text NOT NULL CHECK (step IN ('access', 'voucher')),
        tries integer NOT NULL,
        next_at timestamptz NOT NULL,
        gave_up_at timestamptz,
        PRIMARY KEY (payment_id, step)
    )""",
    "CREATE INDEX asked_again_gave_up ON asked_again (payment_id) WHERE gave_up_at IS NOT NULL",
    """CREATE TABLE raised_alarms (
        alarm text NOT NULL,
        subject text NOT NULL,
        raised_at timestamptz NOT NULL,
        PRIMARY KEY (alarm, subject)
    )""",
    # Why it is over: time or data used up, or the money went back.
    "ALTER TABLE access ADD ended_at timestamptz, ADD ended_cause text",
    # The standing of every payment that is not over is found by this one; those that are over,
    # which are nearly all, are not in it.
    "CREATE INDEX access_not_ended ON access (state, payment_id) WHERE state <> 'ended'",
    "CREATE INDEX payments_completed_at ON payments (completed_at) WHERE status = 'completed'",
    "CREATE INDEX payments_reversed_at ON payments (reversed_at) WHERE reversed_at IS NOT NULL",
)
_DOWN: tuple[str, ...] = (
    "DROP INDEX payments_reversed_at",
    "DROP INDEX payments_completed_at",
    "DROP INDEX access_not_ended",
    "ALTER TABLE access DROP ended_at, DROP ended_cause",
    "DROP TABLE raised_alarms",
    "DROP TABLE asked_again",
    "DROP INDEX receipts_came_at",
    "DROP TABLE statement_lines",
    "DROP TABLE statement_parts",
    "DROP TABLE statements",
)


def upgrade() -> None:
    """Make all of it."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Undo all of it."""
    for statement in _DOWN:
        op.execute(statement)
