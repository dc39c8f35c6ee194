"""Sessions that end: the kick ledger, counters that are right, daily use, and old accounting."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_GRANTS = (
    "ALTER TABLE grants ALTER COLUMN phone DROP NOT NULL",
    "ALTER TABLE grants ADD COLUMN revision integer NOT NULL DEFAULT 0",
    "ALTER TABLE grants ADD COLUMN moved_at timestamptz",
    "CREATE INDEX grants_phone ON grants (phone)",
    # Kept apart from the grants: a grant may be taken back before it has arrived.
    """CREATE TABLE revoked_grants (
        grant_id uuid PRIMARY KEY,
        revoked_at timestamptz NOT NULL
    )""",
)

_SESSIONS = (
    "ALTER TABLE sessions ALTER COLUMN phone DROP NOT NULL",
    "ALTER TABLE sessions ADD COLUMN login_name text",
    "ALTER TABLE sessions ADD COLUMN expires_by text NOT NULL DEFAULT 'time'",
    "ALTER TABLE sessions ADD COLUMN router_until timestamptz",
    """ALTER TABLE sessions ADD CONSTRAINT sessions_expires_by
        CHECK (expires_by IN ('time', 'data', 'revoked'))""",
    # Rows change often: room for that on their own page spares each index a new entry.
    "ALTER TABLE sessions SET (fillfactor = 80)",
    "DROP INDEX sessions_open",
    "CREATE INDEX sessions_due ON sessions (ends_at) WHERE status = 'online'",
    "CREATE INDEX sessions_unused ON sessions (ends_at) WHERE status = 'awaiting'",
    "CREATE INDEX sessions_ended ON sessions (ended_at) WHERE status = 'ended'",
    "CREATE INDEX sessions_router ON sessions (router_id, session_id)",
)

_ROUTERS = (
    "ALTER TABLE nas_settings ADD COLUMN router_id uuid",
    "ALTER TABLE nas_settings ADD COLUMN coa_port integer",
    "CREATE UNIQUE INDEX nas_settings_router ON nas_settings (router_id)",
    """CREATE TABLE registered_nas (
        router_id uuid PRIMARY KEY,
        nasname text,
        changed_at timestamptz NOT NULL
    )""",
    """CREATE TABLE deaf_routers (
        nas inet PRIMARY KEY,
        silent_at timestamptz NOT NULL
    )""",
)

_KICKS = (
    """CREATE TABLE kicks (
        kick_id uuid PRIMARY KEY,
        session_id uuid NOT NULL REFERENCES sessions (session_id) ON DELETE CASCADE,
        reason text NOT NULL,
        begun_at timestamptz NOT NULL,
        attempts integer NOT NULL,
        due_at timestamptz NOT NULL,
        ended_at timestamptz,
        outcome text
    )""",
    "CREATE UNIQUE INDEX kicks_one_open ON kicks (session_id) WHERE ended_at IS NULL",
    "CREATE INDEX kicks_session ON kicks (session_id, kick_id)",
    "CREATE INDEX kicks_due ON kicks (due_at) WHERE ended_at IS NULL",
    """CREATE TABLE kick_steps (
        step_id bigserial PRIMARY KEY,
        kick_id uuid NOT NULL REFERENCES kicks (kick_id) ON DELETE CASCADE,
        attempt integer NOT NULL,
        step text NOT NULL,
        outcome text NOT NULL,
        detail text NOT NULL DEFAULT '',
        at timestamptz NOT NULL
    )""",
    "CREATE INDEX kick_steps_kick ON kick_steps (kick_id, step_id)",
    """CREATE TABLE promises (
        promise text PRIMARY KEY,
        broken bigint NOT NULL,
        since timestamptz,
        checked_at timestamptz NOT NULL
    )""",
    """CREATE TABLE alarms (
        alarm text NOT NULL,
        subject text NOT NULL,
        raised_at timestamptz NOT NULL,
        PRIMARY KEY (alarm, subject)
    )""",
)

# radacct stays one plain table: FreeRADIUS's ON CONFLICT (acctuniqueid) needs a unique index on
# that column alone, which no table partitioned by month can have. What has ended moves on.
# Months stand in schemas of their own: they come and go without a migration.
_HISTORY = (
    """CREATE TABLE radacct_history (
        LIKE radacct INCLUDING DEFAULTS EXCLUDING INDEXES
    ) PARTITION BY RANGE (acctstoptime)""",
    "ALTER TABLE radacct_history ALTER COLUMN radacctid DROP DEFAULT",
    "CREATE INDEX radacct_history_user ON radacct_history (username, acctstoptime)",
    "CREATE SCHEMA months",
    "CREATE SCHEMA archive",
    "CREATE TABLE months.radacct_other PARTITION OF radacct_history DEFAULT",
    # What ended: what the maintenance looks for.
    "CREATE INDEX radacct_ended ON radacct (acctstoptime) WHERE acctstoptime IS NOT NULL",
)

_USE = (
    """CREATE TABLE daily_use (
        username text NOT NULL,
        day date NOT NULL,
        bytes_in bigint NOT NULL,
        bytes_out bigint NOT NULL,
        seconds bigint NOT NULL,
        PRIMARY KEY (username, day)
    ) WITH (fillfactor = 80)""",
    "CREATE INDEX daily_use_day ON daily_use (day)",
    # What another server than ours wrote, until our sessions have followed it.
    """CREATE TABLE radacct_news (
        acctuniqueid text PRIMARY KEY,
        login_name text
    )""",
)

# Whose use it is: who the name says; for a device that was let in by its address alone, the user
# whose grant the login was accepted for (Class, which FreeRADIUS writes as 0x...), else whoever has
# a grant for that device. Some phone numbers look like addresses: those are known names.
_OWNER = r"""
CREATE FUNCTION accounted_owner(typed text, device text, class text, at timestamptz)
RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    uuid_text text := class;
    owner text;
BEGIN
    IF device IS NULL OR device_of(typed) IS DISTINCT FROM device THEN
        RETURN login_name(typed);
    END IF;
    SELECT c.username INTO owner FROM radcheck c
    WHERE c.username = login_name(typed) AND c.attribute = 'Cleartext-Password';
    IF FOUND THEN
        RETURN owner;
    END IF;
    IF class ~ '^0x([0-9a-fA-F]{2})+$' THEN
        uuid_text := encode(decode(substr(class, 3), 'hex'), 'escape');
    END IF;
    IF uuid_text ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' THEN
        SELECT g.username INTO owner FROM grants g WHERE g.grant_id = uuid_text::uuid;
    END IF;
    RETURN coalesce(owner, login_owner(typed, device, at), login_name(typed));
END
$$
"""

# What a router may say of one session: a pebibyte. More is nonsense, and would not fit where
# sessions are added up; refusing the report would only have the router send it for ever.
_PLAUSIBLE = """
CREATE FUNCTION plausible(octets bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN octets BETWEEN 0 AND 1125899906842624 THEN octets
        WHEN octets IS NOT NULL THEN 1125899906842624 END
$$
"""

# A counter of 64 bits that never goes down. A later report that counts less comes from a router
# that counts 32 bits only (no Gigawords), and wrapped; unless that were half of what fits, or
# more: then the router began anew, and nothing can be said of what was lost.
_COUNTED = """
CREATE FUNCTION counted(known bigint, reported bigint, later boolean)
RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN known IS NULL OR reported IS NULL OR reported >= known THEN coalesce(reported, known)
        WHEN later AND reported < 4294967296
            AND (reported - known) & 4294967295 < 2147483648
            THEN known + ((reported - known) & 4294967295)
        ELSE known
    END
$$
"""

# Whichever server writes: names in one spelling, and what our own server knows to do about a
# session that it closed itself and that goes on, or whose id a router that has rebooted often
# gives out again. FreeRADIUS's statements would leave both as they are.
_BEFORE_INSERT = """
CREATE FUNCTION radacct_before_insert() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    typed text := NEW.username;
    at timestamptz := coalesce(NEW.acctupdatetime, NEW.acctstarttime, now());
BEGIN
    NEW.callingstationid := device_of(NEW.callingstationid);
    NEW.acctinputoctets := plausible(NEW.acctinputoctets);
    NEW.acctoutputoctets := plausible(NEW.acctoutputoctets);
    NEW.username := accounted_owner(typed, NEW.callingstationid, NEW.class, at);
    IF current_setting('hotspot.books', true) = 'on' THEN
        RETURN NEW;
    END IF;
    IF NEW.acctstoptime IS NULL AND coalesce(NEW.acctsessiontime, 0) = 0 THEN
        WITH aside AS (
            UPDATE radacct r SET acctuniqueid = r.acctuniqueid || '@' || r.radacctid
            WHERE r.acctuniqueid = NEW.acctuniqueid AND r.acctstoptime < at - interval '1 day'
            RETURNING 1
        )
        UPDATE sessions s SET acctuniqueid = NULL
        WHERE s.acctuniqueid = NEW.acctuniqueid AND EXISTS (SELECT FROM aside);
    ELSIF NEW.acctstoptime IS NULL THEN
        UPDATE radacct r SET acctstoptime = NULL, acctterminatecause = NULL,
            acctupdatetime = at, acctsessiontime = NEW.acctsessiontime,
            acctinputoctets = NEW.acctinputoctets, acctoutputoctets = NEW.acctoutputoctets
        WHERE r.acctuniqueid = NEW.acctuniqueid AND r.acctstoptime < at
            AND r.acctterminatecause IN ('Silent', 'Gone')
            AND coalesce(r.acctsessiontime, 0) < NEW.acctsessiontime;
    END IF;
    INSERT INTO radacct_news VALUES (NEW.acctuniqueid, typed)
    ON CONFLICT (acctuniqueid) DO UPDATE SET login_name = excluded.login_name;
    RETURN NEW;
END
$$
"""

_BEFORE_UPDATE = """
CREATE FUNCTION radacct_before_update() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    later boolean := coalesce(NEW.acctsessiontime, 0) > coalesce(OLD.acctsessiontime, 0);
BEGIN
    NEW.acctinputoctets := counted(OLD.acctinputoctets, plausible(NEW.acctinputoctets), later);
    NEW.acctoutputoctets := counted(OLD.acctoutputoctets, plausible(NEW.acctoutputoctets), later);
    NEW.acctsessiontime := greatest(OLD.acctsessiontime, NEW.acctsessiontime);
    NEW.acctupdatetime := greatest(OLD.acctupdatetime, NEW.acctupdatetime);
    IF current_setting('hotspot.books', true) IS DISTINCT FROM 'on'
        AND NEW.acctuniqueid = OLD.acctuniqueid THEN
        INSERT INTO radacct_news VALUES (NEW.acctuniqueid) ON CONFLICT DO NOTHING;
    END IF;
    RETURN NEW;
END
$$
"""

# Use is charged to the grants and added to the user's day at once, by what a report adds to the
# one before: so nothing ever sums the reports.
_AFTER = """
CREATE OR REPLACE FUNCTION radacct_charge_use() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    came bigint := coalesce(NEW.acctinputoctets, 0);
    went bigint := coalesce(NEW.acctoutputoctets, 0);
    lasted bigint := coalesce(NEW.acctsessiontime, 0);
    since timestamptz := NEW.acctstarttime;
    at timestamptz := coalesce(NEW.acctstoptime, NEW.acctupdatetime, NEW.acctstarttime, now());
BEGIN
    IF TG_OP = 'UPDATE' THEN
        came := came - coalesce(OLD.acctinputoctets, 0);
        went := went - coalesce(OLD.acctoutputoctets, 0);
        lasted := lasted - coalesce(OLD.acctsessiontime, 0);
        since := coalesce(OLD.acctupdatetime, NEW.acctstarttime);
    END IF;
    IF came + went > 0 THEN
        PERFORM charge_use(NEW.username, coalesce(since, now()), came + went);
    END IF;
    IF came + went + lasted > 0 THEN
        INSERT INTO daily_use AS d (username, day, bytes_in, bytes_out, seconds)
        VALUES (NEW.username, (at AT TIME ZONE 'Africa/Nairobi')::date, came, went, lasted)
        ON CONFLICT (username, day) DO UPDATE SET bytes_in = d.bytes_in + excluded.bytes_in,
            bytes_out = d.bytes_out + excluded.bytes_out, seconds = d.seconds + excluded.seconds;
    END IF;
    RETURN NULL;
END
$$
"""

_TRIGGERS = (
    """CREATE TRIGGER radacct_before_insert BEFORE INSERT ON radacct
        FOR EACH ROW EXECUTE FUNCTION radacct_before_insert()""",
    """CREATE TRIGGER radacct_before_update BEFORE UPDATE ON radacct
        FOR EACH ROW EXECUTE FUNCTION radacct_before_update()""",
    "DROP TRIGGER radacct_charge_use ON radacct",
    """CREATE TRIGGER radacct_charge_use
        AFTER INSERT OR UPDATE OF acctinputoctets, acctoutputoctets, acctsessiontime ON radacct
        FOR EACH ROW WHEN (NEW.username IS NOT NULL) EXECUTE FUNCTION radacct_charge_use()""",
)

# As 0001 made it.
_CHARGE_0001 = """
CREATE OR REPLACE FUNCTION radacct_charge_use() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    total bigint := coalesce(NEW.acctinputoctets, 0) + coalesce(NEW.acctoutputoctets, 0);
    before bigint := 0;
    since timestamptz := NEW.acctstarttime;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        before := coalesce(OLD.acctinputoctets, 0) + coalesce(OLD.acctoutputoctets, 0);
        since := coalesce(OLD.acctupdatetime, NEW.acctstarttime);
    END IF;
    IF total > before THEN
        PERFORM charge_use(lower(btrim(NEW.username)), coalesce(since, now()), total - before);
    END IF;
    RETURN NULL;
END
$$
"""

_DOWN = (
    *(f"DROP TRIGGER radacct_{name} ON radacct" for name in ("before_insert", "before_update")),
    "DROP TRIGGER radacct_charge_use ON radacct",
    "DROP FUNCTION radacct_before_insert()",
    "DROP FUNCTION radacct_before_update()",
    "DROP FUNCTION counted(bigint, bigint, boolean)",
    "DROP FUNCTION plausible(bigint)",
    "DROP FUNCTION accounted_owner(text, text, text, timestamptz)",
    "DROP INDEX radacct_ended",
    # Before the trigger is there again: nothing is charged twice.
    "INSERT INTO radacct SELECT * FROM radacct_history ON CONFLICT DO NOTHING",
    "DROP TABLE radacct_history",
    "DROP SCHEMA months",
    # Refused while there are archived months: nobody else has them.
    "DROP SCHEMA archive",
    _CHARGE_0001,
    """CREATE TRIGGER radacct_charge_use
        AFTER INSERT OR UPDATE OF acctinputoctets, acctoutputoctets ON radacct
        FOR EACH ROW WHEN (NEW.username IS NOT NULL) EXECUTE FUNCTION radacct_charge_use()""",
    *(
        f"DROP TABLE {table}"
        for table in (
            "radacct_news",
            "daily_use",
            "alarms",
            "promises",
            "kick_steps",
            "kicks",
            "deaf_routers",
            "registered_nas",
            "revoked_grants",
        )
    ),
    "ALTER TABLE nas_settings DROP COLUMN router_id, DROP COLUMN coa_port",
    *(f"DROP INDEX sessions_{name}" for name in ("due", "unused", "ended", "router")),
    "CREATE INDEX sessions_open ON sessions (ends_at) WHERE status <> 'ended'",
    "ALTER TABLE sessions RESET (fillfactor)",
    """ALTER TABLE sessions DROP COLUMN login_name, DROP COLUMN expires_by,
        DROP COLUMN router_until""",
    "UPDATE sessions SET phone = '' WHERE phone IS NULL",
    "ALTER TABLE sessions ALTER COLUMN phone SET NOT NULL",
    "DROP INDEX grants_phone",
    "ALTER TABLE grants DROP COLUMN revision, DROP COLUMN moved_at",
    "UPDATE grants SET phone = '' WHERE phone IS NULL",
    "ALTER TABLE grants ALTER COLUMN phone SET NOT NULL",
)


def upgrade() -> None:
    """Make all of it."""
    for statement in (
        *(*_GRANTS, *_SESSIONS, *_ROUTERS, *_KICKS, *_HISTORY, *_USE),
        *(_OWNER, _PLAUSIBLE, _COUNTED, _BEFORE_INSERT, _BEFORE_UPDATE, _AFTER, *_TRIGGERS),
    ):
        op.execute(statement)


def downgrade() -> None:
    """Undo all of it."""
    for statement in _DOWN:
        op.execute(statement)
