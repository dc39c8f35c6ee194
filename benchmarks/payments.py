"""Payments through the whole system, in every way there is, while everything dies that can.

At the end every shilling is in one place, nobody was served twice, and nobody unpaid.
"""

import statistics
import sys
from collections import Counter
from datetime import datetime

from benchmarks.rush import Rush, hold
from hotspot.testing.system import started

PAYMENTS = 500


def run(*, count: int = PAYMENTS) -> int:
    """Start a system of its own, let the guests come, print the tables; 1 if anything is wrong."""
    with started() as system:
        rush = hold(system, count=count)
    sys.stdout.write(table(rush))
    return 1 if rush.wrong() else 0


def table(rush: Rush) -> str:
    """The guests by kind, where their payments stand, the books, and what is wrong."""
    return "\n".join(
        [
            f"{len(rush.guests)} guests in {rush.seconds:.0f} s while {rush.killed} workers were"
            " killed, RabbitMQ died once, and Daraja was down once",
            "",
            *_guests(rush),
            "",
            *_standings(rush),
            "",
            *_books(rush),
            "",
            *(f"WRONG: {said}" for said in rush.wrong() or ["nothing"]),
            "",
        ]
    )


def _guests(rush: Rush) -> list[str]:
    """Seconds from M-Pesa's payment to a login that works."""
    heads = f"{'came':>7}{'paid':>7}{'served':>8}{'median s':>10}{'longest s':>11}"
    lines = [f"{'guests who':<16}{heads}"]
    paid = Counter(moved["phone"] for moved in rush.accounts.money.values())
    took = _seconds_to_login(rush)
    for kind in dict.fromkeys(guest.kind for guest in rush.guests):
        phones = [guest.phone for guest in rush.guests if guest.kind == kind]
        waits = [took[phone] for phone in phones if phone in took]
        times = f"{statistics.median(waits):>10.1f}{max(waits):>11.1f}" if waits else ""
        lines.append(
            f"{kind:<16}{len(phones):>7}{sum(paid[one] for one in phones):>7}{len(waits):>8}{times}"
        )
    return lines


def _seconds_to_login(rush: Rush) -> dict[str, float]:
    seen = rush.accounts
    paid_at = {moved["phone"]: datetime.fromisoformat(moved["at"]) for moved in seen.money.values()}
    return {
        row["phone"]: (seen.grants[one]["ready_at"] - paid_at[row["phone"]]).total_seconds()
        for one, row in seen.completed.items()
        if one in seen.grants and seen.grants[one]["ready_at"] and row["phone"] in paid_at
    }


def _standings(rush: Rush) -> list[str]:
    price = {row["id"]: row["price"] for row in rush.accounts.payments}
    places = rush.accounts.standings
    lines = [f"{'payments that are':<23}{'count':>7}{'KES':>12}"]
    for place, count in sorted(Counter(places.values()).items()):
        cents = sum(price[one] for one, stands in places.items() if stands == place)
        lines.append(f"{place.replace('_', ' '):<23}{count:>7}{cents / 100:>12,.2f}")
    return lines


def _books(rush: Rush) -> list[str]:
    sums = rush.accounts.sums
    places = ("received", "sold", "left_over", "held", "sent_back")
    return [
        f"{'shillings':<30}{'KES':>12}",
        *(f"{name.replace('_', ' '):<30}{getattr(sums, name) / 100:>12,.2f}" for name in places),
    ]
