"""Accounting and what is told about it, over real sockets."""

from datetime import timedelta

from sqlalchemy import text

from hotspot.contract.sessions import LoginAccepted, SessionStarted
from hotspot.testing.handling import NOON, FakePublisher

from .world import (
    ACCEPT,
    ACCOUNTED,
    GIB,
    Database,
    Running,
    accounting,
    accounts,
    answer_to,
    asks,
    bytes_of,
    serving,
    until,
)


def test_an_accepted_login_is_told(radius: Database, running: Running) -> None:
    grant = radius.give()
    asks(running)
    until(lambda: "LoginAccepted" in running.told)
    (parcel,) = running.publisher.parcels
    told = parcel.envelope.open()
    assert isinstance(told, LoginAccepted)
    assert (told.grant_id, told.nas, told.accepted_at) == (grant.grant_id, "site-1", NOON)
    assert parcel.envelope.correlation_id == grant.payment_id
    until(lambda: not radius.unsent)


def test_logins_are_recorded_without_their_passwords(radius: Database, running: Running) -> None:
    grant = radius.give()
    asks(running)
    asks(running, password="wrong-pw")
    until(lambda: len(radius.rows("SELECT * FROM radpostauth")) == 2)
    recorded = radius.rows("SELECT * FROM radpostauth ORDER BY id")
    assert [row.reply for row in recorded] == ["Access-Accept", "Access-Reject"]
    assert recorded[0].authdate == NOON
    assert getattr(recorded[0], "class") == str(grant.grant_id)
    assert "-pw" not in str(recorded)


def test_accounting_is_told_at_once_and_belongs_to_the_payment(
    radius: Database, running: Running
) -> None:
    grant = radius.give()
    assert accounts(running, accounting("Start")).code == ACCOUNTED
    until(lambda: "SessionStarted" in running.told)
    (parcel,) = running.publisher.parcels
    told = parcel.envelope.open()
    assert isinstance(told, SessionStarted)
    assert parcel.envelope.correlation_id == told.payment_id == grant.payment_id
    until(lambda: not radius.unsent)


def test_while_the_broker_is_away_what_is_told_waits_in_the_outbox(radius: Database) -> None:
    radius.give()
    with serving(radius.engine, publisher=FakePublisher(away=True)) as running:
        assert accounts(running, accounting("Start")).code == ACCOUNTED
        assert asks(running).code == ACCEPT
    assert radius.unsent == ["LoginAccepted", "SessionStarted"]


def test_accounting_is_acknowledged_only_once_it_is_committed(
    radius: Database, running: Running
) -> None:
    radius.give()
    packet = accounting("Start")
    with radius.engine.begin() as connection:
        connection.execute(text("LOCK TABLE radacct IN ACCESS EXCLUSIVE MODE"))
        running.send(bytes_of(packet), accounting=True)
        assert running.hears_only_status()
    assert answer_to(packet, running.hear()).code == ACCOUNTED
    assert len(radius.rows("SELECT * FROM radacct")) == 1


def test_one_report_that_cannot_be_booked_does_not_cost_the_others_theirs(
    radius: Database, running: Running
) -> None:
    radius.give()
    radius.execute("ALTER TABLE radacct ADD CHECK (nasportid <> 'poison')")
    packets = [accounting("Start", session=f"8020000{n}") for n in range(5)]
    packets[2]["NAS-Port-Id"] = "poison"
    with radius.engine.begin() as connection:
        connection.execute(text("LOCK TABLE radacct IN ACCESS EXCLUSIVE MODE"))
        for packet in packets:
            running.send(bytes_of(packet), accounting=True)
    answered = {running.hear()[1] for _ in range(4)}
    assert answered == {packet.id for packet in packets} - {packets[2].id}
    assert running.counts["accounting_refused"] == 1


def test_accounting_of_a_kind_that_is_not_kept_is_acknowledged(running: Running) -> None:
    packet = accounting("Start")
    packet["Acct-Status-Type"] = 9
    assert accounts(running, packet).code == ACCOUNTED


def test_the_whole_stay_of_a_guest(radius: Database, running: Running) -> None:
    grant = radius.give(data_bytes=GIB)
    accepted = asks(running)
    (class_value,) = accepted["Class"]
    accounts(running, accounting("Start", Class=class_value))
    running.clock.move(minutes=5)
    accounts(
        running,
        accounting("Interim-Update", Acct_Session_Time=300, Acct_Output_Octets=GIB // 4),
    )
    again = asks(running)
    assert again["Mikrotik-Total-Limit"] == [GIB - GIB // 4]
    assert again["Session-Timeout"] == [3300]
    running.clock.move(minutes=55)
    stop = accounting(
        "Stop",
        Acct_Session_Time=3600,
        Acct_Output_Octets=GIB // 2,
        Acct_Terminate_Cause="Session-Timeout",
    )
    accounts(running, stop)
    until(lambda: "SessionExpired" in running.told)
    assert asks(running)["Reply-Message"] == [radius.words("expired")]
    assert radius.row("SELECT used_bytes FROM grants").used_bytes == GIB // 2
    session = radius.row("SELECT * FROM sessions")
    assert (session.grant_id, session.status) == (grant.grant_id, "ended")
    assert session.ended_at == NOON + timedelta(hours=1)
