"""What dies, dies without losing or doubling anything."""

import os
import signal
from typing import Any

import pytest

from .system import System, wait_for

KILLED = ["payment-payments", "provisioning-hotspot", "radius-hotspot", "notification-payments"]


def test_workers_that_are_killed_all_the_time_lose_nothing(system: System) -> None:
    phones = [system.new_phone() for _ in range(12)]
    purchases = []
    for at, phone in enumerate(phones):
        purchases.append(system.buy(phone))
        for name in KILLED[at % 2 :: 2]:
            for pid in system.processes(name):
                os.kill(pid, signal.SIGKILL)
    for purchase in purchases:
        access = purchase.wait_access("ready")["access"]
        assert "Access-Accept" in system.login(access["username"], access["password"])
    for phone in phones:
        assert len(system.sms_to(phone)) <= 1


@pytest.mark.parametrize("mode", ["down", "slow", "refuse"])
def test_an_sms_gateway_in_trouble_keeps_nobody_offline(system: System, mode: str) -> None:
    system.steer("/sms/behaviour", mode=mode)
    try:
        phone = system.new_phone()
        access = system.buy(phone).wait_access("ready")["access"]
        assert "Access-Accept" in system.login(access["username"], access["password"])
    finally:
        system.steer("/sms/behaviour", mode="ok")


def test_an_sms_whose_fate_is_unclear_is_seen_and_can_be_sent_again(system: System) -> None:
    phone = system.new_phone()
    system.steer("/sms/behaviour", mode="down")
    try:
        system.buy(phone).wait_access("ready")
        message = wait_for(lambda: _message(system, phone, "unclear", "failed"))
    finally:
        system.steer("/sms/behaviour", mode="ok")
    assert system.sms_to(phone) == [], "an unclear message is not sent twice by itself"
    resent = system.post(f"/api/v1/messages/{message['id']}/resend", headers=system.owner())
    assert resent.status_code == 202, resent.text
    wait_for(lambda: len(system.sms_to(phone)) == 1)


def _message(system: System, phone: str, *states: str) -> dict[str, Any] | None:
    answer = system.get(f"/api/v1/messages?phone={phone}", headers=system.owner())
    assert answer.status_code == 200, answer.text
    found = [one for one in answer.json()["items"] if one.get("status") in states]
    return found[0] if found else None
