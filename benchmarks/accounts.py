"""What is true of money after a rush: M-Pesa's own truth beside the services' databases."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from benchmarks import books
from hotspot.clock import utc_now
from payment_service import standing
from tests.system import System

Row = Mapping[str, Any]

_PAYMENTS = """
    SELECT id, phone, status, source, price, receipt, requested_at, paid_at, completed_at,
        reversed_at, upper(right(id::text, 12)) AS reference, failure_code
    FROM payments
"""
_GRANTS = "SELECT payment_id, min(ready_at) AS ready_at, count(*) AS times FROM grants GROUP BY 1"
_RADIUS_GRANTS = "SELECT payment_id, count(*) AS times FROM grants GROUP BY 1"


@dataclass(frozen=True, kw_only=True)
class Accounts:
    """Everything at one moment. `money`: what really moved, by receipt."""

    money: Mapping[str, Row]
    payments: Sequence[Row]
    receipts: Mapping[str, Row]
    standings: Mapping[UUID, str]
    grants: Mapping[UUID, Row]
    radius_grants: Mapping[UUID, Row]
    sms: Counter[str]
    sums: books.Books

    @property
    def completed(self) -> dict[UUID, Row]:
        """The payments that bought something."""
        return {row["id"]: row for row in self.payments if row["status"] == "completed"}

    def unaccounted(self) -> list[str]:
        """Receipts of money that came and that nothing here knows of: no payment, no receipt."""
        paid = {row["reference"] for row in self.completed.values()}
        return [
            receipt
            for receipt, moved in self.money.items()
            if receipt not in self.receipts and moved["reference"] not in paid
        ]

    def waiting(self) -> list[UUID]:
        """Paid, and not served yet."""
        return [one for one, place in self.standings.items() if place == "waiting"]

    def wrong(self) -> list[str]:
        """Whatever must not be, in words."""
        return [
            *(f"money {receipt} is nowhere" for receipt in self.money if receipt not in self.receipts),
            *(f"receipt {receipt} was made up" for receipt in self.receipts if receipt not in self.money),
            *(f"payment {one} waits" for one in self.waiting()),
            *self._wrong_amounts(),
            *self._wrong_service(),
            *self._wrong_books(),
        ]

    def _wrong_amounts(self) -> list[str]:
        return [
            f"receipt {receipt} has another amount than M-Pesa says"
            for receipt, row in self.receipts.items()
            if receipt in self.money and row["amount"] != self.money[receipt]["amount"] * 100
        ]

    def _wrong_service(self) -> list[str]:
        """Everyone who paid was served once, and nobody else."""
        served = set(self.grants) | set(self.radius_grants)
        doubled = [*self.grants.values(), *self.radius_grants.values()]
        texts = Counter(row["phone"] for row in self.completed.values())
        return [
            *(f"payment {one} was served unpaid" for one in served - set(self.completed)),
            *(f"payment {one} was never served" for one in set(self.completed) - set(self.radius_grants)),
            *(f"payment {row['payment_id']} was served twice" for row in doubled if row["times"] > 1),
            *(f"{phone} got too many texts" for phone, sent in self.sms.items() if sent > texts[phone]),
            *(
                f"payment {row['id']} was completed for {row['receipt']}, which is not money"
                for row in self.completed.values()
                if row["receipt"] not in self.money
            ),
        ]

    def _wrong_books(self) -> list[str]:
        came = sum(moved["amount"] for moved in self.money.values()) * 100
        found = []
        if self.sums.balance or self.sums.credited_to_nothing:
            found.append(f"the books do not balance: {self.sums}")
        if self.sums.received != came:
            found.append(f"{came} cents came, the books have {self.sums.received}")
        confirmed = {row["id"] for row in self.payments if row["failure_code"] == "held"}
        if set(self.standings) != confirmed | set(self.completed):
            found.append("a confirmed payment stands in no place")
        return found


def look(system: System) -> Accounts:
    """Read everything."""
    state = system.state()
    with _rows(system, "payment") as payment:
        payments = payment(_PAYMENTS)
        receipts = {row["receipt"]: row for row in payment("SELECT * FROM receipts")}
    with _rows(system, "provisioning") as provisioning:
        grants = {row["payment_id"]: row for row in provisioning(_GRANTS)}
    with _rows(system, "radius") as radius:
        radius_grants = {row["payment_id"]: row for row in radius(_RADIUS_GRANTS)}
    places, sums = _places_and_sums(system)
    return Accounts(
        money={one["receipt"]: one for one in state["transactions"] if one["kind"] != "reversal"},
        payments=payments,
        receipts=receipts,
        standings=places,
        grants=grants,
        radius_grants=radius_grants,
        sms=Counter(one["to"].lstrip("+") for one in state["sms"]),
        sums=sums,
    )
