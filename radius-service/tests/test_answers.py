"""The one function that both servers read: what a login is answered, worked out by the database."""

from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hotspot.testing.handling import NOON
from radius_service import names

from .world import GIB, MAC, OTHER_MAC, Database

HOUR = timedelta(hours=1)
DAY = 24 * HOUR
REASONS = ("expired", "data", "devices", "suspended", "later", "none")


def answer(
    radius: Database, typed: str = "alice", *, device: str | None = MAC, at: Any = NOON
) -> Any:
    wanted = {"typed": typed, "device": device, "at": at}
    return radius.row("SELECT * FROM login_answer(:typed, :device, :at)", **wanted)


def sent(radius: Database, typed: str = "alice", **fields: Any) -> dict[str, str]:
    return {name: value for name, _, value in answer(radius, typed, **fields).items}


def suspend(radius: Database, username: str = "alice", *, suspended: bool = True) -> None:
    radius.execute(
        "INSERT INTO suspended_users VALUES (:username, 'suspended', :suspended, :at)"
        " ON CONFLICT (username) DO UPDATE SET suspended = excluded.suspended",
        username=username,
        suspended=suspended,
        at=NOON,
    )


def test_a_login_gets_what_is_left_and_what_radreply_adds(radius: Database) -> None:
    grant = radius.give(devices=2)
    assert sent(radius, at=NOON + timedelta(minutes=20)) == {
        "Session-Timeout": "2400",
        "Mikrotik-Rate-Limit": "2M/5M",
        "Port-Limit": "2",
        "Class": str(grant.grant_id),
        "Acct-Interim-Interval": "300",
        "Idle-Timeout": "600",
    }


def test_data_over_4_gib_needs_gigawords(radius: Database) -> None:
    for left, octets, gigawords in (
        (1, "1", None),
        (4 * GIB - 1, str(4 * GIB - 1), None),
        (4 * GIB, "0", "1"),
        (5 * GIB, str(GIB), "1"),
        (10_000 * GIB + 7, "7", "2500"),
    ):
        radius.give(username=f"has-{left}", data_bytes=left)
        items = sent(radius, f"has-{left}")
        assert items["Mikrotik-Total-Limit"] == octets
        assert items.get("Mikrotik-Total-Limit-Gigawords") == gigawords


def test_a_constant_in_radreply_never_replaces_what_is_left(radius: Database) -> None:
    radius.give(data_bytes=100)
    for name in ("Session-Timeout", "Mikrotik-Total-Limit-Gigawords"):
        radius.execute(
            "INSERT INTO radreply (username, attribute, value) VALUES ('alice', :name, '9')",
            name=name,
        )
    items = sent(radius)
    assert items["Session-Timeout"] == "3600"
    assert "Mikrotik-Total-Limit-Gigawords" not in items


def test_time_left_is_cut_to_what_the_attribute_holds(radius: Database) -> None:
    radius.give(ends_at=NOON + 200 * 365 * DAY)
    assert sent(radius)["Session-Timeout"] == str(2**32 - 1)


def test_a_rate_is_the_guests_upload_then_download(radius: Database) -> None:
    for up, down, text in (
        (2000, 5000, "2M/5M"),
        (512, 1536, "512k/1536k"),
        (100_000, 256, "100M/256k"),
    ):
        username = text.lower()
        radius.give(username=username, up_kbps=up, down_kbps=down)
        assert sent(radius, username)["Mikrotik-Rate-Limit"] == text


def test_the_words_of_every_refusal_differ_and_fit_into_one_attribute(radius: Database) -> None:
    words = {radius.words(reason) for reason in REASONS}
    assert len(words) == len(REASONS)
    assert all(0 < len(one.encode()) <= 240 for one in words)


def test_who_is_refused_is_told_why_and_nothing_else(radius: Database) -> None:
    radius.give()
    late = answer(radius, at=NOON + HOUR)
    assert (late.reason, late.grant_id) == ("expired", None)
    assert late.items == [["Reply-Message", ":=", radius.words("expired")]]


def test_who_is_suspended_is_refused_whatever_is_left_until_released(radius: Database) -> None:
    radius.give()
    suspend(radius)
    assert answer(radius).reason == "suspended"
    limits = radius.row("SELECT * FROM login_limits('alice', :mac, :at)", mac=MAC, at=NOON)
    assert limits.until == NOON + HOUR
    suspend(radius, suspended=False)
    assert answer(radius).reason == "ok"


def test_nobody_is_known_by_a_name_that_nobody_has(radius: Database) -> None:
    radius.give()
    assert answer(radius, "bob").username is None
    assert answer(radius, "").username is None


def test_a_device_with_a_grant_is_its_user_however_its_router_writes_it(radius: Database) -> None:
    grant = radius.give(mac=MAC)
    for typed in ("02:00:5E:10:00:00", "02-00-5e-10-00-00", "0200.5E10.0000", "02005e100000"):
        found = answer(radius, typed)
        assert (found.username, found.password, found.grant_id) == ("alice", None, grant.grant_id)
        assert sent(radius, typed) == sent(radius)


def test_an_address_that_another_device_sends_lets_nobody_in(radius: Database) -> None:
    radius.give(mac=MAC)
    assert answer(radius, MAC, device=OTHER_MAC).username is None
    assert answer(radius, MAC, device=None).username is None
    assert answer(radius, OTHER_MAC, device=OTHER_MAC).username is None


def test_a_device_that_had_a_grant_is_told_that_it_ended(radius: Database) -> None:
    radius.give(mac=MAC)
    assert answer(radius, MAC, at=NOON + HOUR).reason == "expired"


def test_a_device_of_two_users_is_the_one_whose_grant_can_be_used(radius: Database) -> None:
    radius.give(username="bob", mac=MAC, ends_at=NOON + 3 * HOUR, data_bytes=GIB)
    radius.give(mac=MAC)
    radius.execute("UPDATE grants SET used_bytes = :used WHERE username = 'bob'", used=GIB)
    assert answer(radius, MAC).username == "alice"
    assert answer(radius, MAC, at=NOON + 2 * HOUR).username == "bob"


def test_a_phone_number_that_looks_like_an_address_is_a_username(radius: Database) -> None:
    phone = "254712345678"
    radius.give(username="alice", mac="25:47:12:34:56:78")
    radius.give(username=phone)
    found = answer(radius, phone, device="25:47:12:34:56:78")
    assert (found.username, found.password) == (phone, "secret-pw")


def test_freeradius_gets_values_in_quotes(radius: Database) -> None:
    for password in ("plain", "o'brien", 'say "x"', "back\\slash", "'quoted'"):
        radius.give(password=password)
        row = radius.row("SELECT * FROM login_check('Alice ', NULL, :at, '')", at=NOON)
        escaped = password.replace("\\", "\\\\").replace("'", "\\'")
        assert (row.username, row.attribute) == ("alice", "Cleartext-Password")
        assert row.value == f"'{escaped}'"


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(written=st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=20))
@example("02-00-5e-10-00-00")
@example(" ÄB:cd ")
@example("İ\t ")
def test_names_are_spelled_alike_here_and_in_the_database(radius: Database, written: str) -> None:
    row = radius.row("SELECT login_name(:w), device_of(:w)", w=written)
    assert tuple(row) == (names.username(written), names.mac(written))


def test_freeradius_finds_the_router_as_our_server_does(radius: Database) -> None:
    for nasname in ("10.0.0.0/8", "10.1.0.0/16", "router.example"):
        radius.execute(
            "INSERT INTO nas (nasname, shortname, secret) VALUES (:name, :name, 's')", name=nasname
        )
    radius.execute(
        "INSERT INTO nas_settings (nasname, require_message_authenticator)"
        " VALUES ('10.1.0.0/16', false)"
    )
    found = radius.row("SELECT * FROM nas_at('10.1.2.3')")
    assert (found.nasname, found.signed) == ("10.1.0.0/16", "no")
    assert radius.row("SELECT * FROM nas_at('10.9.9.9')").signed == "yes"
    assert radius.row("SELECT * FROM nas_at('192.0.2.1')").nasname is None
