"""What is said of a payment, whoever says it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from hotspot.contract.money import Money
from payment_service.mpesa.results import Failure

Source = Literal[
    "stk_callback",
    "stk_query",
    "stk_prompt",
    "reconciliation",
    "c2b_confirmation",
    "claim",
    "statement",
    "voucher",
]


@dataclass(frozen=True, kw_only=True)
class Paid:
    """M-Pesa says that the money is there. A query tells neither receipt nor amount: None.

    A receipt that comes with `stk_query` was only said by an unknown source (`hearsay`), and gives
    way to the one that M-Pesa tells itself. `left_over` (cents): more came than the package costs,
    and that is as it should be (`credit`).
    """

    source: Source
    receipt: str | None = None
    amount: Money | None = None
    paid_at: datetime | None = None
    left_over: int = 0

    @property
    def receipt_is_certain(self) -> bool:
        """Whether M-Pesa told the receipt itself."""
        return self.source != "stk_query"


@dataclass(frozen=True, kw_only=True)
class NotPaid:
    """M-Pesa says that there is no money."""

    source: Source
    failure: Failure
