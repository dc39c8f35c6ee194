"""FreeRADIUS's own accounting statements run on our tables, and our sessions follow them.

The statements are those of FreeRADIUS 3.2 for PostgreSQL (mods-config/sql/main/postgresql).
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from hotspot.bus.work import Handlers
from hotspot.contract.message import Message
from hotspot.contract.sessions import CheckExpiredSessionsJob, SessionStarted
from hotspot.testing.handling import NOON, run
from radius_service import accounting
from radius_service.rounds import check_expired_sessions

from .test_booking import book, interim, start, stop
from .world import GIB, MAC, Database

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)

INSERT = """
    INSERT INTO radacct (AcctSessionId, AcctUniqueId, UserName, NASIPAddress, AcctStartTime,
        AcctUpdateTime, AcctStopTime, AcctSessionTime, AcctInputOctets, AcctOutputOctets,
        CallingStationId, AcctTerminateCause, FramedIpAddress, Class)
    VALUES ('80200001', :id, :name, '127.0.0.1', :began, :at, :stopped, :seconds, :came, :went,
        :mac, :cause, '10.5.50.7'::inet, :class)
    ON CONFLICT (AcctUniqueId)
"""
START = f"""{INSERT} DO UPDATE SET AcctStartTime = :at, AcctUpdateTime = :at
    WHERE radacct.AcctUniqueId = :id AND radacct.AcctStopTime IS NULL"""
START_AGAIN = """UPDATE radacct SET AcctStartTime = :at, AcctUpdateTime = :at
    WHERE AcctUniqueId = :id"""
INTERIM = """UPDATE radacct SET AcctSessionTime = :seconds, AcctUpdateTime = :at,
        AcctInputOctets = :came, AcctOutputOctets = :went
    WHERE AcctUniqueId = :id AND AcctStopTime IS NULL"""
STOP = """UPDATE radacct SET AcctStopTime = :at, AcctUpdateTime = :at,
        AcctSessionTime = :seconds, AcctInputOctets = :came, AcctOutputOctets = :went,
        AcctTerminateCause = :cause
    WHERE AcctUniqueId = :id AND AcctStopTime IS NULL"""
ON = """UPDATE radacct SET AcctStopTime = :at, AcctUpdateTime = :at,
        AcctSessionTime = extract(epoch FROM CAST(:at AS timestamptz) - AcctStartTime),
        AcctTerminateCause = 'NAS-Reboot'
    WHERE AcctStopTime IS NULL AND NASIPAddress = '127.0.0.1' AND AcctStartTime <= :at"""


@dataclass
class FreeRadius:
    """Books as it does: the next statement where one changed nothing."""

    radius: Database
    name: str = "alice"
    mac: str = "02-00-5e-10-00-00"
    class_text: str | None = None

    def start(self, at: datetime = NOON) -> None:
        """A Start."""
        self._book(at, (START, START_AGAIN))

    def interim(self, at: datetime, *, came: int = 0, went: int = 0) -> None:
        """An Interim-Update."""
        self._book(at, (INTERIM, f"{INSERT} DO NOTHING"), came=came, went=went)

    def stop(self, at: datetime, *, went: int = 0, cause: str = "User-Request") -> None:
        """A Stop."""
        statements = (STOP, f"{INSERT} DO NOTHING")
        self._book(at, statements, went=went, cause=cause, stopped=at)

    def _book(self, at: datetime, statements: tuple[str, ...], **fields: object) -> None:
        given: dict[str, object] = {
            "id": "5f1d",
            "name": self.name,
            "mac": self.mac,
            "class": self.class_text,
            "began": at,
            "at": at,
            "seconds": max(0, int((at - NOON).total_seconds())) % (24 * 3600),
            "came": 0,
            "went": 0,
            "cause": None,
            "stopped": None,
        }
        for statement in statements:
            if self.radius.changes(statement, **(given | fields)):
                return


@pytest.fixture
def freeradius(radius: Database) -> FreeRadius:
    return FreeRadius(radius)


def follow(radius: Database, at: datetime = NOON) -> list[Message]:
    handlers: Handlers = {CheckExpiredSessionsJob: check_expired_sessions}
    told = run(handlers, CheckExpiredSessionsJob(), radius.engine, now=at, service="radius")
    return [one for one in told if one.NAME.startswith("Session")]


def names(told: list[Message]) -> list[str]:
    return [one.NAME for one in told]


def test_a_session_of_freeradius_begins_and_ends_like_one_of_ours(
    radius: Database, freeradius: FreeRadius
) -> None:
    grant = radius.give(data_bytes=10 * GIB)
    freeradius.start()
    (told,) = follow(radius)
    assert isinstance(told, SessionStarted)
    assert (told.grant_id, told.mac, told.nas) == (grant.grant_id, MAC, "127.0.0.1")
    freeradius.interim(NOON + 5 * MINUTE, went=GIB)
    assert follow(radius, NOON + 5 * MINUTE) == []
    freeradius.stop(NOON + 9 * MINUTE, went=2 * GIB)
    assert names(follow(radius, NOON + 9 * MINUTE)) == ["SessionEnded"]
    session = radius.row("SELECT status, cause, bytes_out FROM sessions")
    assert tuple(session) == ("ended", "User-Request", 2 * GIB)
    assert radius.row("SELECT used_bytes FROM grants").used_bytes == 2 * GIB
    assert follow(radius, NOON + 10 * MINUTE) == []


def test_a_session_that_began_and_ended_between_two_rounds_is_told_whole(
    radius: Database, freeradius: FreeRadius
) -> None:
    radius.give()
    freeradius.start()
    freeradius.stop(NOON + HOUR, cause="Session-Timeout")
    told = names(follow(radius, NOON + HOUR))
    assert told == ["SessionStarted", "SessionEnded", "SessionExpired"]


def test_an_open_session_of_freeradius_is_sent_off_when_its_time_is_over(
    radius: Database, freeradius: FreeRadius
) -> None:
    radius.give()
    freeradius.start()
    freeradius.interim(NOON + 59 * MINUTE)
    assert names(follow(radius, NOON + HOUR + MINUTE)) == ["SessionStarted", "SessionExpired"]
    assert radius.row("SELECT count(*) FROM kicks").count == 1


@pytest.mark.parametrize("written", ["plain", "hex"])
def test_a_device_that_logs_in_by_its_address_is_accounted_to_its_user(
    radius: Database, written: str
) -> None:
    grant = radius.give(data_bytes=GIB, mac=MAC)
    radius.give(username="bob", mac=MAC)
    text = str(grant.grant_id)
    class_text = text if written == "plain" else "0x" + text.encode().hex()
    by_device = FreeRadius(radius, name="02-00-5e-10-00-00", class_text=class_text)
    by_device.start()
    by_device.interim(NOON + 5 * MINUTE, went=7)
    follow(radius, NOON + 5 * MINUTE)
    row = radius.row("SELECT username, callingstationid FROM radacct")
    assert tuple(row) == ("alice", MAC)
    session = radius.row("SELECT username, login_name FROM sessions WHERE status = 'online'")
    assert tuple(session) == ("alice", "02-00-5e-10-00-00")
    assert radius.row("SELECT used_bytes FROM grants WHERE username = 'alice'").used_bytes == 7


def test_our_server_accounts_a_device_to_its_user_too(radius: Database) -> None:
    radius.give(mac=MAC)
    told = book(radius, start(username=MAC))
    assert names(list(told)) == ["SessionStarted"]
    session = radius.row("SELECT username, login_name FROM sessions")
    assert tuple(session) == ("alice", MAC)
    assert radius.rows("SELECT username FROM radacct") == [("alice",)]
    assert radius.rows("SELECT * FROM radacct_news") == []


def test_a_late_interim_lowers_no_counter_and_charges_nothing_twice(
    radius: Database, freeradius: FreeRadius
) -> None:
    radius.give(data_bytes=10 * GIB)
    freeradius.start()
    for minute, went in ((10, 100), (5, 50), (15, 120)):
        freeradius.interim(NOON + minute * MINUTE, went=went)
    assert radius.row("SELECT acctoutputoctets FROM radacct")[0] == 120
    assert radius.row("SELECT used_bytes FROM grants").used_bytes == 120


def test_a_counter_of_32_bits_that_wraps_goes_on(radius: Database, freeradius: FreeRadius) -> None:
    radius.give(data_bytes=100 * GIB)
    freeradius.start()
    for minute, went in ((5, 3), (10, 0), (15, 1), (20, 2), (25, 3), (30, 0)):
        freeradius.interim(NOON + minute * MINUTE, went=went * GIB)
    assert radius.row("SELECT acctoutputoctets FROM radacct")[0] == 8 * GIB
    assert radius.row("SELECT used_bytes FROM grants").used_bytes == 8 * GIB


def test_counters_that_no_guest_can_reach_are_cut_off_by_both(
    radius: Database, freeradius: FreeRadius
) -> None:
    radius.give()
    freeradius.start()
    freeradius.interim(NOON + MINUTE, came=2**63 - 1, went=-1)
    most = {"Acct_Output_Gigawords": 2**32 - 1, "Acct_Input_Gigawords": 2**32 - 1}
    book(radius, interim(at=NOON + MINUTE, **most))
    counted = radius.rows("SELECT acctinputoctets, acctoutputoctets FROM radacct")
    assert counted == [(2**50, 2**50)] * 2
    assert radius.row("SELECT used_bytes FROM grants").used_bytes == 2**52
    assert radius.row("SELECT bytes_in FROM daily_use").bytes_in == 2**51


def test_both_servers_count_alike(radius: Database) -> None:
    numbers = random.Random(7)
    edges = (0, 1, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**40)
    cases = [
        (numbers.choice(edges) + numbers.randrange(9), numbers.choice(edges), later)
        for later in (True, False)
        for _ in range(200)
    ]
    for known, reported, later in cases:
        counted = radius.row(
            "SELECT counted(:known, :reported, :later) AS now",
            known=known,
            reported=reported,
            later=later,
        )
        assert counted.now == accounting.counted(known, reported, later=later), (known, reported)


def test_a_counter_that_begins_anew_is_not_taken_for_a_wrap(
    radius: Database, freeradius: FreeRadius
) -> None:
    radius.give(data_bytes=100 * GIB)
    freeradius.start()
    freeradius.interim(NOON + 5 * MINUTE, went=GIB)
    freeradius.interim(NOON + 10 * MINUTE, went=5)
    assert radius.row("SELECT used_bytes FROM grants").used_bytes == GIB


def test_a_session_closed_as_silent_goes_on_when_freeradius_hears_of_it_again(
    radius: Database, freeradius: FreeRadius
) -> None:
    radius.give()
    freeradius.start()
    follow(radius)
    assert names(follow(radius, NOON + 20 * MINUTE)) == ["SessionEnded"]
    freeradius.interim(NOON + 25 * MINUTE, went=9)
    assert names(follow(radius, NOON + 25 * MINUTE)) == ["SessionStarted"]
    assert tuple(radius.row("SELECT status, bytes_out FROM sessions")) == ("online", 9)


def test_an_id_that_a_router_gives_out_again_is_another_session(
    radius: Database, freeradius: FreeRadius
) -> None:
    radius.give(ends_at=NOON + timedelta(days=9))
    freeradius.start()
    freeradius.stop(NOON + MINUTE, went=5)
    follow(radius, NOON + MINUTE)
    later = NOON + timedelta(days=2)
    freeradius.start(later)
    freeradius.stop(later + MINUTE, went=7)
    assert names(follow(radius, later + MINUTE)) == ["SessionStarted", "SessionEnded"]
    assert radius.row("SELECT count(*) FROM sessions").count == 2
    assert radius.row("SELECT sum(acctoutputoctets) FROM radacct")[0] == 12


def test_our_server_knows_such_an_id_for_another_session_too(radius: Database) -> None:
    radius.give(ends_at=NOON + timedelta(days=9))
    book(radius, start(), stop(at=NOON + MINUTE))
    assert book(radius, start(at=NOON + HOUR)) == []  # the same Start, late
    told = book(radius, start(at=NOON + timedelta(days=2)))
    assert names(list(told)) == ["SessionStarted"]
    assert radius.row("SELECT count(*) FROM sessions").count == 2


def test_a_reboot_that_freeradius_hears_of_ends_the_sessions(
    radius: Database, freeradius: FreeRadius
) -> None:
    radius.give()
    freeradius.start()
    follow(radius)
    radius.execute(ON, at=NOON + MINUTE)
    assert names(follow(radius, NOON + MINUTE)) == ["SessionEnded"]
    assert radius.row("SELECT cause FROM sessions").cause == "NAS-Reboot"
