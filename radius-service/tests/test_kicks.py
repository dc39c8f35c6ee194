"""The kick ledger: guests are sent off until they are gone, and each step is written down."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from hotspot.bus.work import Handlers
from hotspot.contract.message import Message
from hotspot.contract.operations import AlarmCleared, AlarmRaised
from hotspot.contract.sessions import (
    CheckExpiredSessionsJob,
    DisconnectGuestJob,
    DisconnectSessionJob,
    GuestDisconnected,
    SessionEnded,
)
from hotspot.testing.handling import NOON, run
from radius_service import rounds
from radius_service.coa import Answer, Kick
from radius_service.disconnecting import API_WITHIN, disconnecting, record_guest_disconnected
from radius_service.kicks import pause_after

from .test_booking import book, start, stop
from .world import SECRET, Database

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)

ASKED, GONE = Answer(outcome="asked"), Answer(outcome="gone", detail="Error-Cause 503")
SILENT, REFUSED = Answer(outcome="silent"), Answer(outcome="refused", detail="Error-Cause 401")


def nobody(_: Kick) -> Answer:
    raise AssertionError("the router must not be asked")


def send_off(
    radius: Database,
    answer: Answer | Callable[[Kick], Answer],
    *,
    at: datetime = NOON,
    reason: str = "operator",
) -> list[Message]:
    session_id = radius.row("SELECT session_id FROM sessions").session_id
    job = DisconnectSessionJob(session_id=session_id, reason=reason)  # type: ignore[arg-type]
    call = answer if callable(answer) else lambda _: answer
    handlers: Handlers = {DisconnectSessionJob: disconnecting(3799, call)}
    return run(handlers, job, radius.engine, now=at, service="radius")


def api_says(radius: Database, outcome: str, *, at: datetime, attempt: int = 1) -> list[Message]:
    event = GuestDisconnected(
        session_id=radius.row("SELECT session_id FROM sessions").session_id,
        attempt=attempt,
        outcome=outcome,  # type: ignore[arg-type]
        detail="said the API",
        at=at,
    )
    handlers: Handlers = {GuestDisconnected: record_guest_disconnected}
    return run(handlers, event, radius.engine, now=at, service="radius")


def check(radius: Database, at: datetime) -> list[Message]:
    handlers: Handlers = {CheckExpiredSessionsJob: rounds.check_expired_sessions}
    told = run(handlers, CheckExpiredSessionsJob(), radius.engine, now=at, service="radius")
    return [one for one in told if one.NAME != "PromiseChecked"]


def steps(radius: Database) -> list[tuple[str, str]]:
    rows = radius.rows("SELECT step, outcome FROM kick_steps ORDER BY step_id")
    return [(row.step, row.outcome) for row in rows]


@pytest.fixture
def online(radius: Database) -> Database:
    """Alice is online."""
    radius.give(ends_at=NOON + timedelta(hours=9))
    book(radius, start())
    return radius


def test_the_router_that_the_guest_is_at_is_asked_with_the_name_it_knows(online: Database) -> None:
    online.execute("UPDATE sessions SET login_name = 'Alice'")
    online.execute("INSERT INTO nas_settings (nasname, coa_port) VALUES ('127.0.0.1', 1700)")
    asked: list[Kick] = []

    def call(one: Kick) -> Answer:
        asked.append(one)
        return ASKED

    assert send_off(online, call) == []
    assert asked == [
        Kick(
            address="127.0.0.1",
            port=1700,
            secret=SECRET,
            username="Alice",
            session_id="80200001",
            ip="10.5.50.7",
        )
    ]


def test_a_guest_who_was_sent_off_is_gone_when_the_stop_comes(online: Database) -> None:
    send_off(online, ASKED)
    assert online.row("SELECT ended_at FROM kicks").ended_at is None
    book(online, stop(at=NOON + SECOND, cause="Admin-Reset"))
    kick = online.row("SELECT reason, attempts, ended_at, outcome FROM kicks")
    assert tuple(kick) == ("operator", 1, NOON + SECOND, "stopped")
    assert steps(online) == [("disconnect_request", "asked"), ("verified", "stopped")]


def test_a_session_that_its_router_does_not_know_is_ended_here(online: Database) -> None:
    (told,) = send_off(online, GONE)
    assert isinstance(told, SessionEnded)
    row = online.row("SELECT acctstoptime, acctterminatecause FROM radacct")
    assert tuple(row) == (NOON, "Gone")
    assert steps(online) == [("disconnect_request", "gone"), ("verified", "gone")]


@pytest.mark.parametrize("answer", [REFUSED, SILENT])
def test_a_router_that_does_not_obey_is_asked_through_its_api(
    online: Database, answer: Answer
) -> None:
    (job,) = send_off(online, answer)
    session = online.row("SELECT session_id FROM sessions")
    assert job == DisconnectGuestJob(
        session_id=session.session_id,
        attempt=1,
        username="alice",
        nas="127.0.0.1",
        requested_at=NOON,
        nas_identifier="site-1",
        acct_session_id="80200001",
        mac="02:00:5E:10:00:00",
        ip="10.5.50.7",
    )
    api_says(online, "removed", at=NOON + SECOND)
    book(online, stop(at=NOON + 2 * SECOND))
    assert steps(online) == [
        ("disconnect_request", answer.outcome),
        ("router_api", "removed"),
        ("verified", "stopped"),
    ]


def test_a_guest_who_is_not_there_by_the_api_is_gone(online: Database) -> None:
    send_off(online, SILENT)
    (told,) = api_says(online, "not_there", at=NOON + SECOND)
    assert isinstance(told, SessionEnded)
    assert online.row("SELECT outcome FROM kicks").outcome == "gone"


def test_what_the_api_said_before_the_guest_was_seen_again_is_not_believed(
    online: Database,
) -> None:
    send_off(online, SILENT)
    online.execute("UPDATE sessions SET seen_at = :at", at=NOON + MINUTE)
    assert api_says(online, "not_there", at=NOON + SECOND) == []
    assert online.row("SELECT status FROM sessions").status == "online"


def test_what_the_api_did_is_written_down_though_the_stop_came_first(online: Database) -> None:
    send_off(online, SILENT)
    book(online, stop(at=NOON + SECOND))
    assert api_says(online, "removed", at=NOON + SECOND) == []
    assert ("router_api", "removed") in steps(online)
    assert online.row("SELECT outcome FROM kicks").outcome == "stopped"


def test_an_answer_of_the_api_about_nobody_is_let_be(online: Database) -> None:
    assert api_says(online, "removed", at=NOON) == []
    assert steps(online) == []


def test_a_silent_router_is_not_waited_for_again_at_once(online: Database) -> None:
    send_off(online, SILENT)
    api_says(online, "removed", at=NOON + SECOND)
    (job,) = send_off(online, nobody, at=NOON + MINUTE)
    assert isinstance(job, DisconnectGuestJob)
    assert steps(online)[-2:] == [("disconnect_request", "skipped"), ("router_api", "waiting")]
    send_off(online, ASKED, at=NOON + 6 * MINUTE)
    assert online.rows("SELECT * FROM deaf_routers") == []


@pytest.mark.parametrize("api", ["unreachable", "unknown_router", None])
def test_a_router_that_was_silent_is_asked_again_soon_where_its_api_is_of_no_use(
    online: Database, api: str | None
) -> None:
    send_off(online, SILENT)
    if api is not None:
        api_says(online, api, at=NOON + SECOND)
    send_off(online, nobody, at=NOON + 10 * SECOND)
    assert send_off(online, ASKED, at=NOON + 20 * SECOND) == []


def test_a_router_whose_secret_is_unknown_is_asked_through_its_api(online: Database) -> None:
    online.execute("DELETE FROM nas")
    (job,) = send_off(online, nobody)
    assert isinstance(job, DisconnectGuestJob)


def test_a_call_that_ended_unclear_falls_back_too(online: Database) -> None:
    def call(_: Kick) -> Answer:
        raise ValueError("no idea")

    (job,) = send_off(online, call)
    assert isinstance(job, DisconnectGuestJob)
    assert steps(online)[0] == ("disconnect_request", "unclear")


def test_who_has_left_already_is_not_asked_for(online: Database) -> None:
    book(online, stop(at=NOON))
    assert send_off(online, nobody) == []
    assert online.rows("SELECT * FROM kicks") == []


def test_a_guest_who_paid_before_the_order_came_stays(online: Database) -> None:
    assert send_off(online, nobody, reason="expired") == []


def test_a_guest_is_ordered_off_with_growing_pauses_until_gone(online: Database) -> None:
    send_off(online, ASKED)
    at, pauses = NOON, []
    for attempt in (1, 2, 3, 4, 5, 6, 7):
        due = online.row("SELECT due_at FROM kicks").due_at
        pauses.append(due - at)
        online.execute("UPDATE sessions SET seen_at = :at", at=due)
        assert "DisconnectSessionJob" not in [one.NAME for one in check(online, due - SECOND)]
        assert check(online, due)[0].NAME == "DisconnectSessionJob"
        assert online.row("SELECT attempts FROM kicks").attempts == attempt + 1
        at = due
    assert pauses == [pause_after(attempt) for attempt in (1, 2, 3, 4, 5, 6, 7)]
    assert pauses[-2:] == [timedelta(minutes=5)] * 2


def test_a_router_that_says_yes_and_does_nothing_is_asked_through_its_api(
    online: Database,
) -> None:
    send_off(online, ASKED)
    due = online.row("SELECT due_at FROM kicks").due_at
    check(online, due)
    (job,) = send_off(online, ASKED, at=due)
    assert isinstance(job, DisconnectGuestJob)
    assert job.attempt == 2
    assert online.row("SELECT due_at FROM kicks").due_at == due + API_WITHIN


def test_guests_who_cannot_be_sent_off_raise_one_alarm_for_their_router(online: Database) -> None:
    send_off(online, REFUSED)
    online.execute("UPDATE kicks SET attempts = 4, due_at = :at", at=NOON + timedelta(hours=1))
    (raised,) = check(online, NOON + MINUTE)
    assert isinstance(raised, AlarmRaised)
    assert (raised.alarm, raised.subject) == ("guest_cannot_be_disconnected", "127.0.0.1")
    assert "site-1" in raised.said
    assert check(online, NOON + 2 * MINUTE) == []
    book(online, stop(at=NOON + 3 * MINUTE))
    (cleared,) = check(online, NOON + 4 * MINUTE)
    assert isinstance(cleared, AlarmCleared)
