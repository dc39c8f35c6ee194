"""Claims by receipt and reversals."""

from alembic import op

revision = "0004"
down_revision = "0003"
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
