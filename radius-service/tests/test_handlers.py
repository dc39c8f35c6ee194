"""Messages in, each run twice."""

from datetime import datetime, timedelta

import pytest

from hotspot.bus.outcome import Reject
from hotspot.bus.work import Handlers
from hotspot.contract import table
from hotspot.contract.access import RadiusUserAuthorized
from hotspot.contract.message import Message
from hotspot.contract.operations import RotateLogs
from hotspot.contract.sessions import (
    CheckExpiredSessionsJob,
    DisconnectSessionJob,
    SessionExpired,
)
from hotspot.contract.topology import messages_in
from hotspot.testing.handling import NOON, run
from radius_service import handlers as ours
from radius_service.worker import handlers as handlers_of

from .test_booking import book, interim, start
from .world import MAC, OTHER_MAC, Database

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)

CHECK: Handlers = {CheckExpiredSessionsJob: ours.check_expired_sessions}


def check(radius: Database, at: datetime) -> list[Message]:
    return run(CHECK, CheckExpiredSessionsJob(), radius.engine, now=at, service="radius")


def test_every_message_that_lands_here_has_a_handler(config: object) -> None:
    queues = [queue for queue in table.QUEUES if queue.of == table.RADIUS]
    landing = {row.handled_as for queue in queues for row in messages_in(queue)}
    assert landing <= set(handlers_of(config))  # type: ignore[arg-type]


def test_a_buyer_is_let_in(radius: Database) -> None:
    job = radius.order(mac="02-00-5e-10-00-00", router_id="r1", data_bytes=100)
    (told,) = radius.authorize(job)
    assert told == RadiusUserAuthorized(
        user_id=job.user_id,
        username="alice",
        grant_id=job.grant_id,
        payment_id=job.payment_id,
        authorized_at=NOON,
    )
    assert radius.rows("SELECT username, attribute, op, value FROM radcheck") == [
        ("alice", "Cleartext-Password", ":=", "secret-pw")
    ]
    assert radius.rows("SELECT attribute, op, value FROM radreply ORDER BY attribute") == [
        ("Acct-Interim-Interval", ":=", "300"),
        ("Idle-Timeout", ":=", "600"),
    ]
    grant = radius.row("SELECT * FROM grants")
    assert (grant.grant_id, grant.mac, grant.data_bytes) == (job.grant_id, MAC, 100)
    session = radius.row("SELECT * FROM sessions")
    assert (session.status, session.grant_id, session.payment_id, session.router_id) == (
        "awaiting",
        job.grant_id,
        job.payment_id,
        "r1",
    )
    assert session.session_id.version == 7


def test_the_same_grant_ordered_again_adds_nothing_but_is_answered(radius: Database) -> None:
    job = radius.order(data_bytes=100)
    first = radius.authorize(job)
    radius.execute("UPDATE grants SET used_bytes = 60")
    assert radius.authorize(job) == first
    assert radius.row("SELECT used_bytes FROM grants").used_bytes == 60
    assert radius.row("SELECT count(*) FROM sessions").count == 1


def test_a_second_grant_of_the_same_user_extends(radius: Database) -> None:
    radius.give()
    radius.give(starts_at=NOON + HOUR, ends_at=NOON + 2 * HOUR, password="newer")
    limits = radius.row("SELECT * FROM login_limits('alice', NULL, :at)", at=NOON)
    assert limits.seconds_left == 7200
    assert radius.rows("SELECT value FROM radcheck") == [("newer",)]
    assert radius.row("SELECT count(*) FROM radreply").count == 2


def test_a_second_grant_extends_who_is_online(radius: Database) -> None:
    radius.give()
    book(radius, start())
    radius.give(starts_at=NOON + HOUR, ends_at=NOON + 2 * HOUR)
    online = radius.row("SELECT ends_at FROM sessions WHERE status = 'online'")
    assert online.ends_at == NOON + 2 * HOUR


def test_what_an_operator_put_into_radreply_stays(radius: Database) -> None:
    radius.give()
    radius.execute("UPDATE radreply SET value = '60' WHERE attribute = 'Idle-Timeout'")
    radius.give(starts_at=NOON + HOUR, ends_at=NOON + 2 * HOUR)
    idle = radius.row("SELECT value FROM radreply WHERE attribute = 'Idle-Timeout'")
    assert idle.value == "60"


def test_a_password_that_no_key_opens_can_never_be_set(radius: Database) -> None:
    job = radius.order()
    stranger = Database(radius.engine)
    with pytest.raises(Reject):
        stranger.authorize(job)
    assert radius.rows("SELECT * FROM radcheck") == []


def test_a_grant_without_time_is_refused(radius: Database) -> None:
    with pytest.raises(Reject):
        radius.give(ends_at=NOON)


def test_a_session_past_its_end_is_told_as_expired_and_disconnected_once(radius: Database) -> None:
    grant = radius.give()
    book(radius, start(), interim(at=NOON + 59 * MINUTE))
    assert check(radius, NOON + HOUR - MINUTE) == []
    told, sent_off = check(radius, NOON + HOUR)
    assert isinstance(told, SessionExpired)
    assert (told.grant_id, told.payment_id) == (grant.grant_id, grant.payment_id)
    assert sent_off == DisconnectSessionJob(session_id=told.session_id, reason="expired")
    assert check(radius, NOON + HOUR + MINUTE) == []


def test_a_session_of_a_user_who_paid_again_is_not_expired(radius: Database) -> None:
    radius.give()
    book(radius, start(), interim(at=NOON + 59 * MINUTE))
    radius.give(starts_at=NOON + HOUR, ends_at=NOON + 2 * HOUR)
    assert check(radius, NOON + HOUR) == []


def test_a_session_that_missed_three_interim_updates_is_closed(radius: Database) -> None:
    radius.give(devices=2, ends_at=NOON + 9 * HOUR)
    book(radius, start(), start(session="80200002", mac=OTHER_MAC))
    book(radius, interim(at=NOON + 10 * MINUTE))
    told = check(radius, NOON + 17 * MINUTE)
    assert [message.NAME for message in told] == ["SessionEnded"]
    closed = radius.rows("SELECT acctsessionid, acctterminatecause FROM radacct ORDER BY 1")
    assert closed == [("80200001", None), ("80200002", "Silent")]


def test_a_session_that_was_only_silent_goes_on_when_it_is_heard_again(radius: Database) -> None:
    radius.give()
    book(radius, start())
    check(radius, NOON + 20 * MINUTE)
    told = book(radius, interim(at=NOON + 25 * MINUTE))
    assert [message.NAME for message in told] == ["SessionStarted"]
    session = radius.row("SELECT status, ended_at FROM sessions")
    assert tuple(session) == ("online", None)


def test_a_grant_that_was_never_used_leaves_no_session_waiting(radius: Database) -> None:
    radius.give()
    assert check(radius, NOON + HOUR) == []
    session = radius.row("SELECT status, cause, ended_at FROM sessions")
    assert tuple(session) == ("ended", "never used", NOON + HOUR)


def test_old_answers_to_logins_are_pruned(radius: Database) -> None:
    for days in (29, 31, 400):
        radius.execute(
            "INSERT INTO radpostauth (username, authdate) VALUES (:name, :at)",
            name=str(days),
            at=NOON - timedelta(days=days),
        )
    run({RotateLogs: ours.rotate_logs}, RotateLogs(), radius.engine, service="radius")
    assert radius.rows("SELECT username FROM radpostauth") == [("29",)]
