"""What came of a statement: what matches, what is missing where, and what differs."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, and_, exists, func, select

from hotspot.contract.message import utc_text
from hotspot.contract.money import Money
from payment_service.models import AnyRow, Receipt, Statement, StatementLine, StatementPart
from payment_service.statements.findings import (
    AT_ONCE,
    Compared,
    Finding,
    came_at,
    compare_all,
    not_there,
    receipts_between,
    receipts_named,
)
from payment_service.statements.reading import Statement as Read

# Enough for any person to look at; the counts and sums are of all.
MOST_ROWS = 1_000

Body = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Heap:
    """All of one finding: how many, how much, and the first rows of them."""

    count: int
    amount: int
    rows: Sequence[Compared]

    def body(self) -> Body:
        """As it is answered."""
        return {
            "count": self.count,
            "amount": _money(Money(amount=self.amount)),
            "rows": [_row(one) for one in self.rows[:MOST_ROWS]],
            "truncated": self.count > MOST_ROWS,
        }


def dry_run(connection: Connection, read: Read, breathe: Callable[[], object]) -> Body:
    """What an import would find. Nothing is changed. `breathe` as in `read_statement`."""
    compared: list[Compared] = []
    for start in range(0, len(read.rows), AT_ONCE):
        rows = read.rows[start : start + AT_ONCE]
        known = receipts_named(connection, [row.receipt for row in rows])
        compared += compare_all(rows, known)
        breathe()
    named = {row.receipt for row in read.rows}
    for ours in receipts_between(connection, read.begins_at, read.ends_at):
        compared += [not_there(here) for here in ours if here.receipt not in named]
        breathe()
    return {
        "begins_at": utc_text(read.begins_at),
        "ends_at": utc_text(read.ends_at),
        "passed_over": dict(read.passed_over),
        **_heaps(compared),
    }


def listed() -> Select[Any]:
    """Statements that were imported."""
    done = (
        select(func.count())
        .select_from(StatementPart)
        .where(StatementPart.statement_id == Statement.id)
        .scalar_subquery()
    )
    return select(Statement.__table__, done.label("parts_done"))


def headline(row: AnyRow) -> Body:
    """A statement without its rows."""
    return {
        "id": row.id,
        "state": "done" if row.parts_done >= row.parts else "importing",
        "parts": row.parts,
        "parts_done": row.parts_done,
        "begins_at": utc_text(row.begins_at),
        "ends_at": utc_text(row.ends_at),
        "requested_by": row.requested_by,
        "requested_at": utc_text(row.requested_at),
    }


def report(connection: Connection, statement_id: UUID) -> Body | None:
    """A statement with what its import found, as far as it has come. None: there is no such one."""
    row = connection.execute(listed().where(Statement.id == statement_id)).first()
    if row is None:
        return None
    heaps = {
        finding.value: _heap_of(connection, statement_id, finding).body()
        for finding in Finding
        if finding is not Finding.MISSING_THERE
    }
    missing_there = _missing_there(connection, row).body()
    return headline(row) | heaps | {Finding.MISSING_THERE.value: missing_there}


def _heaps(compared: Iterable[Compared]) -> Mapping[str, Body]:
    by_finding: dict[Finding, list[Compared]] = {finding: [] for finding in Finding}
    for one in compared:
        by_finding[one.finding].append(one)
    return {
        finding.value: Heap(count=len(rows), amount=sum(map(_cents, rows)), rows=rows).body()
        for finding, rows in by_finding.items()
    }


def _heap_of(connection: Connection, statement_id: UUID, finding: Finding) -> Heap:
    mine = and_(StatementLine.statement_id == statement_id, StatementLine.finding == finding.value)
    count, amount = connection.execute(
        select(func.count(), func.coalesce(func.sum(StatementLine.there), 0)).where(mine)
    ).one()
    rows = connection.execute(
        select(StatementLine.__table__)
        .where(mine)
        .order_by(StatementLine.completed_at, StatementLine.receipt)
        .limit(MOST_ROWS)
    )
    return Heap(count=count, amount=int(amount), rows=[_compared(row) for row in rows])


def _missing_there(connection: Connection, statement: AnyRow) -> Heap:
    """Worked out anew each time: a receipt may have come after the statement did."""
    is_named = exists().where(
        StatementLine.statement_id == statement.id, StatementLine.receipt == Receipt.receipt
    )
    within = and_(came_at().between(statement.begins_at, statement.ends_at), ~is_named)
    count, amount = connection.execute(
        select(func.count(), func.coalesce(func.sum(Receipt.amount), 0)).where(within)
    ).one()
    rows = connection.execute(
        select(Receipt.__table__, came_at().label("at"))
        .where(within)
        .order_by(came_at(), Receipt.receipt)
        .limit(MOST_ROWS)
    )
    found = [
        Compared(
            finding=Finding.MISSING_THERE,
            receipt=row.receipt,
            completed_at=row.at,
            there=None,
            here=_money_of(row.amount),
            payment_id=row.payment_id,
        )
        for row in rows
    ]
    return Heap(count=count, amount=int(amount or 0), rows=found)


def _compared(row: AnyRow) -> Compared:
    return Compared(
        finding=Finding(row.finding),
        receipt=row.receipt,
        completed_at=row.completed_at,
        there=Money(amount=row.there),
        here=_money_of(row.here),
        details=row.details,
        payment_id=row.payment_id,
        outcome=row.outcome,
    )


def _cents(one: Compared) -> int:
    money = one.there or one.here
    return money.amount if money else 0


def _row(one: Compared) -> Body:
    return {
        "receipt": one.receipt,
        "completed_at": utc_text(one.completed_at),
        "there": _money(one.there),
        "here": _money(one.here),
        "payment_id": one.payment_id,
        "details": one.details,
        "outcome": one.outcome,
    }


def _money(money: Money | None) -> Body | None:
    return {"amount": money.amount, "currency": money.currency} if money else None


def _money_of(amount: int | None) -> Money | None:
    return None if amount is None else Money(amount=amount)
