"""What the dashboard's figures are made of beside the counts: stays online, gauges, alarms."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.execute(
        """CREATE TABLE stays (
            session_id uuid NOT NULL PRIMARY KEY,
            started_at timestamptz,
            ended_at timestamptz,
            heard_at timestamptz NOT NULL
        )"""
    )
    op.execute("CREATE INDEX stays_heard_at ON stays (heard_at)")
    op.execute("CREATE TABLE gauges (gauge varchar NOT NULL PRIMARY KEY, value bigint NOT NULL)")
    op.execute(
        """CREATE TABLE alarms (
            service varchar NOT NULL,
            alarm varchar NOT NULL,
            subject varchar NOT NULL,
            said varchar,
            is_raised boolean NOT NULL,
            changed_at timestamptz NOT NULL,
            PRIMARY KEY (service, alarm, subject)
        )"""
    )


def downgrade() -> None:
    """Drop them."""
    op.execute("DROP TABLE alarms, gauges, stays")
