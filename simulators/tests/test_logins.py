"""Guests log in over real RADIUS packets: what a router sends, believes and makes of the reply."""

from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from simulators.tests.fakes import SECRET, FakeRadius, HandClock

MAC = "02:00:5E:10:00:01"


def router(client: FlaskClient, **plan: object) -> str:
    """A router that does not wait as long as a real one."""
    answer = client.post("/routers", json={"radius_timeout_ms": 60, **plan})
    assert answer.status_code == 201
    assert answer.json is not None
    return str(answer.json["ids"][0])


def guest(client: FlaskClient, router_id: str | None = None, mac: str = MAC) -> str:
    answer = client.post("/guests", json={"router_id": router_id, "mac": mac})
    assert answer.status_code == 201
    assert answer.json is not None
    return str(answer.json["id"])


def login(client: FlaskClient, guest_id: str, **body: object) -> dict[str, Any]:
    fields = {"username": "alice", "password": "secret-pw", **body}
    answer = client.post(f"/guests/{guest_id}/login", json=fields)
    assert answer.status_code == 200, answer.json
    result: dict[str, Any] = answer.json or {}
    return result


def sessions(client: FlaskClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (client.get("/state").json or {})["sessions"]
    return found


@pytest.mark.parametrize("method", ["pap", "chap"])
def test_a_guest_with_the_right_password_is_in(
    client: FlaskClient, radius: FakeRadius, method: str
) -> None:
    radius.answers = replace(
        radius.answers,
        accept=(("Session-Timeout", 3600), ("Mikrotik-Rate-Limit", "1M/2M"), ("Class", b"grant")),
    )
    result = login(client, guest(client, router(client)), method=method)
    assert result["result"] == "accept"
    assert result["reply"]["Session-Timeout"] == 3600
    assert result["reply"]["Mikrotik-Rate-Limit"] == "1M/2M"
    assert result["reply"]["Class"] == b"grant".hex()
    assert result["tries"] == 1
    (session,) = sessions(client)
    assert (session["state"], session["username"], session["mac"]) == ("active", "alice", MAC)
    assert session["id"] == result["session_id"]
    assert session["limits"]["session_timeout"] == 3600


@pytest.mark.parametrize("method", ["pap", "chap"])
def test_a_wrong_password_is_refused_with_the_servers_words(
    client: FlaskClient, method: str
) -> None:
    result = login(client, guest(client, router(client)), password="wrong", method=method)
    assert result["result"] == "reject"
    assert result["reply_message"] == "invalid username or password"
    assert not sessions(client)


def test_the_request_is_that_of_a_mikrotik_hotspot(client: FlaskClient, radius: FakeRadius) -> None:
    login(client, guest(client, router(client, name="site-7")))
    (request,) = radius.access
    assert request.raw_packet[20] == 80
    assert request.verify_message_authenticator(secret=SECRET)
    shown = {name: request[name][0] for name in request.keys()}  # noqa: SIM118
    assert shown["User-Name"] == "alice"
    assert shown["NAS-IP-Address"] == "127.0.0.1"
    assert shown["NAS-Identifier"] == "site-7"
    assert shown["NAS-Port-Type"] == "Wireless-802.11"
    assert shown["Calling-Station-Id"] == MAC
    assert shown["Called-Station-Id"] == "hotspot1"
    assert shown["NAS-Port-Id"] == "bridge-hs"
    assert shown["Acct-Session-Id"].startswith("80")
    assert shown["Framed-IP-Address"] == shown["Mikrotik-Host-IP"]
    assert "Service-Type" not in shown


def test_mac_authentication_sends_the_address_as_the_name(
    client: FlaskClient, radius: FakeRadius
) -> None:
    radius.answers = replace(radius.answers, password="")
    answer = client.post(f"/guests/{guest(client, router(client))}/login", json={"mac_auth": True})
    assert answer.json is not None
    assert answer.json["result"] == "accept"
    assert radius.access[0]["User-Name"] == [MAC]


def test_a_request_without_an_answer_is_sent_three_times_unchanged(
    client: FlaskClient, radius: FakeRadius
) -> None:
    radius.answers = replace(radius.answers, drop_first=2)
    result = login(client, guest(client, router(client)))
    assert (result["result"], result["tries"]) == ("accept", 3)
    assert len({packet.raw_packet for packet in radius.access}) == 1
    assert len(set(radius.sources[:3])) == 1


def test_a_server_that_never_answers_is_a_timeout(client: FlaskClient, radius: FakeRadius) -> None:
    radius.answers = replace(radius.answers, drop_first=3)
    result = login(client, guest(client, router(client)))
    assert (result["result"], result["tries"]) == ("timeout", 3)
    assert result["reply_message"] == "RADIUS server is not responding"
    assert not sessions(client)


def test_a_reply_signed_with_another_secret_is_not_believed(
    client: FlaskClient, radius: FakeRadius
) -> None:
    result = login(client, guest(client, router(client, secret="another")))
    assert result["result"] == "timeout"
    assert "reply not signed as it must be" in result["ignored"]


def test_a_reply_without_message_authenticator_is_believed_only_by_old_routers(
    client: FlaskClient, radius: FakeRadius
) -> None:
    radius.answers = replace(radius.answers, signed=False)
    new, old = router(client), router(client, require_message_authenticator=False)
    assert login(client, guest(client, new))["result"] == "timeout"
    assert login(client, guest(client, old))["result"] == "accept"


def test_routers_send_from_their_own_address(client: FlaskClient, radius: FakeRadius) -> None:
    login(client, guest(client, router(client, nas_ip="127.0.0.9")))
    assert radius.sources[0][0] == "127.0.0.9"
    assert radius.access[0]["NAS-IP-Address"] == ["127.0.0.9"]


@pytest.mark.parametrize("mode", ["blackhole", "wrong_secret", "down"])
def test_a_router_in_trouble_lets_nobody_in(client: FlaskClient, mode: str) -> None:
    place = router(client)
    client.post(f"/routers/{place}/behaviour", json={"mode": mode})
    assert login(client, guest(client, place))["result"] == "timeout"
    assert not sessions(client)


def test_a_wrong_api_password_does_not_trouble_guests(client: FlaskClient) -> None:
    place = router(client)
    client.post(f"/routers/{place}/behaviour", json={"mode": "wrong_password"})
    assert login(client, guest(client, place))["result"] == "accept"


def test_packets_of_a_slow_router_take_their_time(client: FlaskClient, clock: HandClock) -> None:
    place = router(client, radius_timeout_ms=5000)  # no packet is sent again by a busy machine
    client.post(f"/routers/{place}/behaviour", json={"mode": "slow", "delay_ms": 700})
    assert login(client, guest(client, place))["result"] == "accept"
    assert clock.slept == [0.7, 0.7]


def test_one_user_is_on_a_router_once_unless_told_otherwise(
    client: FlaskClient, radius: FakeRadius
) -> None:
    place = router(client)
    first, second = guest(client, place), guest(client, place, mac="02:00:5E:10:00:02")
    assert login(client, first)["result"] == "accept"
    refused = login(client, second)
    assert refused["result"] == "reject"
    assert refused["reply_message"] == "no more sessions are allowed for user alice"
    radius.answers = replace(radius.answers, accept=(("Port-Limit", 2),))
    assert login(client, second)["result"] == "accept"


def test_a_guest_who_is_in_cannot_log_in_again(client: FlaskClient) -> None:
    visitor = guest(client, router(client))
    login(client, visitor)
    again = client.post(f"/guests/{visitor}/login", json={"username": "a", "password": "b"})
    assert again.status_code == 409
    assert again.mimetype == "application/problem+json"


def test_the_same_address_on_the_same_router_is_the_same_guest(client: FlaskClient) -> None:
    place = router(client)
    assert guest(client, place) == guest(client, place, mac="02-00-5e-10-00-01")
