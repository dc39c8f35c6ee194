"""What is left at a login, worked out by the database over all of a user's grants."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from hotspot.testing.handling import NOON
from radius_service.logins import Login
from radius_service.lookup import look_up

from .world import GIB, MAC, OTHER_MAC, Database

HOUR = timedelta(hours=1)


def left(
    radius: Database, at: datetime = NOON, *, username: str = "alice", mac: str | None = MAC
) -> Any:
    return radius.row(
        "SELECT * FROM login_limits(:username, :mac, :at)", username=username, mac=mac, at=at
    )


def online(radius: Database, mac: str, *, seen_at: datetime = NOON) -> None:
    radius.execute(
        "INSERT INTO radacct (acctsessionid, acctuniqueid, username, nasipaddress,"
        " acctstarttime, acctupdatetime, callingstationid)"
        " VALUES ('1', :unique, 'alice', '127.0.0.1', :at, :at, :mac)",
        unique=f"{mac} {seen_at}",
        at=seen_at,
        mac=mac,
    )


def used(radius: Database, how_much: int, *, at: datetime = NOON) -> None:
    radius.execute("SELECT charge_use('alice', :at, :used)", at=at, used=how_much)


def test_nobody_has_access_without_a_grant(radius: Database) -> None:
    assert left(radius).reason == "none"


def test_time_left_shrinks_as_it_passes(radius: Database) -> None:
    grant = radius.give()
    assert left(radius).seconds_left == 3600
    later = left(radius, NOON + timedelta(minutes=59, seconds=30.9))
    assert (later.reason, later.seconds_left) == ("ok", 29)
    assert later.grant_id == grant.grant_id


def test_when_the_time_is_up_it_is_up_to_the_second(radius: Database) -> None:
    radius.give()
    assert left(radius, NOON + HOUR - timedelta(seconds=1)).reason == "ok"
    assert left(radius, NOON + HOUR).reason == "expired"


def test_a_grant_of_tomorrow_does_not_let_in_today(radius: Database) -> None:
    radius.give(starts_at=NOON + 24 * HOUR, ends_at=NOON + 25 * HOUR)
    assert left(radius).reason == "later"


def test_a_clock_that_is_seconds_behind_does_not_keep_the_guest_out(radius: Database) -> None:
    radius.give()
    assert left(radius, NOON - timedelta(seconds=20)).reason == "ok"


def test_grants_that_follow_one_another_count_together(radius: Database) -> None:
    first = radius.give(data_bytes=GIB)
    radius.give(starts_at=NOON + HOUR, ends_at=NOON + 3 * HOUR, data_bytes=2 * GIB)
    now = left(radius)
    assert (now.seconds_left, now.data_left, now.grant_id) == (10800, 3 * GIB, first.grant_id)


def test_a_gap_between_grants_ends_the_stay(radius: Database) -> None:
    radius.give()
    radius.give(starts_at=NOON + 2 * HOUR, ends_at=NOON + 3 * HOUR)
    assert left(radius).seconds_left == 3600
    assert left(radius, NOON + 1.5 * HOUR).reason == "later"


def test_the_rate_is_that_of_the_grant_that_runs(radius: Database) -> None:
    radius.give(down_kbps=1000, up_kbps=500, devices=1)
    radius.give(
        starts_at=NOON + HOUR, ends_at=NOON + 2 * HOUR, down_kbps=9000, up_kbps=4000, devices=3
    )
    first, second = left(radius), left(radius, NOON + 1.5 * HOUR)
    assert (first.down_kbps, first.up_kbps, first.devices) == (1000, 500, 1)
    assert (second.down_kbps, second.up_kbps, second.devices) == (9000, 4000, 3)


def test_data_left_is_the_cap_less_what_was_used(radius: Database) -> None:
    radius.give(data_bytes=6 * GIB)
    used(radius, GIB)
    assert left(radius).data_left == 5 * GIB


def test_data_used_up_is_told_apart_from_time(radius: Database) -> None:
    radius.give(data_bytes=GIB)
    used(radius, GIB)
    assert left(radius).reason == "data"
    assert left(radius, NOON + HOUR).reason == "expired"


def test_who_buys_again_with_data_used_up_is_online_at_once(radius: Database) -> None:
    radius.give(data_bytes=GIB)
    used(radius, 2 * GIB)
    again = radius.give(starts_at=NOON + HOUR, ends_at=NOON + 2 * HOUR, data_bytes=GIB)
    now = left(radius)
    assert (now.reason, now.data_left, now.grant_id) == ("ok", GIB, again.grant_id)


def test_use_fills_one_grant_after_the_other(radius: Database) -> None:
    first = radius.give(data_bytes=GIB)
    second = radius.give(starts_at=NOON + HOUR, ends_at=NOON + 2 * HOUR, data_bytes=GIB)
    used(radius, GIB + 10)
    charged = dict(radius.rows("SELECT grant_id, used_bytes FROM grants"))
    assert charged == {first.grant_id: GIB, second.grant_id: 10}


def test_use_that_fits_nowhere_is_kept_all_the_same(radius: Database) -> None:
    radius.give(data_bytes=GIB)
    used(radius, GIB + 10)
    assert radius.row("SELECT used_bytes FROM grants").used_bytes == GIB + 10


def test_use_since_a_grant_that_has_just_ended_is_charged_to_it(radius: Database) -> None:
    first = radius.give(data_bytes=GIB)
    radius.give(starts_at=NOON + HOUR, ends_at=NOON + 2 * HOUR, data_bytes=GIB)
    used(radius, 5, at=NOON + HOUR - timedelta(minutes=5))
    charged = dict(radius.rows("SELECT grant_id, used_bytes FROM grants"))
    assert charged[first.grant_id] == 5


def test_an_uncapped_grant_has_no_data_limit(radius: Database) -> None:
    radius.give()
    used(radius, 100 * GIB)
    assert (left(radius).reason, left(radius).data_left) == ("ok", None)


@pytest.mark.parametrize("caps", [(None, GIB), (GIB, None)])
def test_a_stay_ends_where_a_cap_begins_or_ends(
    radius: Database, caps: tuple[int | None, int | None]
) -> None:
    radius.give(data_bytes=caps[0])
    radius.give(starts_at=NOON + HOUR, ends_at=NOON + 2 * HOUR, data_bytes=caps[1])
    now, then = left(radius), left(radius, NOON + HOUR)
    assert (now.seconds_left, now.data_left) == (3600, caps[0])
    assert (then.seconds_left, then.data_left) == (3600, caps[1])


def test_another_device_is_one_too_many(radius: Database) -> None:
    radius.give(devices=1)
    online(radius, OTHER_MAC)
    assert left(radius).reason == "devices"


def test_the_same_device_may_come_back(radius: Database) -> None:
    radius.give(devices=1)
    online(radius, MAC)
    assert left(radius).reason == "ok"


def test_as_many_devices_as_were_paid_for(radius: Database) -> None:
    radius.give(devices=2)
    online(radius, OTHER_MAC)
    assert left(radius).reason == "ok"
    online(radius, "02:00:5E:10:00:98")
    assert left(radius).reason == "devices"


def test_a_device_that_missed_three_interim_updates_locks_nobody_out(radius: Database) -> None:
    radius.give(devices=1)
    online(radius, OTHER_MAC, seen_at=NOON - timedelta(minutes=17))
    assert left(radius).reason == "ok"


def test_all_waiting_logins_are_looked_up_together_in_their_order(radius: Database) -> None:
    radius.give()
    radius.give(username="bob", user_id=radius.order().grant_id, password="of bob")
    asked = ["nobody", "bob", None, "alice", "bob"]
    logins = [Login(typed=name, credentials=None, mac=None, called=None, nas="") for name in asked]
    with radius.engine.connect() as connection:
        found = look_up(connection, logins, at=NOON)
    passwords = [one.password if one else None for one in found]
    assert passwords == [None, "of bob", None, "secret-pw", "of bob"]
