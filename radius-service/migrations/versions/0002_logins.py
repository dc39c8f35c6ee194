"""What a login gets, in one function that both RADIUS servers read; devices, suspended users."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TABLES = (
    """CREATE TABLE suspended_users (
        username text PRIMARY KEY,
        reason text NOT NULL,
        suspended boolean NOT NULL,
        changed_at timestamptz NOT NULL
    )""",
    "ALTER TABLE nas_settings ADD COLUMN mac_auth_password text",
    """CREATE TABLE radius_counts (
        name text PRIMARY KEY,
        count bigint NOT NULL
    )""",
    "CREATE INDEX grants_mac ON grants (mac, ends_at) WHERE mac IS NOT NULL",
)

# What a router writes, brought to one spelling. `radius_service.names` does the same.
_NAMES = (
    r"""CREATE FUNCTION login_name(typed text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
        SELECT lower(btrim(typed, E' \t\r\n') COLLATE "C")
    $$""",
    r"""CREATE FUNCTION device_of(written text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
        SELECT CASE
            WHEN bare.digits ~ '^[0-9A-F]{12}$'
                THEN regexp_replace(bare.digits, '(..)(?=.)', '\1:', 'g')
            ELSE nullif(upper(btrim(written) COLLATE "C"), '')
        END
        FROM regexp_replace(upper(written COLLATE "C"), '[^0-9A-Z]', '', 'g') AS bare (digits)
    $$""",
    # RouterOS counts k as 1,000 and M as 1,000,000.
    """CREATE FUNCTION rate_text(kbps integer) RETURNS text LANGUAGE sql IMMUTABLE AS $$
        SELECT CASE WHEN kbps % 1000 = 0 THEN kbps / 1000 || 'M' ELSE kbps || 'k' END
    $$""",
    """CREATE FUNCTION login_words(reason text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
        SELECT CASE reason
            WHEN 'expired' THEN 'Your time is used up. Buy a package to go on.'
            WHEN 'data' THEN 'Your data is used up. Buy a package to go on.'
            WHEN 'devices' THEN 'Too many devices are online with this login.'
                ' Log out on another one first.'
            WHEN 'suspended' THEN 'Your account is suspended. Pay for your package to go on.'
            WHEN 'later' THEN 'Your access has not begun yet.'
            ELSE 'You have no internet access yet. Buy a package first.'
        END
    $$""",
)

# What is left, from all of a user's grants and sessions. `reason` is ok, or why not: none (never
# had access), later (begins in the future), expired, data (used up), devices (too many online),
# suspended; where a grant could be used, the other columns tell of it whatever the reason.
#
# Grants that follow one another without a gap count together. One whose data is used up is passed
# over: who buys again is online again, not at the end of the first grant's time. Capped and
# uncapped grants are not added up: the stay ends where one kind gives way to the other, for a
# session cannot be given a data cap half way through (Mikrotik-Total-Limit is not in CoA's list).
#
# A device that was silent for more than three interim intervals (of 300 s) is not online: its
# Stop was lost, and must not lock the guest out.
#
# plpgsql keeps its plans for as long as a connection lasts: FreeRADIUS sends new text each time.
_LIMITS = """
CREATE FUNCTION login_limits(
    wanted text, device text, at timestamptz,
    OUT reason text, OUT grant_id uuid, OUT user_id uuid, OUT payment_id uuid,
    OUT until timestamptz, OUT seconds_left bigint, OUT data_left bigint,
    OUT down_kbps integer, OUT up_kbps integer, OUT devices integer
)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    one grants%ROWTYPE;
    reached timestamptz := at + interval '30 seconds';
BEGIN
    FOR one IN
        SELECT * FROM grants g WHERE g.username = wanted AND g.ends_at > at
        ORDER BY g.starts_at, g.grant_id
    LOOP
        IF one.starts_at > reached THEN
            reason := coalesce(reason, 'later');
            EXIT;
        END IF;
        reached := greatest(reached, one.ends_at);
        IF one.used_bytes >= one.data_bytes THEN
            reason := coalesce(reason, 'data');
            CONTINUE;
        END IF;
        IF grant_id IS NULL THEN
            reason := 'ok';
            grant_id := one.grant_id;
            user_id := one.user_id;
            payment_id := one.payment_id;
            down_kbps := one.down_kbps;
            up_kbps := one.up_kbps;
            devices := one.devices;
            data_left := one.data_bytes - one.used_bytes;
        ELSIF (data_left IS NULL) <> (one.data_bytes IS NULL) THEN
            EXIT;
        ELSE
            data_left := data_left + one.data_bytes - one.used_bytes;
        END IF;
        until := greatest(until, one.ends_at);
    END LOOP;
    IF reason IS NULL THEN
        reason := CASE WHEN EXISTS (SELECT FROM grants g WHERE g.username = wanted)
            THEN 'expired' ELSE 'none' END;
    END IF;
    IF grant_id IS NOT NULL THEN
        seconds_left := greatest(1, floor(extract(epoch FROM until - at)));
        IF devices <= (
            SELECT count(DISTINCT coalesce(r.callingstationid, r.acctuniqueid))
            FROM radacct r
            WHERE r.username = wanted AND r.acctstoptime IS NULL
                AND r.acctupdatetime > at - interval '16 minutes'
                AND r.callingstationid IS DISTINCT FROM device
        ) THEN
            reason := 'devices';
        END IF;
    END IF;
    IF EXISTS (SELECT FROM suspended_users s WHERE s.username = wanted AND s.suspended) THEN
        reason := 'suspended';
    END IF;
END
$$
"""

# Whose login it is. A device that is let in by its address alone has no username of its own: its
# router sends the address as the name, and it stands for whoever has a grant for that device. Only
# the device itself may ask so (Calling-Station-Id): an address typed into the login page is no
# password. Some phone numbers look like addresses, so usernames come first.
_OWNER = """
CREATE FUNCTION login_owner(typed text, device text, at timestamptz)
RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    owner text;
BEGIN
    SELECT c.username INTO owner FROM radcheck c
    WHERE c.username = login_name(typed) AND c.attribute = 'Cleartext-Password';
    IF FOUND OR device !~ '^([0-9A-F]{2}:){5}[0-9A-F]{2}$' OR device_of(typed) <> device THEN
        RETURN owner;
    END IF;
    SELECT g.username INTO owner FROM grants g
    WHERE g.mac = device AND g.ends_at > at AND g.starts_at <= at + interval '30 seconds'
    ORDER BY coalesce(g.used_bytes < g.data_bytes, true) DESC, g.starts_at DESC, g.grant_id DESC
    LIMIT 1;
    IF NOT FOUND THEN
        SELECT g.username INTO owner FROM grants g
        WHERE g.mac = device ORDER BY g.ends_at DESC LIMIT 1;
    END IF;
    RETURN owner;
END
$$
"""

# The whole answer to a login, before its password is checked: both servers send `items`, which are
# {attribute, op, value}, where the password is right. Nulls: nobody has this name; without a
# password: a device that logs in by its address (see login_check).
#
# A constant in radreply never replaces what is worked out: it would be given anew each login.
_ANSWER = """
CREATE FUNCTION login_answer(
    typed text, device text, at timestamptz,
    OUT username text, OUT password text, OUT reason text,
    OUT grant_id uuid, OUT user_id uuid, OUT payment_id uuid, OUT items text[]
)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    limits record;
BEGIN
    username := login_owner(typed, device, at);
    IF username IS NULL THEN
        RETURN;
    END IF;
    IF username = login_name(typed) THEN
        SELECT c.value INTO password FROM radcheck c
        WHERE c.username = login_answer.username AND c.attribute = 'Cleartext-Password';
    END IF;
    SELECT * INTO limits FROM login_limits(username, device, at);
    reason := limits.reason;
    IF reason <> 'ok' THEN
        items := ARRAY[ARRAY['Reply-Message', ':=', login_words(reason)]];
        RETURN;
    END IF;
    grant_id := limits.grant_id;
    user_id := limits.user_id;
    payment_id := limits.payment_id;
    items := ARRAY[
        ARRAY['Session-Timeout', ':=', least(limits.seconds_left, 4294967295)::text],
        -- rx/tx as the router sees it: the guest's upload, then the download.
        ARRAY['Mikrotik-Rate-Limit', ':=',
            rate_text(limits.up_kbps) || '/' || rate_text(limits.down_kbps)],
        ARRAY['Port-Limit', ':=', limits.devices::text],
        ARRAY['Class', ':=', grant_id::text]
    ];
    IF limits.data_left IS NOT NULL THEN
        items := items
            || ARRAY['Mikrotik-Total-Limit', ':=', (limits.data_left & 4294967295)::text];
    END IF;
    IF limits.data_left >= 4294967296 THEN
        items := items
            || ARRAY['Mikrotik-Total-Limit-Gigawords', ':=', (limits.data_left >> 32)::text];
    END IF;
    items := items || (
        SELECT array_agg(ARRAY[r.attribute, r.op, r.value] ORDER BY r.id) FROM radreply r
        WHERE r.username = login_answer.username AND r.attribute NOT IN (
            'Session-Timeout', 'Mikrotik-Rate-Limit', 'Port-Limit', 'Class',
            'Mikrotik-Total-Limit', 'Mikrotik-Total-Limit-Gigawords'
        )
    );
END
$$
"""

# The same as FreeRADIUS reads it: rows of (id, username, attribute, value, op).
_FREERADIUS = (
    # It takes a value in quotes for what stands between them: so each is put into quotes.
    r"""CREATE FUNCTION quoted(value text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
        SELECT '''' || replace(replace(value, '\', '\\'), '''', '\''') || ''''
    $$""",
    # What must be known to log in: a device sends its own address, nothing, or the password that
    # its router is set to send for every device.
    """CREATE FUNCTION login_check(typed text, device text, at timestamptz, router text)
    RETURNS TABLE (id bigint, username text, attribute text, value text, op text)
    LANGUAGE plpgsql STABLE ROWS 2 AS $$
    DECLARE
        owner text := login_owner(typed, device, at);
    BEGIN
        IF owner = login_name(typed) THEN
            RETURN QUERY
            SELECT 1::bigint, owner, 'Cleartext-Password', quoted(c.value), ':='
            FROM radcheck c WHERE c.username = owner AND c.attribute = 'Cleartext-Password';
        ELSIF owner IS NOT NULL THEN
            RETURN QUERY
            SELECT 1::bigint, owner, 'Cleartext-Password', quoted(typed), ':='
            UNION ALL
            SELECT 2, owner, 'Hotspot-Device-Password',
                quoted(coalesce((SELECT s.mac_auth_password FROM nas_settings s
                    WHERE s.nasname = router), '')), ':=';
        END IF;
    END
    $$""",
    """CREATE FUNCTION login_reply(typed text, device text, at timestamptz)
    RETURNS TABLE (id bigint, username text, attribute text, value text, op text)
    LANGUAGE plpgsql STABLE AS $$
    DECLARE
        answer record;
    BEGIN
        SELECT * INTO answer FROM login_answer(typed, device, at);
        RETURN QUERY
        SELECT place::bigint, answer.username, answer.items[place][1],
            quoted(answer.items[place][3]), answer.items[place][2]
        FROM generate_subscripts(answer.items, 1) AS place;
    END
    $$""",
    # Who sends from an address: the row of `nas` for it, else for the smallest network around it.
    # A name that is no address is passed over, as our own server does.
    """CREATE FUNCTION network_of(nasname text) RETURNS inet LANGUAGE plpgsql IMMUTABLE AS $$
    BEGIN
        RETURN nasname::inet;
    EXCEPTION WHEN invalid_text_representation THEN
        RETURN NULL;
    END
    $$""",
    """CREATE FUNCTION nas_at(
        source inet, OUT nasname text, OUT shortname text, OUT secret text, OUT signed text
    )
    LANGUAGE sql STABLE AS $$
        SELECT n.nasname, n.shortname, n.secret,
            CASE WHEN s.require_message_authenticator IS FALSE THEN 'no' ELSE 'yes' END
        FROM nas n LEFT JOIN nas_settings s USING (nasname)
        WHERE source <<= network_of(n.nasname)
        ORDER BY masklen(network_of(n.nasname)) DESC LIMIT 1
    $$""",
)

_BEFORE = "login_limits"

_FUNCTIONS = (
    "nas_at(inet)",
    "network_of(text)",
    "login_reply(text, text, timestamptz)",
    "login_check(text, text, timestamptz, text)",
    "quoted(text)",
    "login_answer(text, text, timestamptz)",
    "login_owner(text, text, timestamptz)",
    "login_limits(text, text, timestamptz)",
    "login_words(text)",
    "rate_text(integer)",
    "device_of(text)",
    "login_name(text)",
)


def upgrade() -> None:
    """Make all of it. The function that 0001 made is put aside for the way back."""
    op.execute(f"ALTER FUNCTION {_BEFORE}(text, text, timestamptz) RENAME TO {_BEFORE}_0001")
    for statement in (*_TABLES, *_NAMES, _LIMITS, _OWNER, _ANSWER, *_FREERADIUS):
        op.execute(statement)


def downgrade() -> None:
    """Undo all of it."""
    for function in _FUNCTIONS:
        op.execute(f"DROP FUNCTION {function}")
    op.execute("DROP INDEX grants_mac")
    op.execute("DROP TABLE radius_counts")
    op.execute("ALTER TABLE nas_settings DROP COLUMN mac_auth_password")
    op.execute("DROP TABLE suspended_users")
    op.execute(f"ALTER FUNCTION {_BEFORE}_0001(text, text, timestamptz) RENAME TO {_BEFORE}")
