"""What our server and FreeRADIUS write into the same tables: the same rows."""

from datetime import timedelta
from typing import Any

import pytest

from hotspot.testing.handling import NOON

from .cases import ACCEPTED, REFUSED
from .conformance import Both, ask, both, is_silent, packet_of
from .world import accounting, answer_to, bytes_of, until

__all__ = ["both"]

REPORTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("Start", {}),
    ("Start", {"Acct_Delay_Time": 3}),
    ("Interim-Update", {"Acct_Session_Time": 60, "Acct_Input_Octets": 7}),
    ("Interim-Update", {"Acct_Session_Time": 120, "Acct_Output_Gigawords": 1}),
    ("Interim-Update", {"Acct_Session_Time": 60, "Acct_Input_Octets": 7}),
    ("Stop", {"Acct_Session_Time": 180, "Acct_Terminate_Cause": "User-Request"}),
    ("Interim-Update", {"Acct_Session_Time": 240, "Acct_Input_Octets": 9}),
)
SEEN = (
    "acctsessionid, username, nasipaddress, nasportid, nasporttype, acctauthentic, acctsessiontime,"
    " acctinputoctets, acctoutputoctets, calledstationid, callingstationid, acctterminatecause,"
    " servicetype, framedprotocol, framedipaddress, class, acctstoptime IS NULL AS is_open"
)


def reported(both: Both, port: int, session: str, upto: int) -> Any:
    """The row of a session after so many reports to a server."""
    for status, counted in REPORTS[:upto]:
        packet = accounting(
            status,
            session=session,
            username="Bob",
            mac="02-00-5e-00-02-01",
            NAS_Port_Id="ether1",
            NAS_Port_Type="Ethernet",
            NAS_Port=0,
            Class=b"a class",
            **counted,
        )
        answer_to(packet, ask(port, bytes_of(packet)) or b"")
    found = both.radius.row(
        f"SELECT {SEEN}, acctuniqueid FROM radacct WHERE acctsessionid = :session", session=session
    )
    both.radius.execute("DELETE FROM radacct WHERE acctsessionid = :session", session=session)
    return found


@pytest.mark.parametrize("upto", range(1, len(REPORTS) + 1))
def test_both_book_the_same(both: Both, upto: int) -> None:
    ports = both.ours.server.acct_port, both.theirs.acct_port
    ours, theirs = (reported(both, port, "80200099", upto) for port in ports)
    assert ours == theirs


def test_a_session_that_was_closed_for_its_silence_goes_on_when_it_is_heard_again(
    both: Both,
) -> None:
    ports = both.ours.server.acct_port, both.theirs.acct_port
    for number, port in enumerate(ports):
        session = f"8020007{number}"
        for status, seconds in (("Start", 0), ("Interim-Update", 60)):
            packet = accounting(status, session=session, username="dave", Acct_Session_Time=seconds)
            answer_to(packet, ask(port, bytes_of(packet)) or b"")
            row = both.radius.row(
                "SELECT acctstoptime, acctterminatecause FROM radacct WHERE acctsessionid = :id",
                id=session,
            )
            assert row == (None, None)
            both.radius.execute(
                "UPDATE radacct SET acctstoptime = :at, acctterminatecause = 'Silent'"
                " WHERE acctsessionid = :id",
                id=session,
                at=NOON - timedelta(minutes=1),
            )


def test_a_device_that_logged_in_by_its_address_is_booked_to_its_user(both: Both) -> None:
    mac = "02:00:5E:00:03:01"
    grant = both.radius.give(username="erin", mac=mac)
    for number, port in enumerate((both.ours.server.acct_port, both.theirs.acct_port)):
        session = f"8020006{number}"
        for status, used in (("Start", 0), ("Stop", 1000)):
            packet = accounting(
                status,
                session=session,
                username=mac.replace(":", "-"),
                mac=mac,
                Class=str(grant.grant_id).encode(),
                Acct_Session_Time=used,
                Acct_Output_Octets=used,
            )
            answer_to(packet, ask(port, bytes_of(packet)) or b"")
        row = both.radius.row("SELECT username FROM radacct WHERE acctsessionid = :s", s=session)
        assert row.username == "erin"
    assert both.radius.row("SELECT used_bytes FROM grants WHERE username = 'erin'")[0] == 2000


def test_accounting_on_closes_what_was_open_at_its_router(both: Both) -> None:
    for number, port in enumerate((both.ours.server.acct_port, both.theirs.acct_port)):
        session = f"8020008{number}"
        start = accounting("Start", session=session, username="carol")
        answer_to(start, ask(port, bytes_of(start)) or b"")
        on = accounting("Accounting-On")
        answer_to(on, ask(port, bytes_of(on)) or b"")
        row = both.radius.row(
            "SELECT acctterminatecause FROM radacct WHERE acctsessionid = :session",
            session=session,
        )
        assert row == ("NAS-Reboot",)


@pytest.mark.parametrize("status", ["Start", "Interim-Update", "Stop"])
def test_a_report_that_names_no_session_is_not_answered(both: Both, status: str) -> None:
    packet = accounting(status)
    del packet["Acct-Session-Id"]
    for port in (both.ours.server.acct_port, both.theirs.acct_port):
        assert is_silent(port, bytes_of(packet))


def test_both_write_down_the_same_about_a_login_and_no_password(both: Both) -> None:
    columns = "username, pass, reply, calledstationid, callingstationid, class"
    for case in (ACCEPTED[3], REFUSED[0]):
        guest = both.prepare(case)
        written = []
        for port in both.auth_ports:
            both.radius.execute("DELETE FROM radpostauth")
            ask(port, bytes_of(packet_of(case, guest)))
            until(lambda: both.radius.rows("SELECT id FROM radpostauth"))
            written.append(both.radius.row(f"SELECT {columns} FROM radpostauth"))
        assert written[0] == written[1]
        assert written[0].username == guest.name
