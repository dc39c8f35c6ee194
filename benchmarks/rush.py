"""A rush of guests who pay in every way there is, while everything dies that can."""

import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from benchmarks import accounts
from benchmarks.accounts import Accounts
from benchmarks.guests import Guest, arrive
from benchmarks.trouble import Trouble
from hotspot.clock import NAIROBI
from hotspot.testing.system import System, wait_for

AT_ONCE = 8
# A guest whose callback got lost is asked about after half a minute; where M-Pesa was down, later.
PATIENCE_SECONDS = 300.0


@dataclass(frozen=True, kw_only=True)
class Rush:
    """What happened. `statement` is the report on M-Pesa's own statement of all the money."""

    guests: Sequence[Guest]
    accounts: Accounts
    statement: Mapping[str, Any]
    killed: int
    seconds: float

    def wrong(self) -> list[str]:
        """Whatever must not be, in words."""
        mine = self.accounts.receipts
        differ = [
            row["receipt"]
            for heap in ("missing_there", "different_amount", "sent_back")
            for row in self.statement[heap]["rows"]
            if row["receipt"] in mine
        ]
        said = [f"the statement says otherwise of receipt {receipt}" for receipt in differ]
        return self.accounts.wrong() + said


def hold(system: System, *, count: int, every: float = 1.0, down_seconds: float = 10.0) -> Rush:
    """Have `count` guests come while a worker dies `every` so many seconds, the broker restarts
    and Daraja is away for a while; then have M-Pesa's statement imported."""
    system.command("mpesa", "register-urls")
    began = time.monotonic()
    with Trouble(system=system, every=every, chance=random.Random(count)) as trouble:
        guests = _come(system, trouble, count, down_seconds)
        phones = frozenset(guest.phone for guest in guests)
        seen = _wait(system, phones, lambda seen: not seen.unaccounted())
    statement = _import_statement(system, seen)
    seen = _wait(system, phones, lambda seen: not seen.wrong())
    return Rush(
        guests=guests,
        accounts=seen,
        statement=statement,
        killed=trouble.killed,
        seconds=time.monotonic() - began,
    )


def _come(system: System, trouble: Trouble, count: int, down_seconds: float) -> list[Guest]:
    """Some at once. After a third of them the broker dies; the last fifth finds Daraja down."""
    with ThreadPoolExecutor(AT_ONCE + 1) as pool:
        coming = []
        for number in range(count):
            coming.append(pool.submit(arrive, system, number))
            if number in (count // 3, count * 4 // 5):
                for one in coming:
                    one.result()
            if number == count // 3:
                trouble.restart_broker()
            if number == count * 4 // 5:
                pool.submit(trouble.daraja_down, down_seconds)
        return [one.result() for one in coming]


def _wait(system: System, phones: frozenset[str], is_good: Callable[[Accounts], bool]) -> Accounts:
    """Look until all is as it should be, or patience ends: then what is wrong is seen."""
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        seen = accounts.look(system, phones)
        if is_good(seen) or time.monotonic() > end:
            return seen
        time.sleep(0.4)


def _import_statement(system: System, seen: Accounts) -> Mapping[str, Any]:
    headers = {**system.owner(), "Content-Type": "text/csv"}
    answer = system.post("/api/v1/statements", data=_csv(seen.money.values()), headers=headers)
    answer.raise_for_status()
    path = f"/api/v1/statements/{answer.json()['id']}"

    def report() -> dict[str, Any] | None:
        shown = system.get(path, headers=system.owner())
        is_done = shown.status_code == 200 and shown.json()["state"] == "done"
        return dict(shown.json()) if is_done else None

    return wait_for(report)


def _csv(money: Iterable[Mapping[str, Any]]) -> str:
    """As Safaricom's portal exports it: a preamble, the newest first, in local time."""
    lines = [
        "Organization Name,Hotspot",
        "",
        "Receipt No.,Completion Time,Details,Transaction Status,Paid In,Withdrawn,Balance",
    ]
    for moved in sorted(money, key=lambda one: str(one["at"]), reverse=True):
        local = datetime.fromisoformat(moved["at"]).astimezone(NAIROBI)
        payer = f"{moved['phone'][:6]}***{moved['phone'][-3:]}"
        details = f"Pay Bill from {payer} - A GUEST Acc. {moved['reference']}"
        amount = f'"{moved["amount"]:,}.00"'
        row = (moved["receipt"], f"{local:%d-%m-%Y %H:%M:%S}", details, "Completed", amount, "", "")
        lines.append(",".join(row))
    return "\r\n".join(lines)
