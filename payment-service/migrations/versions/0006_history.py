"""What is forgotten by age is found by age."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_UP: tuple[str, ...] = (
    "CREATE INDEX mpesa_messages_received_at ON mpesa_messages (received_at)",
    """CREATE INDEX access_sessions_ended_at ON access_sessions (ended_at)
        WHERE ended_at IS NOT NULL""",
)
_DOWN: tuple[str, ...] = (
    "DROP INDEX access_sessions_ended_at",
    "DROP INDEX mpesa_messages_received_at",
)


def upgrade() -> None:
    """Make all of it."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Undo all of it."""
    for statement in _DOWN:
        op.execute(statement)
