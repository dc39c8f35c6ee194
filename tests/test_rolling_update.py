"""Every process is replaced while guests pay, as an update does it: one after another, by SIGTERM.

Old and new code are the same here; that old and new messages and tables suit each other is seen
in `shared/tests/contract/test_versions.py`, `test_old_messages.py` and `test_released.py`.
"""

import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
import requests

from benchmarks import accounts
from hotspot.command.home import Home
from hotspot.command.processes import INFRASTRUCTURE, SETUP
from hotspot.command.services import RUNNING
from hotspot.command.supervisor import Process, Supervisor

from .system import Purchase, System, wait_for

EVERY_SECONDS = 0.4
STAYS = (*INFRASTRUCTURE, SETUP, "simulators")
PIN_TAKES_MS = 8_000
REACHED_NOBODY = (502, 503, 504)


@dataclass(kw_only=True)
class Guests:
    """Buy one after another; where nobody answers, try once more when all say that they are ready,
    as whoever stands behind a load balancer does without knowing it."""

    system: System
    phones: list[str] = field(default_factory=list)
    bought: list[Purchase] = field(default_factory=list)
    tried_again: int = 0
    over: threading.Event = field(default_factory=threading.Event)
    counter: threading.Lock = field(default_factory=threading.Lock)

    def buy_on(self) -> None:
        package = self.system.package()
        while not self.over.wait(EVERY_SECONDS):
            with self.counter:
                phone = self.system.new_phone()
                self.phones.append(phone)
                self.bought.append(self._buy(phone, package["id"]))

    def are_served(self) -> None:
        """Until nobody waits for M-Pesa to call back."""
        for purchase in list(self.bought):
            purchase.wait_access("ready", "online")

    def _buy(self, phone: str, package_id: str) -> Purchase:
        answer = self._ask(phone, package_id)
        if answer is None:
            self.tried_again += 1
            wait_for(lambda: _is_ready(self.system))
            answer = self._ask(phone, package_id)
        assert answer is not None, "nobody answered a second time"
        assert answer.status_code == 202, answer.text
        told = answer.json()
        return Purchase(
            system=self.system, phone=phone, id=told["id"], claim_token=told["claim_token"]
        )

    def _ask(self, phone: str, package_id: str) -> requests.Response | None:
        """The answer; None where there is nobody to give one."""
        body = {"package_id": package_id, "phone": phone}
        try:
            answer: requests.Response = self.system.post(
                "/api/v1/payments", json=body, headers={"Idempotency-Key": f"roll-{phone}"}
            )
        except requests.ConnectionError as error:
            print(f"{phone}: {error}")  # noqa: T201
            return None
        if answer.status_code in REACHED_NOBODY:
            print(f"{phone}: {answer.text}")  # noqa: T201
            return None
        return answer


@pytest.fixture
def supervisor(system: System) -> Supervisor:
    return Supervisor(Home.of(system.environment).socket)


def test_every_process_is_replaced_while_guests_pay_and_no_payment_is_lost(
    system: System, supervisor: Supervisor
) -> None:
    guests, before = Guests(system=system), len(_log(system))
    with ThreadPoolExecutor(1) as pool:
        buying = pool.submit(guests.buy_on)
        try:
            replaced = [_replace(one, supervisor, guests) for one in _replaceable(supervisor)]
        finally:
            guests.over.set()
            system.steer("/mpesa/behaviour", mode="pay")
        buying.result()
    guests.are_served()

    print(f"{len(guests.bought)} bought, {guests.tried_again} tried again")  # noqa: T201
    groups = {one.group for one in replaced}
    assert groups >= {"web", "radius", "hotspot", "payments", "mpesa", "routers", "general"}
    ends = _ends(system, before)
    assert {ends[one.name] for one in replaced} == {"exit status 0"}, ends
    seen = accounts.look(system, frozenset(guests.phones))
    assert seen.wrong() == []
    assert len(seen.completed) == len(guests.bought) > len(groups)
    access = guests.bought[-1].look()["access"]
    assert "Access-Accept" in system.login(access["username"], access["password"])


def _replaceable(supervisor: Supervisor) -> Iterator[Process]:
    """Workers first, then what is talked to: as docs/upgrading.md says."""
    found = [one for one in supervisor.processes() if one.group not in STAYS]
    yield from sorted(found, key=lambda one: (one.group == "web", one.group, one.name))


def _replace(old: Process, supervisor: Supervisor, guests: Guests) -> Process:
    """End a process as an update does, and wait for the one in its place."""
    began = time.monotonic()
    _end(old, guests)

    def new() -> Process | None:
        now = next(one for one in supervisor.processes() if one.name == old.name)
        return now if now.state in ("STARTING", "RUNNING") and now.pid != old.pid else None

    here = wait_for(new, lambda: f"{old.name} does not come back")
    if old.group == "web":
        wait_for(lambda: _is_ready(guests.system), lambda: f"{old.name} does not answer")
    print(f"{time.monotonic() - began:.1f} s  {old.name}")  # noqa: T201  # shown where it fails
    return here


def _end(old: Process, guests: Guests) -> None:
    """Guests go on buying meanwhile.

    There is one payment-web here, and M-Pesa calls back once. What it says to nobody is asked for
    half a minute later, which `test_a_guest_whose_callback_was_lost_is_online_all_the_same` sees;
    who minds has two. Here guests type their PIN while the one is away, and end after it is back.
    """
    if old.name != "payment-web":
        os.kill(old.pid, signal.SIGTERM)
        return
    with guests.counter:
        guests.are_served()
        guests.system.steer("/mpesa/behaviour", mode="pay", delay_ms=PIN_TAKES_MS)
        os.kill(old.pid, signal.SIGTERM)


def _ends(system: System, before: int) -> dict[str, str]:
    """How each process ended since then, as its keeper saw it: by itself, or killed."""
    told = re.findall(r"exited: (\S+) \(([^;]*);", _log(system)[before:])
    return dict(told)


def _log(system: System) -> str:
    return Home.of(system.environment).log_of("supervisord").read_text()


def _is_ready(system: System) -> bool:
    """Whether every service answers that it is ready."""
    try:
        return all(
            requests.get(f"http://127.0.0.1:{system.base + at}/health/ready", timeout=5).ok
            for at in range(len(RUNNING))
        )
    except requests.ConnectionError:
        return False
