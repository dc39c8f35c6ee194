"""The money that came to the shortcode, receipt by receipt, and what was sent back of it."""

import itertools
import secrets
import threading
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from simulators.kept import Kept
from simulators.stk import EAST_AFRICA

TRANSACTIONS_KEPT: Final = 20_000
BASE36: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
RECEIPT_DIGITS: Final = 7
# Odd and no multiple of 3, so that stepping by it meets every number of 7 base-36 digits once.
RECEIPT_STEP: Final = 37_912_345_681


class Kind(StrEnum):
    """How money moved."""

    PROMPT = "prompt"
    C2B = "c2b"
    REVERSAL = "reversal"


@dataclass(frozen=True, kw_only=True)
class Transaction:
    """One movement of money. `amount` in whole shillings; `name` is the guest's.

    A reversal has a receipt of its own, and moves money from the shortcode to the guest.
    """

    receipt: str
    kind: Kind
    phone: str
    name: str
    amount: int
    reference: str
    at: datetime
    reversed_by: str | None = None


class AlreadyReversed(Exception):
    """The money of this receipt was sent back before."""


class Receipts:
    """M-Pesa receipts: date in three characters, then seven that never repeat."""

    def __init__(self) -> None:
        self._next = itertools.count(secrets.randbelow(36**RECEIPT_DIGITS))

    def issue(self, at: datetime) -> str:
        """A new receipt, such as UKM7RT61SV."""
        local = at.astimezone(EAST_AFRICA)
        number = next(self._next) * RECEIPT_STEP % 36**RECEIPT_DIGITS
        digits = ""
        for _ in range(RECEIPT_DIGITS):
            number, digit = divmod(number, 36)
            digits = BASE36[digit] + digits
        # 2023 is R, January A, the 1st "1" and the 10th A.
        year = BASE36[10 + (local.year - 2006) % 26]
        return f"{year}{BASE36[9 + local.month]}{BASE36[local.day]}{digits}"


class Transactions:
    """All movements by receipt."""

    def __init__(self) -> None:
        self._kept: Kept[str, Transaction] = Kept(TRANSACTIONS_KEPT)
        self._receipts = Receipts()
        self._reversing = threading.Lock()

    def next_receipt(self, at: datetime) -> str:
        """A receipt for money that is about to move."""
        return self._receipts.issue(at)

    def keep(self, made: Transaction) -> Transaction:
        """Money moved."""
        self._kept.add(made.receipt, made)
        return made

    def of_prompt(self, phone: str, amount: int, reference: str, at: datetime) -> Transaction:
        """A guest paid a prompt."""
        return self.keep(
            Transaction(
                receipt=self.next_receipt(at),
                kind=Kind.PROMPT,
                phone=phone,
                name="JOHN DOE",
                amount=amount,
                reference=reference,
                at=at,
            )
        )

    def get(self, receipt: str) -> Transaction | None:
        """The movement, or None for a receipt that M-Pesa never gave."""
        return self._kept.get(receipt)

    def reverse(self, receipt: str, amount: int, now: datetime) -> Transaction | None:
        """Send the money back; None where there is no such money. Raises AlreadyReversed."""
        with self._reversing:
            original = self._kept.get(receipt)
            if original is None or original.kind is Kind.REVERSAL or original.amount != amount:
                return None
            if original.reversed_by is not None:
                raise AlreadyReversed(receipt)
            made = self.keep(
                replace(
                    original,
                    receipt=self.next_receipt(now),
                    kind=Kind.REVERSAL,
                    reference=receipt,
                    at=now,
                )
            )
            self._kept.change(receipt, lambda it: replace(it, reversed_by=made.receipt))
            return made

    def items(self) -> list[Transaction]:
        """All, oldest first."""
        return self._kept.items()

    def clear(self) -> None:
        """Forget all."""
        self._kept.clear()
