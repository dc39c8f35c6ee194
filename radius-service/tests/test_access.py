"""Messages in, each run twice."""

from datetime import timedelta
from functools import partial

import pytest

from hotspot.bus.outcome import Reject, Retry
from hotspot.bus.work import Handlers
from hotspot.contract import table
from hotspot.contract.access import (
    AuthorizeRadiusUserJob,
    MoveGrantJob,
    RadiusUserAuthorized,
    ReleaseRadiusUserJob,
    RevokeGrantJob,
    SuspendRadiusUserJob,
)
from hotspot.contract.message import Message
from hotspot.contract.sessions import DisconnectSessionJob, ExtendSessionJob
from hotspot.contract.topology import messages_in
from hotspot.testing.handling import NOON, run
from radius_service import access
from radius_service.worker import handlers as handlers_of

from .test_booking import book, start, stop
from .world import MAC, OTHER_MAC, Database

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)

HANDLERS: Handlers = {
    MoveGrantJob: access.move_grant,
    RevokeGrantJob: access.revoke_grant,
    SuspendRadiusUserJob: access.suspend_radius_user,
    ReleaseRadiusUserJob: access.release_radius_user,
}


def order(radius: Database, job: Message, *, after: timedelta = timedelta(0)) -> list[Message]:
    return run(HANDLERS, job, radius.engine, now=NOON + after, service="radius")


def sent_off(told: list[Message]) -> list[str]:
    """Why guests are sent off by what was told."""
    return [one.reason for one in told if isinstance(one, DisconnectSessionJob)]


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


def test_a_second_grant_extends_who_is_online_and_their_router_is_told(radius: Database) -> None:
    radius.give()
    book(radius, start())
    extended, _ = radius.authorize(radius.order(starts_at=NOON + HOUR, ends_at=NOON + 2 * HOUR))
    online = radius.row("SELECT session_id, ends_at FROM sessions WHERE status = 'online'")
    assert online.ends_at == NOON + 2 * HOUR
    assert extended == ExtendSessionJob(session_id=online.session_id)


def test_a_higher_revision_replaces_the_terms_of_a_grant_and_a_lower_one_does_not(
    radius: Database,
) -> None:
    job = radius.give(data_bytes=100)
    radius.execute("UPDATE grants SET used_bytes = 60")
    later = {"ends_at": NOON + 3 * HOUR, "down_kbps": 9000, "data_bytes": 500}
    for revision, fields in ((2, later), (1, {"ends_at": NOON + 9 * HOUR})):
        changed = radius.order(grant_id=job.grant_id, revision=revision, **fields)
        assert isinstance(radius.authorize(changed)[-1], RadiusUserAuthorized)
    grant = radius.row("SELECT * FROM grants")
    assert (grant.ends_at, grant.down_kbps, grant.data_bytes) == (NOON + 3 * HOUR, 9000, 500)
    assert (grant.used_bytes, grant.revision) == (60, 2)
    awaiting = radius.row("SELECT status, ends_at FROM sessions")
    assert tuple(awaiting) == ("awaiting", NOON + 3 * HOUR)


def test_a_revision_that_shortens_a_grant_shortens_the_session(radius: Database) -> None:
    job = radius.give()
    book(radius, start())
    shorter = radius.order(grant_id=job.grant_id, ends_at=NOON + HOUR / 2, revision=1)
    assert isinstance(radius.authorize(shorter)[0], ExtendSessionJob)
    assert radius.row("SELECT ends_at FROM sessions").ends_at == NOON + HOUR / 2


def test_a_user_without_a_phone_is_let_in(radius: Database) -> None:
    radius.give(phone=None)
    book(radius, start())
    assert tuple(radius.row("SELECT phone, status FROM sessions")) == (None, "online")


@pytest.mark.parametrize("devices", [1, 2])
def test_a_moved_grant_is_the_new_devices_and_the_old_one_is_sent_off(
    radius: Database, devices: int
) -> None:
    grant = radius.give(mac=MAC, devices=devices)
    book(radius, start())
    moved = MoveGrantJob(
        grant_id=grant.grant_id, username="Alice ", mac="02-00-5e-10-00-99", moved_at=NOON
    )
    assert sent_off(order(radius, moved)) == ["moved"]
    earlier = MoveGrantJob(
        grant_id=grant.grant_id, username="alice", mac=MAC, moved_at=NOON - MINUTE
    )
    assert order(radius, earlier) == []
    assert radius.row("SELECT mac FROM grants").mac == OTHER_MAC


def test_a_move_leaves_the_other_devices_of_a_grant_alone(radius: Database) -> None:
    grant = radius.give(mac=MAC, devices=3)
    book(radius, start(session="80200002", mac=OTHER_MAC))
    third = "02:00:5E:10:00:33"
    job = MoveGrantJob(grant_id=grant.grant_id, username="alice", mac=third, moved_at=NOON)
    assert order(radius, job) == []


def test_a_move_waits_for_its_grant(radius: Database) -> None:
    grant = radius.order()
    job = MoveGrantJob(grant_id=grant.grant_id, username="alice", mac=MAC, moved_at=NOON)
    with pytest.raises(Retry):
        order(radius, job)


def revocation(grant: AuthorizeRadiusUserJob, *, after: timedelta) -> RevokeGrantJob:
    return RevokeGrantJob(grant_id=grant.grant_id, username="alice", revoked_at=NOON + after)


def test_a_revoked_grant_is_over_and_who_is_online_by_it_is_sent_off(radius: Database) -> None:
    grant = radius.give()
    book(radius, start())
    job = revocation(grant, after=5 * MINUTE)
    assert sent_off(order(radius, job, after=5 * MINUTE)) == ["revoked"]
    limits = radius.row("SELECT reason FROM login_limits('alice', NULL, :at)", at=NOON + HOUR / 2)
    assert limits.reason == "expired"
    ended = book(radius, stop(at=NOON + 6 * MINUTE, cause="Admin-Reset"))
    assert [one.NAME for one in ended] == ["SessionEnded"]  # it was not used up


def test_who_has_other_access_stays_when_a_grant_is_revoked(radius: Database) -> None:
    first = radius.give()
    radius.give(starts_at=NOON, ends_at=NOON + HOUR / 2)
    book(radius, start())
    told = order(radius, revocation(first, after=5 * MINUTE), after=5 * MINUTE)
    assert [one.NAME for one in told] == ["ExtendSessionJob"]
    assert radius.row("SELECT ends_at FROM sessions WHERE status = 'online'")[0] == NOON + HOUR / 2


def test_a_grant_that_is_revoked_before_it_arrives_or_begins_gives_nothing(
    radius: Database,
) -> None:
    unborn = radius.order(starts_at=NOON + HOUR, ends_at=NOON + 2 * HOUR)
    order(radius, revocation(unborn, after=timedelta(0)))
    radius.authorize(unborn)
    later = radius.order(
        grant_id=unborn.grant_id,
        starts_at=NOON + HOUR,
        ends_at=NOON + 9 * HOUR,
        revision=4,
    )
    radius.authorize(later)
    limits = radius.row("SELECT reason FROM login_limits('alice', NULL, :at)", at=NOON + HOUR)
    assert limits.reason == "expired"


def test_a_suspended_user_is_sent_off_and_refused_until_released(radius: Database) -> None:
    grant = radius.give()
    book(radius, start())
    suspend = SuspendRadiusUserJob(
        user_id=grant.user_id, username="alice", reason="suspended", changed_at=NOON + MINUTE
    )
    release = ReleaseRadiusUserJob(
        user_id=grant.user_id, username="alice", changed_at=NOON + 2 * MINUTE
    )
    reason = partial(radius.row, "SELECT reason FROM login_limits('alice', :mac, :at)", mac=MAC)
    assert sent_off(order(radius, suspend)) == ["suspended"]
    assert reason(at=NOON).reason == "suspended"
    order(radius, release)
    assert reason(at=NOON).reason == "ok"
    assert tuple(radius.row("SELECT ended_at, outcome FROM kicks")) == (NOON, "may stay")
    assert order(radius, suspend) == []  # it comes late: the release is newer
    assert reason(at=NOON).reason == "ok"


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
