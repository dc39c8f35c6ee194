"""FreeRADIUS's tables, grants, sessions, and what is worked out at each login."""

from alembic import op

from hotspot.bus.schema import create_bus_tables_v1, drop_bus_tables_v1

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_CHECK = "id serial PRIMARY KEY, {key} text NOT NULL DEFAULT '', attribute text NOT NULL DEFAULT ''"
_VALUE = "op varchar(2) NOT NULL DEFAULT '{op}', value text NOT NULL DEFAULT ''"

_FREERADIUS = (
    *(
        f"CREATE TABLE {table} ({_CHECK.format(key=key)}, {_VALUE.format(op=op_default)})"
        for table, key, op_default in (
            ("radcheck", "username", "=="),
            ("radreply", "username", "="),
            ("radgroupcheck", "groupname", "=="),
            ("radgroupreply", "groupname", "="),
        )
    ),
    "CREATE INDEX radcheck_username ON radcheck (username, attribute)",
    """CREATE UNIQUE INDEX radcheck_one_password ON radcheck (username)
        WHERE attribute = 'Cleartext-Password'""",
    "CREATE INDEX radreply_username ON radreply (username, attribute)",
    """CREATE UNIQUE INDEX radreply_ours_once ON radreply (username, attribute)
        WHERE attribute IN ('Acct-Interim-Interval', 'Idle-Timeout')""",
    "CREATE INDEX radgroupcheck_groupname ON radgroupcheck (groupname, attribute)",
    "CREATE INDEX radgroupreply_groupname ON radgroupreply (groupname, attribute)",
    """CREATE TABLE radusergroup (
        id serial PRIMARY KEY,
        username text NOT NULL DEFAULT '',
        groupname text NOT NULL DEFAULT '',
        priority integer NOT NULL DEFAULT 0
    )""",
    "CREATE INDEX radusergroup_username ON radusergroup (username)",
    """CREATE TABLE radacct (
        radacctid bigserial PRIMARY KEY,
        acctsessionid text NOT NULL,
        acctuniqueid text NOT NULL UNIQUE,
        username text,
        realm text,
        nasipaddress inet NOT NULL,
        nasportid text,
        nasporttype text,
        acctstarttime timestamptz,
        acctupdatetime timestamptz,
        acctstoptime timestamptz,
        acctinterval bigint,
        acctsessiontime bigint,
        acctauthentic text,
        connectinfo_start text,
        connectinfo_stop text,
        acctinputoctets bigint,
        acctoutputoctets bigint,
        calledstationid text,
        callingstationid text,
        acctterminatecause text,
        servicetype text,
        framedprotocol text,
        framedipaddress inet,
        framedipv6address inet,
        framedipv6prefix inet,
        framedinterfaceid text,
        delegatedipv6prefix inet,
        class text
    )""",
    """CREATE INDEX radacct_active_session_idx ON radacct (acctuniqueid)
        WHERE acctstoptime IS NULL""",
    """CREATE INDEX radacct_bulk_close ON radacct (nasipaddress, acctstarttime)
        WHERE acctstoptime IS NULL""",
    "CREATE INDEX radacct_start_user_idx ON radacct (acctstarttime, username)",
    "CREATE INDEX radacct_online_user_idx ON radacct (username) WHERE acctstoptime IS NULL",
    """CREATE TABLE radpostauth (
        id bigserial PRIMARY KEY,
        username text NOT NULL,
        pass text,
        reply text,
        calledstationid text,
        callingstationid text,
        authdate timestamptz NOT NULL DEFAULT now(),
        class text
    )""",
    "CREATE INDEX radpostauth_authdate ON radpostauth (authdate)",
    """CREATE TABLE nas (
        id serial PRIMARY KEY,
        nasname text NOT NULL,
        shortname text NOT NULL,
        type text NOT NULL DEFAULT 'other',
        ports integer,
        secret text NOT NULL,
        server text,
        community text,
        description text
    )""",
    "CREATE UNIQUE INDEX nas_nasname ON nas (nasname)",
)

_FREERADIUS_TABLES = (
    "nas",
    "radpostauth",
    "radacct",
    "radusergroup",
    "radgroupreply",
    "radgroupcheck",
    "radreply",
    "radcheck",
)

_OURS = (
    """CREATE TABLE nas_settings (
        nasname text PRIMARY KEY,
        require_message_authenticator boolean NOT NULL DEFAULT true
    )""",
    """CREATE TABLE grants (
        grant_id uuid PRIMARY KEY,
        user_id uuid NOT NULL,
        username text NOT NULL,
        phone text NOT NULL,
        payment_id uuid NOT NULL,
        starts_at timestamptz NOT NULL,
        ends_at timestamptz NOT NULL,
        data_bytes bigint,
        used_bytes bigint NOT NULL DEFAULT 0,
        down_kbps integer NOT NULL,
        up_kbps integer NOT NULL,
        devices integer NOT NULL,
        mac text,
        router_id text,
        authorized_at timestamptz NOT NULL,
        CONSTRAINT grants_have_time CHECK (starts_at < ends_at)
    )""",
    "CREATE INDEX grants_username ON grants (username, ends_at)",
    """CREATE TABLE sessions (
        session_id uuid PRIMARY KEY,
        grant_id uuid NOT NULL REFERENCES grants (grant_id),
        user_id uuid NOT NULL,
        username text NOT NULL,
        phone text NOT NULL,
        payment_id uuid NOT NULL,
        status text NOT NULL,
        acctuniqueid text UNIQUE,
        acctsessionid text,
        nas inet,
        nas_identifier text,
        router_id text,
        mac text,
        ip inet,
        created_at timestamptz NOT NULL,
        started_at timestamptz,
        seen_at timestamptz,
        ends_at timestamptz NOT NULL,
        expired_at timestamptz,
        ended_at timestamptz,
        cause text,
        bytes_in bigint NOT NULL DEFAULT 0,
        bytes_out bigint NOT NULL DEFAULT 0,
        CONSTRAINT sessions_status CHECK (status IN ('awaiting', 'online', 'ended'))
    )""",
    "CREATE INDEX sessions_grant ON sessions (grant_id)",
    "CREATE INDEX sessions_phone ON sessions (phone, session_id)",
    "CREATE INDEX sessions_open ON sessions (ends_at) WHERE status <> 'ended'",
    "CREATE INDEX sessions_online ON sessions (seen_at) WHERE status = 'online'",
    "CREATE INDEX sessions_online_user ON sessions (username) WHERE status = 'online'",
)

# What a login gets, from what is left at that moment. `reason` is ok, or why not: none (never had
# access), later (access begins in the future), expired, data (used up), devices (too many online).
#
# Grants that follow one another without a gap count together. One whose data is used up is passed
# over: who buys again is online again, not at the end of the first grant's time. Capped and
# uncapped grants are not added up: the stay ends where one kind gives way to the other, for a
# session cannot be given a data cap half way through (Mikrotik-Total-Limit is not in CoA's list).
#
# A device that was silent for more than three interim intervals (of 300 s) is not online: its
# Stop was lost, and must not lock the guest out.
_LOGIN_LIMITS = """
CREATE FUNCTION login_limits(wanted text, device text, at timestamptz)
RETURNS TABLE (
    reason text, grant_id uuid, user_id uuid, payment_id uuid, until timestamptz,
    seconds_left bigint, data_left bigint, down_kbps integer, up_kbps integer, devices integer
)
LANGUAGE sql STABLE AS $$
    WITH live AS (
        SELECT g.*, g.starts_at <= greatest(
                at + interval '30 seconds',
                max(g.ends_at) OVER (
                    ORDER BY g.starts_at, g.grant_id
                    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
                )
            ) AS follows
        FROM grants g
        WHERE g.username = wanted AND g.ends_at > at
    ), chain AS (
        SELECT l.*, bool_and(l.follows) OVER (ORDER BY l.starts_at, l.grant_id) AS linked
        FROM live l
    ), usable AS (
        SELECT c.*, (c.data_bytes IS NULL) = first_value(c.data_bytes IS NULL) OVER w AS alike
        FROM chain c
        WHERE c.linked AND (c.data_bytes IS NULL OR c.used_bytes < c.data_bytes)
        WINDOW w AS (ORDER BY c.starts_at, c.grant_id)
    ), stay AS (
        SELECT u.*, bool_and(u.alike) OVER (ORDER BY u.starts_at, u.grant_id) AS counts
        FROM usable u
    ), total AS (
        SELECT max(s.ends_at) AS until, sum(s.data_bytes - s.used_bytes)::bigint AS data_left
        FROM stay s WHERE s.counts
    ), running AS (
        SELECT s.* FROM stay s WHERE s.counts ORDER BY s.starts_at, s.grant_id LIMIT 1
    ), online AS (
        SELECT count(DISTINCT coalesce(r.callingstationid, r.acctuniqueid)) AS others
        FROM radacct r
        WHERE r.username = wanted AND r.acctstoptime IS NULL
            AND r.acctupdatetime > at - interval '16 minutes'
            AND r.callingstationid IS DISTINCT FROM device
    )
    SELECT
        CASE
            WHEN n.grant_id IS NOT NULL AND o.others >= n.devices THEN 'devices'
            WHEN n.grant_id IS NOT NULL THEN 'ok'
            WHEN EXISTS (SELECT FROM chain c WHERE c.linked) THEN 'data'
            WHEN EXISTS (SELECT FROM live) THEN 'later'
            WHEN EXISTS (SELECT FROM grants g WHERE g.username = wanted) THEN 'expired'
            ELSE 'none'
        END,
        n.grant_id, n.user_id, n.payment_id, t.until,
        greatest(1, floor(extract(epoch FROM t.until - at)))::bigint,
        t.data_left, n.down_kbps, n.up_kbps, n.devices
    FROM total t CROSS JOIN online o LEFT JOIN running n ON true
$$
"""

# Charges use to the grants that were live when it began, filling one after the other; what fits
# nowhere stays with the last. Whichever server writes radacct, the trigger below calls this, so
# that no login ever sums raw history.
_CHARGE_USE = """
CREATE FUNCTION charge_use(wanted text, since timestamptz, used bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    one record;
    part bigint;
    rest bigint := used;
    last_id uuid;
BEGIN
    FOR one IN
        SELECT g.grant_id, g.data_bytes, g.used_bytes FROM grants g
        WHERE g.username = wanted AND g.ends_at > since
        ORDER BY g.starts_at, g.grant_id FOR UPDATE
    LOOP
        part := least(rest, greatest(0, coalesce(one.data_bytes - one.used_bytes, rest)));
        UPDATE grants SET used_bytes = used_bytes + part WHERE grant_id = one.grant_id AND part > 0;
        rest := rest - part;
        last_id := one.grant_id;
        EXIT WHEN rest = 0;
    END LOOP;
    UPDATE grants SET used_bytes = used_bytes + rest WHERE grant_id = last_id AND rest > 0;
END
$$
"""

_TRIGGERS = (
    """CREATE FUNCTION radacct_charge_use() RETURNS trigger LANGUAGE plpgsql AS $$
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
    $$""",
    """CREATE TRIGGER radacct_charge_use
        AFTER INSERT OR UPDATE OF acctinputoctets, acctoutputoctets ON radacct
        FOR EACH ROW WHEN (NEW.username IS NOT NULL) EXECUTE FUNCTION radacct_charge_use()""",
    """CREATE FUNCTION radpostauth_forget_password() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.pass := NULL;
        RETURN NEW;
    END
    $$""",
    """CREATE TRIGGER radpostauth_forget_password BEFORE INSERT OR UPDATE ON radpostauth
        FOR EACH ROW EXECUTE FUNCTION radpostauth_forget_password()""",
)


def upgrade() -> None:
    """Make all of it."""
    create_bus_tables_v1(op)  # type: ignore[arg-type]  # alembic's module stands for Operations
    for statement in (*_FREERADIUS, *_OURS, _LOGIN_LIMITS, _CHARGE_USE, *_TRIGGERS):
        op.execute(statement)


def downgrade() -> None:
    """Drop all of it."""
    for table in ("sessions", "grants", "nas_settings", *_FREERADIUS_TABLES):
        op.execute(f"DROP TABLE {table}")
    for function in (
        "login_limits(text, text, timestamptz)",
        "charge_use(text, timestamptz, bigint)",
        "radacct_charge_use()",
        "radpostauth_forget_password()",
    ):
        op.execute(f"DROP FUNCTION {function}")
    drop_bus_tables_v1(op)  # type: ignore[arg-type]
