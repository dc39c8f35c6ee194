"""Repeats, malformed packets, a database or a broker in trouble, and the end."""

import os
from collections.abc import Sequence

import pytest
from sqlalchemy import text

from hotspot.bus.envelope import Parcel
from hotspot.testing.handling import FakePublisher

from .conftest import Vectors
from .world import (
    ACCEPT,
    ACCOUNTED,
    REJECT,
    Database,
    Running,
    accounting,
    accounts,
    answer_to,
    asks,
    bytes_of,
    keeps_asking,
    login,
    serving,
    until,
)


def test_a_repeated_login_gets_the_same_reply_and_is_not_handled_again(
    radius: Database, running: Running
) -> None:
    radius.give()
    data = bytes_of(login())
    first = running.ask(data)
    running.clock.move(minutes=30)
    assert running.ask(data) == first
    until(lambda: radius.rows("SELECT * FROM radpostauth"))
    assert running.counts["accepted"] == 1


def test_the_same_identifier_with_another_authenticator_is_another_login(
    radius: Database, running: Running
) -> None:
    radius.give()
    assert asks(running, identifier=5).code == ACCEPT
    assert asks(running, identifier=5, password="wrong").code == REJECT


def test_a_login_that_is_repeated_while_it_is_in_progress_is_answered_once(
    radius: Database, running: Running
) -> None:
    radius.give()
    data = bytes_of(login())
    with radius.engine.begin() as connection:
        connection.execute(text("LOCK TABLE radcheck IN ACCESS EXCLUSIVE MODE"))
        running.send(data)
        running.send(data)
        until(lambda: running.counts.get("repeated_in_progress") == 1)
    assert running.hear()[0] == ACCEPT
    assert running.hears_only_status()


def test_logins_that_wait_are_looked_up_together(radius: Database, running: Running) -> None:
    radius.give()
    packets = [login(identifier=number) for number in range(60)]
    with radius.engine.begin() as connection:
        connection.execute(text("LOCK TABLE radcheck IN ACCESS EXCLUSIVE MODE"))
        for packet in packets:
            running.send(bytes_of(packet))
    replies = {data[1]: data for data in (running.hear() for _ in packets)}
    for packet in packets:
        assert answer_to(packet, replies[packet.id]).code == ACCEPT


def test_a_stuck_database_stops_logins_but_not_the_server(
    radius: Database, running: Running
) -> None:
    radius.give()
    with radius.engine.begin() as connection:
        connection.execute(text("LOCK TABLE radcheck IN ACCESS EXCLUSIVE MODE"))
        running.send(bytes_of(login()))
        assert running.hears_only_status()
        assert accounts(running, accounting("Start")).code == ACCOUNTED
    assert running.hear()[0] == ACCEPT


def test_a_lookup_that_fails_is_done_again_when_the_router_asks_again(
    radius: Database, running: Running
) -> None:
    radius.give()
    data = bytes_of(login())
    radius.execute("ALTER TABLE radreply RENAME TO hidden")
    running.send(data)
    until(lambda: running.counts.get("login_database_away") == 1)
    radius.execute("ALTER TABLE hidden RENAME TO radreply")
    assert running.ask(data)[0] == ACCEPT


def test_a_lost_connection_to_the_database_costs_one_try(
    radius: Database, running: Running
) -> None:
    radius.give()
    assert asks(running).code == ACCEPT
    radius.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )

    def has_cost_a_try() -> bool:  # whichever of the threads takes the login
        assert keeps_asking(running, login()).code == ACCEPT
        return running.counts.get("login_database_away", 0) >= 1

    until(has_cost_a_try)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_server_of_which_a_part_has_died_ends(radius: Database) -> None:
    class Broken(FakePublisher):
        def publish(self, parcels: Sequence[Parcel]) -> None:
            raise RuntimeError("never expected")

    radius.give()
    with serving(radius.engine, publisher=Broken()) as running:
        assert asks(running).code == ACCEPT
        until(lambda: running.server.has_failed)


def test_malformed_packets_neither_crash_nor_hang_nor_get_an_answer(
    radius: Database, running: Running, vectors: Vectors
) -> None:
    radius.give()
    for data in vectors["malformed"].values():
        running.send(data)
        running.send(data, accounting=True)
    for _ in range(200):
        running.send(os.urandom(60))
        running.send(b"\x01\x01\x00\x50" + os.urandom(76))
    assert running.hears_only_status()
    assert asks(running).code == ACCEPT


def test_a_request_at_the_wrong_port_is_dropped(radius: Database, running: Running) -> None:
    radius.give()
    running.send(bytes_of(login()), accounting=True)
    running.send(bytes_of(accounting("Start")))
    assert running.hears_only_status()
    until(lambda: running.counts.get("unexpected_code") == 2)
    assert radius.rows("SELECT * FROM radacct") == []


def test_what_is_in_hand_is_answered_before_the_server_stops(
    radius: Database, running: Running
) -> None:
    radius.give()
    with radius.engine.begin() as connection:
        connection.execute(text("LOCK TABLE radcheck, radacct IN ACCESS EXCLUSIVE MODE"))
        running.send(bytes_of(login()))
        running.send(bytes_of(accounting("Start")), accounting=True)
        assert running.hears_only_status()
        running.server.stop()
    assert {running.hear()[0], running.hear()[0]} == {ACCEPT, ACCOUNTED}
    until(lambda: len(radius.rows("SELECT * FROM radpostauth")) == 1)
