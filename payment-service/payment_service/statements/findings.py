"""A statement beside the receipts that we have: what matches, what is missing where."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, func, select
from sqlalchemy.orm import Session

from hotspot.contract.money import Money
from hotspot.contract.payments import StatementRow
from hotspot.phone import InvalidPhone, normalize
from payment_service.models import AnyRow, Receipt

AT_ONCE = 1_000

_PAYER = re.compile(r"\bfrom\s+(\+?[\d*][\d* ]{7,17}[\d*])", re.IGNORECASE | re.ASCII)
_ACCOUNT = re.compile(r"\bAcc(?:ount)?\.?\s*(?:No\.?)?\s*[:#]?\s+(\S.*)$", re.IGNORECASE)


class Finding(StrEnum):
    """How a line of a statement and our receipts compare. SENT_BACK: M-Pesa reversed it, and our
    payment stands as if it had not."""

    MATCHED = "matched"
    MISSING_HERE = "missing_here"
    MISSING_THERE = "missing_there"
    DIFFERENT_AMOUNT = "different_amount"
    SENT_BACK = "sent_back"


@dataclass(frozen=True, kw_only=True)
class Here:
    """A receipt as we have it."""

    receipt: str
    amount: Money | None
    at: datetime
    payment_id: UUID | None
    is_reversed: bool


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A receipt of the statement, of ours, or of both. `outcome`: what the import made of it."""

    finding: Finding
    receipt: str
    completed_at: datetime
    there: Money | None
    here: Money | None
    details: str = ""
    payment_id: UUID | None = None
    outcome: str | None = None


@dataclass(frozen=True, kw_only=True)
class Payer:
    """Who paid what for, as far as Details tells: the phone in the clear or masked."""

    phone: str | None = None
    masked_phone: str | None = None
    reference: str | None = None


def compare(row: StatementRow, here: Here | None) -> Compared:
    """One line of a statement beside the receipt that we have of it."""
    if here is None:
        finding = Finding.SENT_BACK if row.sent_back else Finding.MISSING_HERE
    elif row.sent_back and not here.is_reversed:
        finding = Finding.SENT_BACK
    elif here.amount is not None and here.amount != row.paid_in:
        finding = Finding.DIFFERENT_AMOUNT
    else:
        finding = Finding.MATCHED
    return Compared(
        finding=finding,
        receipt=row.receipt,
        completed_at=row.completed_at,
        there=row.paid_in,
        here=here.amount if here else None,
        details=row.details,
        payment_id=here.payment_id if here else None,
    )


def not_there(here: Here) -> Compared:
    """A receipt of ours that the statement does not have."""
    return Compared(
        finding=Finding.MISSING_THERE,
        receipt=here.receipt,
        completed_at=here.at,
        there=None,
        here=here.amount,
        payment_id=here.payment_id,
    )


def payer_in(details: str) -> Payer:
    """Read `Pay Bill from 254712***678 - JOHN DOE Acc. 1HOUR` and its like."""
    found, account = _PAYER.search(details), _ACCOUNT.search(details)
    reference = account.group(1).strip() if account else None
    number = found.group(1).strip() if found else ""
    if "*" in number:
        return Payer(masked_phone=number, reference=reference)
    try:
        return Payer(phone=normalize(number), reference=reference)
    except InvalidPhone:
        return Payer(reference=reference)


def receipts_named(session: Session | Connection, receipts: Sequence[str]) -> Mapping[str, Here]:
    """Those of these receipts (at most AT_ONCE) that we have."""
    found = session.execute(_ours().where(Receipt.receipt.in_(receipts)))
    return {row.receipt: _here(row) for row in found}


def receipts_between(
    connection: Connection, begins_at: datetime, ends_at: datetime
) -> Iterator[Sequence[Here]]:
    """The receipts that we have of a time, some at once."""
    within = _ours().where(came_at().between(begins_at, ends_at))
    found = connection.execution_options(yield_per=AT_ONCE).execute(within)
    for some in found.partitions():
        yield [_here(row) for row in some]


def came_at() -> ColumnElement[datetime]:
    """When M-Pesa moved the money; where that was never told, when we heard of it."""
    return func.coalesce(Receipt.paid_at, Receipt.recorded_at)


def _ours() -> Select[*tuple[Any, ...]]:
    return select(
        Receipt.receipt,
        Receipt.amount,
        came_at().label("at"),
        Receipt.payment_id,
        Receipt.reversed_at,
    )


def _here(row: AnyRow) -> Here:
    return Here(
        receipt=row.receipt,
        amount=None if row.amount is None else Money(amount=row.amount),
        at=row.at,
        payment_id=row.payment_id,
        is_reversed=row.reversed_at is not None,
    )


def compare_all(rows: Sequence[StatementRow], known: Mapping[str, Here]) -> list[Compared]:
    """Each line of a statement beside what we have."""
    return [compare(row, known.get(row.receipt)) for row in rows]
