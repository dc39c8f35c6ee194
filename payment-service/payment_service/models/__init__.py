"""The tables of payment-service, by noun. Money is in minor units (cents) of KES."""

from payment_service.models.base import AnyRow, Base, change, hashed, metadata
from payment_service.models.packages import Package
from payment_service.models.payments import (
    CHANGED_CHANNEL,
    COMPLETED,
    FAILED,
    PENDING,
    STATUSES,
    Access,
    AccessSession,
    MpesaMessage,
    Payment,
)
from payment_service.models.receipts import (
    Hearsay,
    Receipt,
    ReceiptClaim,
    ReceiptQuestion,
    Reversal,
)
from payment_service.models.statements import Statement, StatementLine, StatementPart
from payment_service.models.upkeep import AskedAgain, Breaker, RaisedAlarm, Subscription
from payment_service.models.vouchers import Voucher, VoucherBatch

__all__ = [
    "CHANGED_CHANNEL",
    "COMPLETED",
    "FAILED",
    "PENDING",
    "STATUSES",
    "Access",
    "AccessSession",
    "AnyRow",
    "AskedAgain",
    "Base",
    "Breaker",
    "Hearsay",
    "MpesaMessage",
    "Package",
    "Payment",
    "RaisedAlarm",
    "Receipt",
    "ReceiptClaim",
    "ReceiptQuestion",
    "Reversal",
    "Statement",
    "StatementLine",
    "StatementPart",
    "Subscription",
    "Voucher",
    "VoucherBatch",
    "change",
    "hashed",
    "metadata",
]
