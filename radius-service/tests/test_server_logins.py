"""Logins, asked over real sockets and answered from a real database."""

import os

import pytest
from pyrad.packet import AuthPacket

from radius_service.logins import WRONG
from radius_service.packets import DICTIONARY

from .conftest import Vectors
from .world import (
    ACCEPT,
    ACCOUNTED,
    GIB,
    OTHER_MAC,
    REJECT,
    SECRET,
    Database,
    Running,
    accounting,
    accounts,
    answer_to,
    asks,
    bytes_of,
    login,
    status_request,
    until,
)


@pytest.mark.parametrize("chap", [False, True])
def test_a_guest_with_access_gets_what_is_left(
    radius: Database, running: Running, chap: bool
) -> None:
    grant = radius.give(data_bytes=5 * GIB, devices=2)
    running.clock.move(minutes=20)
    reply = asks(running, chap=chap)
    assert reply.code == ACCEPT
    assert reply["Session-Timeout"] == [2400]
    assert reply["Mikrotik-Total-Limit"] == [GIB]
    assert reply["Mikrotik-Total-Limit-Gigawords"] == [1]
    assert reply["Mikrotik-Rate-Limit"] == ["2M/5M"]
    assert reply["Acct-Interim-Interval"] == [300]
    assert reply["Idle-Timeout"] == [600]
    assert reply["Port-Limit"] == [2]
    assert reply["Class"] == [str(grant.grant_id).encode()]


@pytest.mark.parametrize("chap", [False, True])
def test_the_recorded_logins_are_answered(
    radius: Database, running: Running, vectors: Vectors, chap: bool
) -> None:
    radius.give()
    name = "access_request_chap_ma" if chap else "access_request_pap_ma_first"
    assert running.ask(vectors["valid"][name])[0] == ACCEPT


@pytest.mark.parametrize("chap", [False, True])
def test_who_cannot_log_in_is_told_why(radius: Database, running: Running, chap: bool) -> None:
    assert asks(running, chap=chap)["Reply-Message"] == [WRONG]
    radius.give(data_bytes=GIB)
    wrong = asks(running, chap=chap, password="wrong")
    assert (wrong.code, wrong["Reply-Message"]) == (REJECT, [WRONG])
    radius.execute("UPDATE grants SET used_bytes = data_bytes")
    assert asks(running, chap=chap)["Reply-Message"] == [radius.words("data")]
    running.clock.move(hours=1)
    late = asks(running, chap=chap)
    assert (late.code, late["Reply-Message"]) == (REJECT, [radius.words("expired")])
    until(lambda: running.counts.get("rejected_expired") == 1)


def test_the_username_may_begin_with_a_capital_as_phones_make_it(
    radius: Database, running: Running
) -> None:
    radius.give()
    assert asks(running, username="Alice ").code == ACCEPT


def test_one_device_too_many_is_refused_until_the_first_logs_out(
    radius: Database, running: Running
) -> None:
    radius.give(devices=1)
    accounts(running, accounting("Start", mac=OTHER_MAC))
    assert asks(running)["Reply-Message"] == [radius.words("devices")]
    accounts(running, accounting("Stop", mac=OTHER_MAC))
    assert asks(running).code == ACCEPT


def test_proxy_state_comes_back_after_the_signature(radius: Database, running: Running) -> None:
    radius.give()
    packet = login(proxy_states=(b"proxy-1", b"proxy-2"))
    data = running.ask(bytes_of(packet))
    assert data[20] == 80
    assert answer_to(packet, data)["Proxy-State"] == [b"proxy-1", b"proxy-2"]


def test_status_is_answered_at_both_ports(running: Running) -> None:
    question = status_request()
    assert answer_to(question, running.ask(bytes_of(question))).code == ACCEPT
    question = status_request()
    reply = question.CreateReply(packet=running.ask(bytes_of(question), accounting=True))
    assert question.VerifyReply(reply)
    assert reply.code == ACCOUNTED


def test_an_unsigned_login_is_dropped_unless_the_router_cannot_sign(
    radius: Database, running: Running
) -> None:
    radius.give()
    packet = login(signed=False)
    running.send(bytes_of(packet))
    assert running.hears_only_status()
    assert running.counts["no_message_authenticator"] == 1
    radius.execute("INSERT INTO nas_settings VALUES ('127.0.0.1', false)")
    running.server.nas.refresh()
    assert asks(running, signed=False).code == ACCEPT


def test_a_forged_signature_is_dropped_and_touches_no_answer_that_is_kept(
    radius: Database, running: Running
) -> None:
    radius.give()
    packet = login(identifier=9)
    reply = running.ask(bytes_of(packet))
    forged = login(identifier=9, secret=b"another")
    running.send(bytes_of(forged))
    assert running.hears_only_status()
    assert running.ask(bytes_of(packet)) == reply
    assert running.counts["repeated"] == 1


def test_strangers_are_dropped_and_counted(radius: Database, running: Running) -> None:
    radius.give()
    radius.execute("UPDATE nas SET nasname = '10.0.0.0/8'")
    running.server.nas.refresh()
    running.send(bytes_of(login()))
    until(lambda: running.counts.get("unknown_nas") == 1)
    radius.execute("UPDATE nas SET nasname = '127.0.0.0/8'")
    running.server.nas.refresh()
    assert asks(running).code == ACCEPT


def test_the_secret_of_the_router_itself_beats_that_of_its_network(
    radius: Database, running: Running
) -> None:
    radius.give()
    radius.execute(
        "INSERT INTO nas (nasname, shortname, secret) VALUES ('127.0.0.0/8', 'all', 'of-all')"
    )
    running.server.nas.refresh()
    assert asks(running).code == ACCEPT


def test_a_new_router_is_known_within_seconds(radius: Database, running: Running) -> None:
    radius.give()
    radius.execute("UPDATE nas SET secret = 'changed'")
    until(lambda: running.server.nas.clients.at("127.0.0.1").secret == b"changed")  # type: ignore[union-attr]
    assert asks(running, secret=b"changed").code == ACCEPT


def test_a_login_without_credentials_or_name_is_refused(radius: Database, running: Running) -> None:
    radius.give()
    for missing in ("User-Name", "User-Password"):
        packet = login()
        del packet[missing]
        assert answer_to(packet, running.ask(bytes_of(packet))).code == REJECT


def test_a_packet_that_eap_would_need_to_sign_is_dropped(
    radius: Database, running: Running
) -> None:
    radius.execute("INSERT INTO nas_settings VALUES ('127.0.0.1', false)")
    running.server.nas.refresh()
    packet = AuthPacket(secret=SECRET, authenticator=os.urandom(16), dict=DICTIONARY)
    packet["User-Name"] = "alice"
    packet["EAP-Message"] = b"\x02\x01\x00\x0a\x01alice"
    running.send(bytes_of(packet))
    assert running.hears_only_status()
    assert running.counts["no_message_authenticator"] == 1
