"""What dies, dies without losing or doubling anything."""

import os
import signal

import pytest
from system import System, wait_for

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


@pytest.mark.parametrize("mode", ["down", "slow"])
def test_an_sms_gateway_in_trouble_keeps_nobody_offline(system: System, mode: str) -> None:
    system.steer("/sms/behaviour", mode=mode)
    try:
        phone = system.new_phone()
        access = system.buy(phone).wait_access("ready")["access"]
        assert "Access-Accept" in system.login(access["username"], access["password"])
    finally:
        system.steer("/sms/behaviour", mode="ok")
    if mode == "down":
        wait_for(lambda: system.sms_to(phone))
