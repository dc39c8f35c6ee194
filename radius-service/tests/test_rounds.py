"""Rounds: what is over ends once, what is silent is closed, and the promise is told."""

import threading
from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from hotspot.bus.work import Handlers
from hotspot.contract.message import Message
from hotspot.contract.operations import AlarmCleared, AlarmRaised, PromiseChecked
from hotspot.contract.sessions import (
    CheckExpiredSessionsJob,
    DisconnectSessionJob,
    SessionExpired,
)
from hotspot.testing.handling import NOON, FakePublisher, run
from radius_service import rounds
from radius_service.dispatch import Dispatch
from radius_service.timer import SessionTimer

from .test_booking import book, interim, start, stop
from .world import GIB, OTHER_MAC, Database, MovedClock

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
OVER = NOON + HOUR + rounds.ROUTERS_TURN

CHECK: Handlers = {CheckExpiredSessionsJob: rounds.check_expired_sessions}


def check(radius: Database, at: datetime) -> list[Message]:
    """What the five-minute job tells, but for the figure, which it always tells."""
    told = run(CHECK, CheckExpiredSessionsJob(), radius.engine, now=at, service="radius")
    return [one for one in told if not isinstance(one, PromiseChecked)]


def names(told: Iterable[Message]) -> list[str]:
    return [one.NAME for one in told]


def timer(radius: Database, publisher: FakePublisher, clock: MovedClock) -> SessionTimer:
    return SessionTimer(radius.engine, Dispatch(radius.engine, publisher), clock)


def test_a_session_past_its_end_is_told_as_expired_and_disconnected_once(radius: Database) -> None:
    grant = radius.give()
    book(radius, start(), interim(at=NOON + 59 * MINUTE))
    assert check(radius, NOON + HOUR) == []  # its router ends it by itself, in most cases
    told, sent_off = check(radius, OVER)
    assert isinstance(told, SessionExpired)
    assert (told.grant_id, told.payment_id, told.cause) == (
        grant.grant_id,
        grant.payment_id,
        "time",
    )
    assert sent_off == DisconnectSessionJob(session_id=told.session_id, reason="expired")
    assert check(radius, OVER + SECOND) == []
    assert names(book(radius, stop(at=OVER + 2 * SECOND))) == ["SessionEnded"]


def test_a_session_of_a_user_who_paid_again_is_not_expired(radius: Database) -> None:
    radius.give()
    book(radius, start(), interim(at=NOON + 59 * MINUTE))
    radius.give(starts_at=NOON + HOUR, ends_at=NOON + 2 * HOUR)
    assert check(radius, OVER) == []


def test_all_devices_of_a_user_whose_data_is_used_up_are_sent_off(radius: Database) -> None:
    radius.give(data_bytes=GIB, devices=2)
    book(radius, start(), start(session="80200002", mac=OTHER_MAC))
    book(radius, interim(at=NOON + 5 * MINUTE, Acct_Output_Octets=GIB))
    told = check(radius, NOON + 6 * MINUTE)
    assert names(told) == ["SessionExpired"] * 2 + ["DisconnectSessionJob"] * 2
    assert {one.cause for one in told if isinstance(one, SessionExpired)} == {"data"}


def test_a_session_that_missed_three_interim_updates_is_closed(radius: Database) -> None:
    radius.give(devices=2, ends_at=NOON + 9 * HOUR)
    book(radius, start(), start(session="80200002", mac=OTHER_MAC))
    book(radius, interim(at=NOON + 10 * MINUTE))
    assert names(check(radius, NOON + 17 * MINUTE)) == ["SessionEnded"]
    closed = radius.rows("SELECT acctsessionid, acctterminatecause FROM radacct ORDER BY 1")
    assert closed == [("80200001", None), ("80200002", "Silent")]


def test_a_session_that_was_only_silent_goes_on_when_it_is_heard_again(radius: Database) -> None:
    radius.give()
    book(radius, start())
    check(radius, NOON + 20 * MINUTE)
    assert names(book(radius, interim(at=NOON + 25 * MINUTE))) == ["SessionStarted"]
    session = radius.row("SELECT status, ended_at FROM sessions")
    assert tuple(session) == ("online", None)


def test_who_was_told_as_expired_and_goes_on_is_sent_off_again_but_not_told_again(
    radius: Database,
) -> None:
    radius.give()
    book(radius, start(), interim(at=NOON + 59 * MINUTE))
    check(radius, OVER)
    check(radius, NOON + HOUR + 30 * MINUTE)  # silent by then
    assert radius.row("SELECT outcome FROM kicks").outcome == "silent"
    at = NOON + HOUR + 35 * MINUTE
    book(radius, interim(at=at))
    assert names(check(radius, at)) == ["DisconnectSessionJob", "AlarmRaised"]


def test_a_grant_that_was_never_used_leaves_no_session_waiting(radius: Database) -> None:
    radius.give()
    assert check(radius, NOON + HOUR) == []
    session = radius.row("SELECT status, cause, ended_at FROM sessions")
    assert tuple(session) == ("ended", "never used", NOON + HOUR)


def test_more_than_one_transaction_should_hold_is_done_in_several(radius: Database) -> None:
    clock, publisher = MovedClock(OVER), FakePublisher()
    for name in ("ann", "bob", "eve"):
        radius.give(username=name)
    book(radius, *(start(username=name, session=name) for name in ("ann", "bob", "eve")))
    radius.execute("UPDATE sessions SET seen_at = :at", at=OVER)
    with Session(radius.engine) as db:
        made = rounds.make_round(db, clock(), tell_every=HOUR, most=2)
        db.commit()
    assert made is not None
    assert made.is_full
    assert not timer(radius, publisher, clock).tick()
    assert radius.row("SELECT count(*) FROM kicks").count == 3


def test_the_timer_sends_what_is_due_in_its_transaction(radius: Database) -> None:
    radius.give()
    book(radius, start(), interim(at=NOON + 59 * MINUTE))
    clock, publisher = MovedClock(NOON + 59 * MINUTE), FakePublisher()
    ticking = timer(radius, publisher, clock)
    ticking.tick()
    clock.now = OVER
    ticking.tick()
    ticking.tick()
    payment_id = radius.row("SELECT payment_id FROM sessions").payment_id
    sent = "SELECT name, correlation_id FROM outbox WHERE name ~ 'Expired|Disconnect' ORDER BY 1"
    assert radius.rows(sent) == [
        ("DisconnectSessionJob", payment_id),
        ("SessionExpired", payment_id),
    ]


class OneRound(threading.Event):
    """Lets the timer make one round."""

    def wait(self, timeout: float | None = None) -> bool:
        if self.is_set():
            return True
        self.set()
        return False


def test_the_timer_survives_a_database_that_is_away() -> None:
    nowhere = create_engine("postgresql+psycopg://nobody@127.0.0.1:1/none")
    ticking = SessionTimer(nowhere, Dispatch(nowhere, FakePublisher()), MovedClock())
    stopped = OneRound()
    ticking.run(stopped)
    assert stopped.is_set()


def test_of_several_processes_one_makes_the_round(radius: Database) -> None:
    radius.give()
    book(radius, start())
    with radius.engine.begin() as connection:
        connection.execute(text(f"SELECT pg_advisory_xact_lock({rounds._LOCK})"))
        assert not timer(radius, FakePublisher(), MovedClock(OVER)).tick()
        assert check(radius, OVER) == []
    assert radius.rows("SELECT * FROM kicks") == []


def test_a_session_open_without_time_breaks_the_promise_and_raises_one_alarm(
    radius: Database,
) -> None:
    radius.give()
    book(radius, start(), interim(at=NOON + 59 * MINUTE))
    late = NOON + HOUR + 61 * SECOND
    at_first = run(CHECK, CheckExpiredSessionsJob(), radius.engine, now=late, service="radius")
    figure = [one for one in at_first if isinstance(one, PromiseChecked)]
    assert figure == [
        PromiseChecked(promise="service_without_time", broken=1, checked_at=late, since=NOON + HOUR)
    ]
    assert [one.alarm for one in at_first if isinstance(one, AlarmRaised)] == [
        "service_without_time"
    ]
    assert not any(isinstance(one, AlarmRaised) for one in check(radius, late + MINUTE))
    book(radius, stop(at=late + 2 * MINUTE))
    cleared = check(radius, late + 3 * MINUTE)
    assert cleared == [
        AlarmCleared(
            service="radius",
            alarm="service_without_time",
            subject="radius",
            cleared_at=late + 3 * MINUTE,
        )
    ]


@pytest.mark.parametrize(("after", "told"), [(30 * SECOND, 1), (MINUTE, 2)])
def test_the_timer_tells_the_figure_each_minute_and_when_it_changes(
    radius: Database, after: timedelta, told: int
) -> None:
    clock = MovedClock()
    ticking = timer(radius, FakePublisher(), clock)
    ticking.tick()
    clock.now += after
    ticking.tick()
    figures = "SELECT count(*) FROM outbox WHERE name = 'PromiseChecked'"
    assert radius.row(figures).count == told
    radius.give(starts_at=NOON - HOUR, ends_at=NOON - HOUR / 2)
    book(radius, start(at=NOON - HOUR))
    radius.execute("UPDATE sessions SET seen_at = :at", at=clock.now)
    ticking.tick()
    assert radius.row(figures).count == told + 1
