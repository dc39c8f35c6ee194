"""What is true of money after a rush: M-Pesa's own truth beside the services' databases."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from benchmarks import books
from hotspot.bus.database import connect
from hotspot.clock import utc_now
from hotspot.testing.system import System
from payment_service.promise import standing

Row = Mapping[str, Any]

EVER = timedelta(days=3650)

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
        lost, made_up = self.money.keys() - self.receipts, self.receipts.keys() - self.money
        return [
            *(f"money {receipt} is nowhere" for receipt in lost),
            *(f"receipt {receipt} was made up" for receipt in made_up),
            *(f"payment {one} waits" for one in self.waiting()),
            *self._wrong_service(),
            *self._wrong_books(),
        ]

    def _wrong_service(self) -> list[str]:
        """Everyone who paid was served once, and nobody else."""
        completed = self.completed
        given = [*self.grants.values(), *self.radius_grants.values()]
        served = {row["payment_id"] for row in given}
        unserved = completed.keys() - self.radius_grants
        bought = Counter(row["phone"] for row in completed.values())
        texts = [phone for phone, sent in self.sms.items() if sent > bought[phone]]
        twice = [row["payment_id"] for row in given if row["times"] > 1]
        unpaid = [one for one, row in completed.items() if row["receipt"] not in self.money]
        return [
            *(f"payment {one} was served unpaid" for one in served - completed.keys()),
            *(f"payment {one} was completed for no money" for one in unpaid),
            *(f"payment {one} was never served" for one in unserved),
            *(f"payment {one} was served twice" for one in twice),
            *(f"{phone} got too many texts" for phone in texts),
        ]

    def _wrong_books(self) -> list[str]:
        came = sum(moved["amount"] for moved in self.money.values()) * 100
        found = []
        if self.sums.balance or self.sums.credited_to_nothing:
            found.append(f"the books do not balance: {self.sums}")
        booked = sum(row["amount"] for row in self.receipts.values())
        if booked != came:
            found.append(f"{came} cents came, {booked} are in the books")
        confirmed = {row["id"] for row in self.payments if row["failure_code"] == "held"}
        if set(self.standings) != confirmed | set(self.completed):
            found.append("a confirmed payment stands in no place")
        return found


def look(system: System, phones: frozenset[str]) -> Accounts:
    """Read all that concerns these phones; the books are everybody's."""
    now, state = utc_now(), system.state()
    money = {
        one["receipt"]: one
        for one in state["transactions"]
        if one["phone"] in phones and one["kind"] != "reversal"
    }
    with _database(system, "payment") as payment:
        payments = [row for row in _rows(payment, _PAYMENTS) if row["phone"] in phones]
        ids = {row["id"] for row in payments}
        receipts = {
            row["receipt"]: row
            for row in _rows(payment, "SELECT * FROM receipts")
            if row["receipt"] in money or row["payment_id"] in ids
        }
        standings = {
            row.id: row.standing
            for candidates in (standing.over_since(now - EVER), standing.not_over(now))
            for row in payment.execute(standing.standings(candidates, now))
            if row.id in ids
        }
        sums = books.read(payment)
    with _database(system, "provisioning") as provisioning:
        grants = _of(ids, _rows(provisioning, _GRANTS))
    with _database(system, "radius") as radius:
        radius_grants = _of(ids, _rows(radius, _RADIUS_GRANTS))
    return Accounts(
        money=money,
        payments=payments,
        receipts=receipts,
        standings=standings,
        grants=grants,
        radius_grants=radius_grants,
        sms=Counter(
            one["to"].lstrip("+") for one in state["sms"] if one["to"].lstrip("+") in phones
        ),
        sums=sums,
    )


@contextmanager
def _database(system: System, service: str) -> Iterator[Connection]:
    engine = connect(system.database_url(service))
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _of(payments: set[UUID], grants: list[Row]) -> dict[UUID, Row]:
    return {row["payment_id"]: row for row in grants if row["payment_id"] in payments}


def _rows(connection: Connection, statement: str) -> list[Row]:
    return [dict(row) for row in connection.execute(text(statement)).mappings()]
