"""A lookup that hangs, fails, or comes too late: it is its own trouble, and nobody else's."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text

from hotspot.testing.handling import NOON, FakePublisher
from radius_service.answering import MOST_WAITING, TOO_OLD_SECONDS, LoginDesk
from radius_service.asked import Asked
from radius_service.counters import Counters
from radius_service.dispatch import Dispatch
from radius_service.journal import Journal
from radius_service.nas import Client
from radius_service.packets import read
from radius_service.recent import Exchange
from radius_service.server import LOGIN_THREADS
from radius_service.waiting import Waiting

from .world import (
    ACCEPT,
    ACCOUNTED,
    SECRET,
    Database,
    MovedClock,
    Running,
    accounting,
    accounts,
    answer_to,
    asks,
    bytes_of,
    keeps_asking,
    login,
    until,
)

WELL = ["alice"] * 20

# As `login_owner`, but "stuck" waits for whoever holds lock 7, and "broken" fails.
_TRAP = (
    "ALTER FUNCTION login_owner(text, text, timestamptz) RENAME TO owner_of_login",
    """CREATE FUNCTION login_owner(typed text, device text, at timestamptz) RETURNS text
    LANGUAGE plpgsql AS $$
    BEGIN
        IF typed = 'stuck' THEN
            PERFORM pg_advisory_xact_lock(7);
        ELSIF typed = 'broken' THEN
            RAISE 'nothing works for this one' USING ERRCODE = 'data_exception';
        END IF;
        RETURN owner_of_login(typed, device, at);
    END
    $$""",
)


@pytest.fixture
def trapped(radius: Database) -> Database:
    """A database in which looking up "stuck" hangs while `hanging`, and "broken" never works."""
    for statement in _TRAP:
        radius.execute(statement)
    for name in ("alice", "stuck", "broken"):
        radius.give(username=name)
    return radius


@contextmanager
def hanging(radius: Database) -> Iterator[None]:
    """Have lookups of "stuck" hang until the block ends."""
    with radius.engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(7)"))
        yield


def hang(radius: Database, how_many: int) -> bool:
    """Whether so many lookups hang."""
    row = radius.row(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    return bool(row[0] == how_many)


def test_others_are_answered_while_lookups_hang(trapped: Database, running: Running) -> None:
    answered = login()
    reply = running.ask(bytes_of(answered))
    with socket.socket(type=socket.SOCK_DGRAM) as door, hanging(trapped):
        patient = replace(running, door=door)
        for stuck in range(1, LOGIN_THREADS):  # all threads but one
            patient.send(bytes_of(login("stuck")))
            until(partial(hang, trapped, stuck))
        assert running.hears_only_status()
        assert running.ask(bytes_of(answered)) == reply
        assert asks(running).code == ACCEPT
        assert asks(running, username="nobody").code != ACCEPT
        assert accounts(running, accounting("Start")).code == ACCOUNTED


def test_a_lookup_that_hangs_is_given_up_and_done_anew_when_asked_again(
    trapped: Database, running: Running
) -> None:
    packet = login("stuck")
    with hanging(trapped):
        running.send(bytes_of(packet))
        until(lambda: running.counts.get("login_database_away") == 1)
    assert keeps_asking(running, packet).code == ACCEPT


def test_one_that_always_fails_costs_the_others_one_try(
    trapped: Database, running: Running
) -> None:
    broken, *others = (login(name, identifier=n) for n, name in enumerate(["broken", *WELL]))
    with trapped.engine.begin() as connection:  # so that they wait for one another
        connection.execute(text("LOCK TABLE radcheck IN ACCESS EXCLUSIVE MODE"))
        for packet in (broken, *others):
            running.send(bytes_of(packet))
    until(lambda: running.counts.get("login_database_away", 0) >= 1)
    replies: dict[int, bytes] = {}
    until(lambda: asked_again(running, others, replies), seconds=10)
    for packet in others:
        assert answer_to(packet, replies[packet.id]).code == ACCEPT
    assert broken.id not in replies


def asked_again(running: Running, packets: list[Any], replies: dict[int, bytes]) -> bool:
    """Send once more what is not answered yet; whether all of it is."""
    for packet in packets:
        if packet.id not in replies:
            running.send(bytes_of(packet))
    running.door.settimeout(0.1)
    with suppress(TimeoutError):
        while len(replies) < len(packets):
            reply = running.door.recv(5000)
            replies[reply[1]] = reply
    return len(replies) == len(packets)


def test_who_waited_longer_than_a_router_does_is_let_go(radius: Database) -> None:
    radius.give()
    counters, clock = Counters(), MovedClock()
    journal = Journal(radius.engine, Dispatch(radius.engine, FakePublisher()), counters)
    desk = LoginDesk(radius.engine, journal, counters, clock)
    with socket.socket(type=socket.SOCK_DGRAM) as door:
        door.bind(("127.0.0.1", 0))
        late, in_time = (asked(door, since) for since in (TOO_OLD_SECONDS, TOO_OLD_SECONDS / 2))
        desk.take_in([late, in_time])
        desk.close()
        desk.run()
    assert counters.read() == {"accepted": 1, "login_too_old": 1}
    assert late.exchange.dropped, "a repeat of it would not be handled"
    assert in_time.exchange.reply


def asked(door: socket.socket, seconds_ago: float) -> Asked:
    """A login that came so long ago."""
    client = Client(nasname="127.0.0.1", secret=SECRET, signed=True)
    request = read(bytes_of(login()), secret=SECRET, signed=True)
    return Asked(
        request=request,
        client=client,
        address="127.0.0.1",
        source=door.getsockname(),
        door=door,
        exchange=Exchange(request.authenticator),
        received_at=NOON,
        since=time.monotonic() - seconds_ago,
    )


def test_what_waits_is_bounded() -> None:
    waiting: Waiting[int] = Waiting(MOST_WAITING)
    assert len(waiting.put(range(MOST_WAITING + 10))) == 10
