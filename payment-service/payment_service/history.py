"""For how long this service keeps what is no money.

Payments, receipts, vouchers and statements are the books: they stay. What M-Pesa said stays for
longer than a year, so that each payment of a financial year can be looked into.
"""

from typing import Final

from hotspot.bus.pruning import Kept
from payment_service.models import (
    AccessSession,
    Hearsay,
    MpesaMessage,
    ReceiptClaim,
    ReceiptQuestion,
)

KEPT: Final = (
    Kept(since=MpesaMessage.received_at, days=400),
    Kept(since=AccessSession.ended_at, days=400),
    Kept(since=Hearsay.heard_at, days=400),
    Kept(since=ReceiptClaim.claimed_at, days=90),
    Kept(since=ReceiptQuestion.asked_at, days=90),
)
