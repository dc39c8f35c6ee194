"""Sessions and their accounting: limits, ends, gigawords, and a server that does not hear."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from simulators.tests.fakes import FakeRadius, HandClock
from simulators.tests.test_logins import MAC, guest, login, router, sessions

GIGA = 2**32


def online(client: FlaskClient, radius: FakeRadius, *accept: tuple[str, Any]) -> str:
    """A guest who is in, with what RADIUS allows."""
    radius.answers = replace(radius.answers, accept=accept)
    visitor = guest(client, router(client))
    assert login(client, visitor)["result"] == "accept"
    return visitor


def use(client: FlaskClient, visitor: str, bytes_in: int, bytes_out: int) -> Mapping[str, Any]:
    body = {"bytes_in": bytes_in, "bytes_out": bytes_out}
    answer = client.post(f"/guests/{visitor}/use", json=body)
    assert answer.status_code == 200
    return answer.json or {}


def reports(radius: FakeRadius) -> list[str]:
    return [packet["Acct-Status-Type"][0] for packet in radius.accounting]


def last(radius: FakeRadius) -> dict[str, Any]:
    packet = radius.accounting[-1]
    return {name: packet[name][0] for name in packet.keys()}  # noqa: SIM118


def ended(client: FlaskClient) -> tuple[str, str | None]:
    session = sessions(client)[-1]
    return session["state"], session["cause"]


def test_a_start_follows_the_accept(
    client: FlaskClient, radius: FakeRadius, clock: HandClock
) -> None:
    online(client, radius, ("Class", b"grant-1"))
    clock.advance()
    shown = last(radius)
    assert shown["Acct-Status-Type"] == "Start"
    assert shown["User-Name"] == "alice"
    assert shown["Calling-Station-Id"] == MAC
    assert shown["Class"] == b"grant-1"
    assert shown["Acct-Session-Id"] == radius.access[0]["Acct-Session-Id"][0]
    assert shown["Acct-Delay-Time"] == 0


def test_interim_updates_come_at_the_interval_with_the_data_so_far(
    client: FlaskClient, radius: FakeRadius, clock: HandClock
) -> None:
    visitor = online(client, radius, ("Acct-Interim-Interval", 300))
    use(client, visitor, 1000, 5 * GIGA + 7)
    clock.advance(301)
    shown = last(radius)
    assert shown["Acct-Status-Type"] == "Interim-Update"
    assert (shown["Acct-Input-Octets"], shown["Acct-Input-Gigawords"]) == (1000, 0)
    assert (shown["Acct-Output-Octets"], shown["Acct-Output-Gigawords"]) == (7, 5)
    assert shown["Acct-Session-Time"] == 300
    clock.advance(600)
    assert reports(radius) == ["Start", *["Interim-Update"] * 3]


def test_a_logout_is_a_stop_on_the_guests_request(
    client: FlaskClient, radius: FakeRadius, clock: HandClock
) -> None:
    visitor = online(client, radius)
    use(client, visitor, 10, 20)
    clock.advance(60)
    assert client.post(f"/guests/{visitor}/logout").status_code == 200
    clock.advance()
    shown = last(radius)
    assert shown["Acct-Status-Type"] == "Stop"
    assert shown["Acct-Terminate-Cause"] == "User-Request"
    assert (shown["Acct-Input-Octets"], shown["Acct-Output-Octets"]) == (10, 20)
    assert shown["Acct-Session-Time"] == 60
    assert client.post(f"/guests/{visitor}/logout").status_code == 409


def test_the_time_is_up_when_it_is_up(
    client: FlaskClient, radius: FakeRadius, clock: HandClock
) -> None:
    online(client, radius, ("Session-Timeout", 3600))
    clock.advance(3599)
    assert ended(client) == ("active", None)
    clock.advance(1)
    assert ended(client) == ("ended", "Session-Timeout")
    assert last(radius)["Acct-Terminate-Cause"] == "Session-Timeout"
    assert last(radius)["Acct-Session-Time"] == 3600


def test_a_timeout_of_zero_seconds_is_no_timeout(
    client: FlaskClient, radius: FakeRadius, clock: HandClock
) -> None:
    online(client, radius, ("Session-Timeout", 0), ("Mikrotik-Total-Limit", 0))
    clock.advance(100_000)
    assert ended(client) == ("active", None)


def test_an_idle_guest_is_out_and_a_busy_one_is_not(
    client: FlaskClient, radius: FakeRadius, clock: HandClock
) -> None:
    visitor = online(client, radius, ("Idle-Timeout", 600))
    clock.advance(500)
    use(client, visitor, 1, 1)
    clock.advance(500)
    assert ended(client) == ("active", None)
    clock.advance(100)
    assert ended(client) == ("ended", "Idle-Timeout")


@pytest.mark.parametrize(
    ("accept", "allowed"),
    [
        ((("Mikrotik-Total-Limit", 1000),), 1000),
        ((("Mikrotik-Total-Limit", 5), ("Mikrotik-Total-Limit-Gigawords", 2)), 2 * GIGA + 5),
        ((("Mikrotik-Xmit-Limit", 1000),), 1000),
    ],
)
def test_used_up_data_ends_the_session(
    client: FlaskClient,
    radius: FakeRadius,
    clock: HandClock,
    accept: tuple[tuple[str, Any], ...],
    allowed: int,
) -> None:
    visitor = online(client, radius, *accept)
    assert use(client, visitor, 0, allowed - 1)["state"] == "active"
    assert use(client, visitor, 0, 1)["state"] == "ended"
    clock.advance()
    assert last(radius)["Acct-Terminate-Cause"] == "NAS-Request"


def test_accounting_is_sent_in_order_until_it_is_heard(
    client: FlaskClient, radius: FakeRadius, clock: HandClock
) -> None:
    visitor = online(client, radius)
    radius.answers = replace(radius.answers, drop_first=3)
    clock.advance()
    assert len(radius.accounting) == 3
    client.post(f"/guests/{visitor}/logout")
    clock.advance(6)
    start_again, stop = radius.accounting[3:]
    assert start_again["Acct-Status-Type"] == ["Start"]
    assert start_again["Acct-Delay-Time"] == [5]
    assert start_again.raw_packet != radius.accounting[0].raw_packet
    assert stop["Acct-Status-Type"] == ["Stop"]


def test_a_router_without_power_forgets_its_guests_and_says_so_when_it_is_back(
    client: FlaskClient, radius: FakeRadius, clock: HandClock
) -> None:
    visitor = online(client, radius, ("Session-Timeout", 60), ("Acct-Interim-Interval", 10))
    clock.advance()
    place = sessions(client)[0]["router_id"]
    client.post(f"/routers/{place}/behaviour", json={"mode": "down"})
    clock.advance(120)
    assert ended(client) == ("ended", "lost-power")
    assert reports(radius) == ["Start"]
    client.post(f"/routers/{place}/behaviour", json={"mode": "ok"})
    clock.advance()
    assert reports(radius) == ["Start", "Accounting-On"]
    assert login(client, visitor)["result"] == "accept"


def test_a_stop_waits_behind_a_cut_line(
    client: FlaskClient, radius: FakeRadius, clock: HandClock
) -> None:
    online(client, radius, ("Session-Timeout", 60))
    clock.advance()
    place = sessions(client)[0]["router_id"]
    client.post(f"/routers/{place}/behaviour", json={"mode": "blackhole"})
    clock.advance(60)
    assert ended(client) == ("ended", "Session-Timeout")
    assert reports(radius) == ["Start"]
    assert (client.get("/state").json or {})["accounting_backlog"] == 1
    client.post(f"/routers/{place}/behaviour", json={"mode": "ok"})
    clock.advance(6)
    assert reports(radius) == ["Start", "Stop"]


def test_who_is_not_in_uses_nothing(client: FlaskClient) -> None:
    visitor = guest(client, router(client))
    assert client.post(f"/guests/{visitor}/use", json={"bytes_in": 1}).status_code == 409
