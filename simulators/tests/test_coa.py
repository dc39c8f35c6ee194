"""Disconnect and CoA over real UDP, as RouterOS obeys them."""

import socket
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from pyrad import packet as pyrad_packet

from simulators.coa import CoaPorts
from simulators.radius_packets import DICTIONARY
from simulators.tests.fakes import SECRET, FakeRadius, HandClock
from simulators.tests.test_logins import sessions
from simulators.tests.test_sessions import ended, last, online

# A Disconnect-Request by other hands: user alice, session 80200001, address 10.5.50.10.
DISCONNECT_VECTOR = bytes.fromhex(
    "2808002bbca80df6e391a8ed1f51faa7926121180107616c6963652c0a383032303030303108060a05320a"
)


@pytest.fixture
def coa_port(ports: CoaPorts) -> int:
    return ports.listen("127.0.0.1")


def request(
    code: int, attributes: dict[str, Any], *, secret: bytes = SECRET, signed: bool = False
) -> Any:
    packet = pyrad_packet.CoAPacket(code, secret=secret, dict=DICTIONARY)
    for name, value in attributes.items():
        packet.AddAttribute(name, value)
    if signed:
        packet.add_message_authenticator()
    return packet


def exchange(port: int, data: bytes) -> bytes | None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.2)
        sock.sendto(data, ("127.0.0.1", port))
        try:
            return sock.recv(4096)
        except TimeoutError:
            return None


def ask(port: int, packet: Any) -> tuple[int, int | None] | None:
    """The reply's code and Error-Cause; None for silence."""
    data = exchange(port, packet.RequestPacket())
    if data is None:
        return None
    reply = packet.CreateReply(packet=data)
    assert packet.VerifyReply(reply)
    cause = reply["Error-Cause"][0] if "Error-Cause" in reply else None
    return reply.code, cause


def identity(client: FlaskClient) -> dict[str, Any]:
    session = sessions(client)[-1]
    return {
        "User-Name": session["username"],
        "Acct-Session-Id": session["id"],
        "Framed-IP-Address": session["framed_ip"],
    }


DISCONNECT = pyrad_packet.DisconnectRequest
CHANGE = pyrad_packet.CoARequest
ACK, NAK = pyrad_packet.DisconnectACK, pyrad_packet.DisconnectNAK


@pytest.mark.parametrize("signed", [True, False])
def test_a_disconnect_ends_the_session(
    client: FlaskClient, radius: FakeRadius, clock: HandClock, coa_port: int, signed: bool
) -> None:
    online(client, radius)
    assert ask(coa_port, request(DISCONNECT, identity(client), signed=signed)) == (ACK, None)
    clock.advance()
    assert ended(client) == ("ended", "Admin-Reset")
    assert last(radius)["Acct-Terminate-Cause"] == "Admin-Reset"


def test_a_repeated_disconnect_gets_the_same_answer(
    client: FlaskClient, radius: FakeRadius, coa_port: int
) -> None:
    online(client, radius)
    data = request(DISCONNECT, identity(client)).RequestPacket()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.4)
        sock.connect(("127.0.0.1", coa_port))
        replies = []
        for _ in range(2):
            sock.send(data)
            replies.append(sock.recv(4096))
    assert replies[0] == replies[1]
    assert replies[0][0] == ACK


def test_an_unknown_session_is_not_found(
    client: FlaskClient, radius: FakeRadius, coa_port: int
) -> None:
    online(client, radius)
    wanted = {**identity(client), "Acct-Session-Id": "80ffffff"}
    assert ask(coa_port, request(DISCONNECT, wanted)) == (NAK, 503)
    assert ended(client) == ("active", None)


def test_without_the_guests_address_nobody_is_disconnected(
    client: FlaskClient, radius: FakeRadius, coa_port: int
) -> None:
    online(client, radius)
    wanted = identity(client)
    del wanted["Framed-IP-Address"]
    assert ask(coa_port, request(DISCONNECT, wanted)) == (NAK, 402)


def test_another_routers_identity_is_a_mismatch(
    client: FlaskClient, radius: FakeRadius, coa_port: int
) -> None:
    online(client, radius)
    wanted = {**identity(client), "NAS-Identifier": "elsewhere"}
    assert ask(coa_port, request(DISCONNECT, wanted)) == (NAK, 403)


def test_a_wrong_secret_is_answered_with_silence(
    client: FlaskClient, radius: FakeRadius, coa_port: int
) -> None:
    online(client, radius)
    assert ask(coa_port, request(DISCONNECT, identity(client), secret=b"guessed")) is None
    assert ended(client) == ("active", None)


@pytest.mark.parametrize("mode", ["ignore_disconnect", "blackhole", "down"])
def test_a_router_that_cannot_hear_does_not_answer(
    client: FlaskClient, radius: FakeRadius, coa_port: int, mode: str
) -> None:
    online(client, radius)
    wanted = request(DISCONNECT, identity(client))
    for place in (client.get("/state").json or {})["routers"]:
        client.post(f"/routers/{place['id']}/behaviour", json={"mode": mode})
    assert ask(coa_port, wanted) is None


@pytest.mark.parametrize("data", [b"", b"\x28", b"\x28\x01\x00\x13" + 15 * b"x", 600 * b"\x28"])
def test_malformed_packets_are_dropped(client: FlaskClient, coa_port: int, data: bytes) -> None:
    assert exchange(coa_port, data) is None


def test_a_packet_by_other_hands_is_understood(client: FlaskClient, coa_port: int) -> None:
    reply = exchange(coa_port, DISCONNECT_VECTOR)
    # Error-Cause 503: its session is not one of ours.
    assert reply is not None
    assert (reply[0], reply[-6:]) == (NAK, bytes.fromhex("6506000001f7"))


def test_speed_and_time_can_be_changed(
    client: FlaskClient, radius: FakeRadius, clock: HandClock, coa_port: int
) -> None:
    online(client, radius, ("Session-Timeout", 60), ("Mikrotik-Rate-Limit", "1M/2M"))
    change = {"Mikrotik-Rate-Limit": "3M/4M", "Session-Timeout": 600}
    answer = ask(coa_port, request(CHANGE, {**identity(client), **change}, signed=True))
    assert answer == (pyrad_packet.CoAACK, None)
    assert sessions(client)[-1]["limits"]["rate_limit"] == "3M/4M"
    clock.advance(599)
    assert ended(client) == ("active", None)
    clock.advance(1)
    assert ended(client) == ("ended", "Session-Timeout")


def test_the_total_limit_cannot_be_changed(
    client: FlaskClient, radius: FakeRadius, coa_port: int
) -> None:
    online(client, radius)
    wanted = {**identity(client), "Mikrotik-Total-Limit": 1000}
    assert ask(coa_port, request(CHANGE, wanted)) == (pyrad_packet.CoANAK, 401)


def test_a_change_of_nothing_is_refused(
    client: FlaskClient, radius: FakeRadius, coa_port: int
) -> None:
    radius.answers = replace(radius.answers, accept=())
    online(client, radius)
    answer = ask(coa_port, request(CHANGE, identity(client)))
    assert answer == (pyrad_packet.CoANAK, 402)
