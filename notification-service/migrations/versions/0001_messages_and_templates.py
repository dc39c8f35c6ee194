"""Messages, delivery reports, templates, receipts, due dates and reminders."""

import sqlalchemy as sa
from alembic import op

from hotspot.bus.schema import create_bus_tables_v1, drop_bus_tables_v1

revision = "0001"
down_revision = None

_TABLES = (
    """CREATE TABLE messages (
        id uuid PRIMARY KEY,
        job_id uuid NOT NULL UNIQUE,
        correlation_id uuid NOT NULL,
        kind text NOT NULL,
        phone text NOT NULL,
        text text NOT NULL,
        sealed_text text NOT NULL,
        state text NOT NULL,
        attempt integer NOT NULL,
        provider text NOT NULL,
        provider_message_id text,
        reason text,
        cost_amount bigint,
        cost_currency text,
        payment_id uuid,
        resend_of uuid REFERENCES messages (id),
        created_at timestamptz NOT NULL,
        sent_at timestamptz,
        delivered_at timestamptz,
        failed_at timestamptz,
        CONSTRAINT messages_state
            CHECK (state IN ('sending', 'sent', 'delivered', 'failed', 'unclear'))
    )""",
    "CREATE INDEX messages_of_phone ON messages (phone, id)",
    "CREATE INDEX messages_at_provider ON messages (provider, provider_message_id)",
    """CREATE UNIQUE INDEX messages_credentials_once ON messages (payment_id)
        WHERE kind = 'credentials' AND resend_of IS NULL""",
    """CREATE TABLE delivery_reports (
        id uuid PRIMARY KEY,
        sms_id uuid REFERENCES messages (id),
        provider text NOT NULL,
        provider_message_id text NOT NULL,
        status text NOT NULL,
        failure_reason text,
        phone text,
        received_at timestamptz NOT NULL
    )""",
    "CREATE INDEX delivery_reports_of_message ON delivery_reports (sms_id)",
    """CREATE TABLE templates (
        name text NOT NULL,
        language text NOT NULL,
        text text NOT NULL,
        PRIMARY KEY (name, language)
    )""",
    """CREATE TABLE receipts (
        payment_id uuid PRIMARY KEY,
        receipt text NOT NULL,
        completed_at timestamptz NOT NULL
    )""",
    """CREATE TABLE due_dates (
        subscription_id uuid PRIMARY KEY,
        phone text NOT NULL,
        package_name text NOT NULL,
        paid_until timestamptz NOT NULL
    )""",
    "CREATE INDEX due_dates_paid_until ON due_dates (paid_until)",
    """CREATE TABLE reminders (
        subscription_id uuid NOT NULL,
        due_on date NOT NULL,
        days_before integer NOT NULL,
        sent_at timestamptz NOT NULL,
        PRIMARY KEY (subscription_id, due_on, days_before)
    )""",
)

_TEMPLATES = {
    ("credentials", "en"): (
        "WiFi {package}: username {username} password {password}. Valid until {until}."
    ),
    ("credentials_with_receipt", "en"): (
        "WiFi {package}: username {username} password {password}. Valid until {until}."
        " M-Pesa {receipt}."
    ),
    ("account_suspended", "en"): (
        "Your WiFi subscription is suspended because it was not paid."
        " Pay from this number to be online again."
    ),
    ("account_unsuspended", "en"): "Your WiFi subscription is active again. Welcome back.",
    ("payment_reminder", "en"): (
        "Your WiFi subscription {package} is paid until {until}. Pay before then to stay online."
    ),
    ("credentials", "sw"): ("WiFi {package}: jina {username} nenosiri {password}. Hadi {until}."),
    ("credentials_with_receipt", "sw"): (
        "WiFi {package}: jina {username} nenosiri {password}. Hadi {until}. M-Pesa {receipt}."
    ),
    ("account_suspended", "sw"): (
        "Huduma yako ya WiFi imesimamishwa kwa sababu haijalipiwa."
        " Lipa kwa namba hii ili urudi mtandaoni."
    ),
    ("account_unsuspended", "sw"): "Huduma yako ya WiFi imerudishwa. Karibu tena.",
    ("payment_reminder", "sw"): (
        "WiFi {package} imelipiwa hadi {until}. Lipa kabla ya hapo ili ubaki mtandaoni."
    ),
}


def upgrade() -> None:
    """Make the tables, and put in the first words."""
    create_bus_tables_v1(op)  # type: ignore[arg-type]
    for statement in _TABLES:
        op.execute(statement)
    templates = sa.table("templates", sa.column("name"), sa.column("language"), sa.column("text"))
    op.bulk_insert(
        templates,
        [
            {"name": name, "language": language, "text": words}
            for (name, language), words in _TEMPLATES.items()
        ],
    )


def downgrade() -> None:
    """Drop the tables."""
    for table in (
        "reminders",
        "due_dates",
        "receipts",
        "templates",
        "delivery_reports",
        "messages",
    ):
        op.execute(f"DROP TABLE {table}")
    drop_bus_tables_v1(op)  # type: ignore[arg-type]
