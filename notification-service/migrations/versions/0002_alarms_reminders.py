"""Reminders once each, and alarms."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_REMINDERS_UP = (
    # `heard_at`: when the word that is kept was sent. What was kept so far is older than any.
    """ALTER TABLE due_dates
        ADD COLUMN state text NOT NULL DEFAULT 'active',
        ADD COLUMN price_amount bigint,
        ADD COLUMN price_currency text,
        ADD COLUMN heard_at timestamptz NOT NULL DEFAULT '2000-01-01 00:00:00Z'""",
    """ALTER TABLE due_dates
        ALTER COLUMN state DROP DEFAULT,
        ALTER COLUMN heard_at DROP DEFAULT""",
)
_REMINDERS_DOWN = (
    """ALTER TABLE due_dates
        DROP COLUMN heard_at,
        DROP COLUMN price_currency,
        DROP COLUMN price_amount,
        DROP COLUMN state""",
)

_NEW_TEMPLATES = {
    ("payment_reminder_over", "en"): (
        "WiFi {package} was paid until {until}. To stay online {how_to_pay}."
    ),
    ("payment_reminder_over", "sw"): (
        "WiFi {package} ilikuwa imelipiwa hadi {until}. Ili ubaki mtandaoni {how_to_pay}."
    ),
    ("account_suspended_by_operator", "en"): (
        "Your WiFi subscription is suspended. Please ask your provider."
    ),
    ("account_suspended_by_operator", "sw"): (
        "Huduma yako ya WiFi imesimamishwa. Tafadhali muulize mtoa huduma wako."
    ),
    ("account_suspended_reversed", "en"): (
        "Your WiFi subscription is suspended because its payment was sent back."
        " To be online again {how_to_pay}."
    ),
    ("account_suspended_reversed", "sw"): (
        "Huduma yako ya WiFi imesimamishwa kwa sababu malipo yamerudishwa."
        " Ili urudi mtandaoni {how_to_pay}."
    ),
    ("how_to_pay", "en"): "pay {price} to M-Pesa Paybill {paybill}, account {account}",
    ("how_to_pay", "sw"): "lipa {price} kwa M-Pesa Paybill {paybill}, akaunti {account}",
    ("how_to_pay_on_the_page", "en"): "pay {price} on the WiFi page with this number",
    ("how_to_pay_on_the_page", "sw"): "lipa {price} kwenye ukurasa wa WiFi kwa namba hii",
}
# (name, language): the words so far, and the new ones.
_CHANGED_TEMPLATES = {
    ("payment_reminder", "en"): (
        "Your WiFi subscription {package} is paid until {until}. Pay before then to stay online.",
        "WiFi {package} is paid until {until}. To stay online {how_to_pay}.",
    ),
    ("payment_reminder", "sw"): (
        "WiFi {package} imelipiwa hadi {until}. Lipa kabla ya hapo ili ubaki mtandaoni.",
        "WiFi {package} imelipiwa hadi {until}. Ili ubaki mtandaoni {how_to_pay}.",
    ),
    ("account_suspended", "en"): (
        "Your WiFi subscription is suspended because it was not paid."
        " Pay from this number to be online again.",
        "Your WiFi subscription is suspended because it was not paid."
        " To be online again {how_to_pay}.",
    ),
    ("account_suspended", "sw"): (
        "Huduma yako ya WiFi imesimamishwa kwa sababu haijalipiwa."
        " Lipa kwa namba hii ili urudi mtandaoni.",
        "Huduma yako ya WiFi imesimamishwa kwa sababu haijalipiwa."
        " Ili urudi mtandaoni {how_to_pay}.",
    ),
    # The first payment of a new subscriber says so too.
    ("account_unsuspended", "en"): (
        "Your WiFi subscription is active again. Welcome back.",
        "Your WiFi subscription is active: you can be online now.",
    ),
    ("account_unsuspended", "sw"): (
        "Huduma yako ya WiFi imerudishwa. Karibu tena.",
        "Huduma yako ya WiFi inafanya kazi: unaweza kuwa mtandaoni sasa.",
    ),
}
_TEMPLATES = sa.table("templates", sa.column("name"), sa.column("language"), sa.column("text"))

_ALARMS_UP = ("CREATE TABLE alarm_texts (alarm text PRIMARY KEY, sent_at timestamptz NOT NULL)",)
_ALARMS_DOWN = ("DROP TABLE alarm_texts",)

# Old messages are forgotten: what refers to one must neither forbid that nor slow it down.
_HISTORY_UP = (
    "CREATE INDEX messages_created_at ON messages (created_at)",
    "CREATE INDEX messages_resend_of ON messages (resend_of) WHERE resend_of IS NOT NULL",
    "CREATE INDEX delivery_reports_received_at ON delivery_reports (received_at)",
    "CREATE INDEX receipts_completed_at ON receipts (completed_at)",
    "CREATE INDEX reminders_sent_at ON reminders (sent_at)",
    """ALTER TABLE delivery_reports
        DROP CONSTRAINT delivery_reports_sms_id_fkey,
        ADD FOREIGN KEY (sms_id) REFERENCES messages (id) ON DELETE CASCADE""",
)
_HISTORY_DOWN = (
    """ALTER TABLE delivery_reports
        DROP CONSTRAINT delivery_reports_sms_id_fkey,
        ADD FOREIGN KEY (sms_id) REFERENCES messages (id)""",
    "DROP INDEX reminders_sent_at",
    "DROP INDEX receipts_completed_at",
    "DROP INDEX delivery_reports_received_at",
    "DROP INDEX messages_resend_of",
    "DROP INDEX messages_created_at",
)

_UP: tuple[str, ...] = (*_REMINDERS_UP, *_ALARMS_UP, *_HISTORY_UP)
_DOWN: tuple[str, ...] = (*_HISTORY_DOWN, *_ALARMS_DOWN, *_REMINDERS_DOWN)


def upgrade() -> None:
    """Make all of it."""
    for statement in _UP:
        op.execute(statement)
    op.bulk_insert(
        _TEMPLATES,
        [
            {"name": name, "language": language, "text": words}
            for (name, language), words in _NEW_TEMPLATES.items()
        ],
    )
    for name, (old, new) in _CHANGED_TEMPLATES.items():
        _reword(name, old, new)


def downgrade() -> None:
    """Undo all of it."""
    for name, (old, new) in _CHANGED_TEMPLATES.items():
        _reword(name, new, old)
    for name in _NEW_TEMPLATES:
        op.execute(sa.delete(_TEMPLATES).where(_is(name)))
    for statement in _DOWN:
        op.execute(statement)


def _reword(name: tuple[str, str], before: str, after: str) -> None:
    """Words that the provider has changed stay as they are."""
    mine = (_is(name), _TEMPLATES.c.text == before)
    op.execute(sa.update(_TEMPLATES).where(*mine).values(text=after))


def _is(name: tuple[str, str]) -> sa.ColumnElement[bool]:
    return sa.tuple_(_TEMPLATES.c.name, _TEMPLATES.c.language) == name
