"""Statements, and the promise that no money is without service."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_UP: tuple[str, ...] = ()
_DOWN: tuple[str, ...] = ()


def upgrade() -> None:
    """Make all of it."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Undo all of it."""
    for statement in _DOWN:
        op.execute(statement)
