"""Guests who pay, each in the way of one behaviour mode of the simulated M-Pesa."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import requests

from hotspot.ids import new_id
from hotspot.testing.system import System

T = TypeVar("T")

PATIENCE_SECONDS = 90

# A guest of each kind in turn. What follows the mode goes to the simulator.
KINDS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("pay", {}),
    ("duplicate", {}),
    ("no_callback", {"c2b": "none"}),
    ("callback_first", {}),
    ("late_callback", {"delay_ms": 8_000}),
    ("cancel", {}),
    ("reply_lost", {}),
    ("timeout", {}),
    ("pay", {"c2b": "before"}),
    ("by_hand", {"amount": 20}),
    ("no_balance", {}),
    ("by_hand", {"amount": 3}),
    ("duplicate", {"c2b": "after"}),
    ("wrong_pin", {}),
    ("by_hand", {"amount": 47}),
)


@dataclass(frozen=True, kw_only=True)
class Guest:
    """One guest."""

    phone: str
    kind: str


def arrive(system: System, number: int) -> Guest:
    """The next guest comes and pays in the way of its kind."""
    kind, more = KINDS[number % len(KINDS)]
    guest = Guest(phone=system.new_phone(), kind=kind)
    if kind == "by_hand":
        account = "0" + guest.phone[3:]
        system.steer("/mpesa/c2b", phone=guest.phone, reference=account, **more)
        return guest
    system.steer("/mpesa/behaviour", mode=kind, phone=guest.phone, **more)
    _buy(system, guest.phone)
    return guest


def _buy(system: System, phone: str) -> None:
    """Ask until the request is taken; the key makes all that are taken one."""
    headers = {"Idempotency-Key": str(new_id())}
    package = _insist(lambda: _package(system))
    body = {"package_id": package["id"], "phone": phone}

    def ask() -> bool | None:
        answer = system.post("/api/v1/payments", json=body, headers=headers)
        if answer.status_code >= 500:
            return None
        answer.raise_for_status()
        return True

    _insist(ask)


def _package(system: System) -> dict[str, Any] | None:
    answer = system.get("/api/v1/packages")
    if answer.status_code != 200:
        return None
    found: dict[str, Any] = next(
        one for one in answer.json()["items"] if one["price"]["amount"] == 20_00
    )
    return found


def _insist(ask: Callable[[], T | None]) -> T:
    """Ask again while something is down, as guests do."""
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        with suppress(requests.ConnectionError, requests.Timeout):
            answer = ask()
            if answer is not None:
                return answer
        if time.monotonic() > end:
            raise TimeoutError("a guest gave up asking")
        time.sleep(0.2)
