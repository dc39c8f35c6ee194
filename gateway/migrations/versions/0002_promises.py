"""How often each promise of the system was broken when it was checked last."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.execute(
        """CREATE TABLE promises (
            promise varchar NOT NULL PRIMARY KEY,
            broken integer NOT NULL,
            since timestamptz,
            checked_at timestamptz NOT NULL
        )"""
    )


def downgrade() -> None:
    """Drop it."""
    op.execute("DROP TABLE promises")
