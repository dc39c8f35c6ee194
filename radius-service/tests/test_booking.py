"""Accounting into rows: idempotent, charged to the grants, told once."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from hotspot.contract.message import Message
from hotspot.contract.sessions import SessionEnded, SessionExpired, SessionStarted
from hotspot.testing.handling import NOON
from radius_service.accounting import Report, report_of
from radius_service.booking import book_all
from radius_service.packets import read

from .world import GIB, MAC, OTHER_MAC, SECRET, Database, accounting, bytes_of

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def report(packet: Any, *, at: datetime = NOON, source: str = "127.0.0.1") -> Report:
    request = read(bytes_of(packet), secret=SECRET, signed=True)
    made = report_of(request, source=source, received_at=at)
    assert made is not None
    return made


def start(*, at: datetime = NOON, **fields: Any) -> Report:
    return report(accounting("Start", **fields), at=at)


def interim(*, at: datetime, **fields: Any) -> Report:
    seconds = int((at - NOON).total_seconds())
    return report(accounting("Interim-Update", Acct_Session_Time=seconds, **fields), at=at)


def stop(*, at: datetime, cause: str = "User-Request", **fields: Any) -> Report:
    seconds = int((at - NOON).total_seconds())
    packet = accounting("Stop", Acct_Session_Time=seconds, Acct_Terminate_Cause=cause, **fields)
    return report(packet, at=at)


def book(radius: Database, *reports: Report) -> Sequence[Message]:
    with Session(radius.engine) as db:
        told = book_all(db, reports, max(one.at for one in reports))
        db.commit()
    return told


def kinds(told: Sequence[Message]) -> list[str]:
    return [message.NAME for message in told]


def test_a_start_ties_the_awaiting_session_to_its_grant(radius: Database) -> None:
    grant = radius.give()
    awaiting = radius.row("SELECT session_id, status FROM sessions")
    assert awaiting.status == "awaiting"
    told = book(radius, start(Class=str(grant.grant_id).encode()))
    assert told == [
        SessionStarted(
            session_id=awaiting.session_id,
            user_id=grant.user_id,
            username="alice",
            grant_id=grant.grant_id,
            payment_id=grant.payment_id,
            nas="site-1",
            started_at=NOON,
            mac=MAC,
            ip="10.5.50.7",
        )
    ]
    online = radius.row("SELECT status, ends_at, host(nas) AS nas, mac FROM sessions")
    assert tuple(online) == ("online", NOON + HOUR, "127.0.0.1", MAC)


def test_a_second_login_on_the_same_grant_is_another_session(radius: Database) -> None:
    radius.give(devices=2)
    told = book(radius, start(), start(session="80200002", mac=OTHER_MAC))
    ids = {message.session_id for message in told if isinstance(message, SessionStarted)}
    assert len(ids) == 2
    assert radius.row("SELECT count(*) FROM sessions WHERE status = 'online'").count == 2


def test_a_session_ends_with_its_counters_and_cause(radius: Database) -> None:
    radius.give()
    (began,) = book(radius, start())
    octets: dict[str, Any] = {
        "Acct_Input_Octets": 5,
        "Acct_Input_Gigawords": 1,
        "Acct_Output_Octets": 7,
    }
    (ended,) = book(radius, stop(at=NOON + 10 * MINUTE, **octets))
    assert isinstance(began, SessionStarted)
    assert isinstance(ended, SessionEnded)
    assert ended.session_id == began.session_id
    assert (ended.cause, ended.bytes_in, ended.bytes_out) == ("User-Request", 4 * GIB + 5, 7)
    row = radius.row("SELECT * FROM radacct")
    assert (row.acctinputoctets, row.acctoutputoctets) == (4 * GIB + 5, 7)
    assert (row.acctsessiontime, row.acctstoptime) == (600, NOON + 10 * MINUTE)
    assert (row.acctterminatecause, row.callingstationid) == ("User-Request", MAC)


@pytest.mark.parametrize("together", [True, False])
def test_repeated_reports_change_nothing_and_tell_nothing(radius: Database, together: bool) -> None:
    radius.give(data_bytes=10 * GIB)
    reports = [
        start(),
        interim(at=NOON + 5 * MINUTE, Acct_Output_Octets=GIB),
        stop(at=NOON + 9 * MINUTE, Acct_Output_Octets=2 * GIB),
    ]
    told = kinds(book(radius, *reports))
    everything = "SELECT r.*, s.*, g.used_bytes FROM radacct r, sessions s, grants g"
    before = radius.rows(everything)
    again = [reports[0], reports[2], reports[1], reports[0]]
    more = book(radius, *again) if together else [m for one in again for m in book(radius, one)]
    assert told == ["SessionStarted", "SessionEnded"]
    assert more == []
    assert radius.rows(everything) == before


def test_use_is_charged_to_the_grant_once_however_often_it_is_reported(radius: Database) -> None:
    radius.give(data_bytes=10 * GIB)
    for octets in (GIB, GIB, 2 * GIB, GIB):
        book(
            radius,
            interim(at=NOON + MINUTE, Acct_Output_Octets=octets, Acct_Input_Octets=10),
        )
    assert radius.row("SELECT used_bytes FROM grants").used_bytes == 2 * GIB + 10


def test_use_is_charged_to_the_grant_that_ran_when_it_was_used(radius: Database) -> None:
    first = radius.give(data_bytes=GIB)
    second = radius.give(starts_at=NOON + HOUR, ends_at=NOON + 2 * HOUR, data_bytes=GIB)
    for minute, octets in ((0, 0), (59, 5), (62, 7), (70, 100)):
        book(radius, interim(at=NOON + minute * MINUTE, Acct_Output_Octets=octets))
    charged = dict(radius.rows("SELECT grant_id, used_bytes FROM grants"))
    assert charged == {first.grant_id: 7, second.grant_id: 93}


def test_a_session_that_uses_its_data_up_has_reached_its_end(radius: Database) -> None:
    radius.give(data_bytes=GIB)
    at = NOON + 5 * MINUTE
    book(radius, start(), interim(at=at, Acct_Output_Octets=GIB))
    assert radius.row("SELECT ends_at FROM sessions").ends_at == at
    told = book(radius, stop(at=at + MINUTE, Acct_Output_Octets=GIB))
    assert kinds(told) == ["SessionEnded", "SessionExpired"]


def test_a_session_that_ends_with_its_time_is_told_as_expired_once(radius: Database) -> None:
    radius.give()
    last = stop(at=NOON + HOUR, cause="Session-Timeout")
    assert kinds(book(radius, start(), last, last)) == [
        "SessionStarted",
        "SessionEnded",
        "SessionExpired",
    ]


def test_a_new_start_of_the_same_device_closes_the_session_that_lost_its_stop(
    radius: Database,
) -> None:
    radius.give()
    book(radius, start())
    told = book(radius, start(session="80200002", at=NOON + 20 * MINUTE))
    assert kinds(told) == ["SessionEnded", "SessionStarted"]
    lost = radius.row("SELECT * FROM radacct WHERE acctsessionid = '80200001'")
    assert (lost.acctstoptime, lost.acctterminatecause) == (NOON + 20 * MINUTE, "Replaced")
    assert radius.row("SELECT count(*) FROM radacct WHERE acctstoptime IS NULL").count == 1


def test_a_late_start_of_an_older_session_does_not_close_the_newer_one(radius: Database) -> None:
    radius.give()
    book(radius, start(session="80200002", at=NOON + 20 * MINUTE))
    book(radius, start(session="80200001"))
    newer = radius.row("SELECT acctstoptime FROM radacct WHERE acctsessionid = '80200002'")
    assert newer.acctstoptime is None


@pytest.mark.parametrize("status", ["Accounting-On", "Accounting-Off"])
def test_a_router_that_reboots_has_nobody_online(radius: Database, status: str) -> None:
    radius.give(devices=2)
    book(radius, start(), start(session="80200002", mac=OTHER_MAC))
    rebooted = report(accounting(status), at=NOON + 30 * MINUTE)
    told = book(radius, rebooted, rebooted)
    assert kinds(told) == ["SessionEnded", "SessionEnded"]
    causes = radius.rows("SELECT DISTINCT acctterminatecause FROM radacct")
    assert causes == [("NAS-Reboot",)]


def test_a_reboot_spares_another_router_at_the_same_address_and_who_came_later(
    radius: Database,
) -> None:
    radius.give(devices=2)
    neighbour = accounting("Start", session="80200002", mac=OTHER_MAC)
    neighbour["NAS-Identifier"] = "site-2"
    book(radius, start(at=NOON + 31 * MINUTE), report(neighbour))
    assert book(radius, report(accounting("Accounting-On"), at=NOON + 30 * MINUTE)) == []
    assert radius.row("SELECT count(*) FROM sessions WHERE status = 'online'").count == 2


def test_accounting_of_strangers_is_kept_without_a_session(radius: Database) -> None:
    assert book(radius, start(username="nobody"), stop(at=NOON + MINUTE, username="nobody")) == []
    assert radius.row("SELECT username FROM radacct").username == "nobody"
    assert radius.rows("SELECT * FROM sessions") == []


def test_class_of_another_users_grant_is_not_believed(radius: Database) -> None:
    mine = radius.give()
    theirs = radius.give(username="bob")
    (told,) = book(radius, start(Class=str(theirs.grant_id).encode()))
    assert isinstance(told, SessionStarted)
    assert told.grant_id == mine.grant_id


def test_text_that_sql_cannot_keep_does_no_harm(radius: Database) -> None:
    packet = accounting("Start")
    packet[87] = [b"port\0\xff"]
    book(radius, report(packet))
    assert radius.row("SELECT nasportid FROM radacct").nasportid == "port\ufffd\ufffd"


def test_expired_is_told_by_its_stop_only_when_the_time_is_up(radius: Database) -> None:
    radius.give()
    told = book(radius, start(), stop(at=NOON + 59 * MINUTE))
    assert not any(isinstance(message, SessionExpired) for message in told)
