"""Money that comes without a prompt of ours: paid to the till or paybill by hand (C2B)."""

import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy.dialects.postgresql import insert

from hotspot.bus.work import Work
from hotspot.contract.money import Money
from payment_service.models import Receipt
from payment_service.stk import amount_of, receipt_of, time_of

NOT_SERVED = "paid without a prompt: give the guest access by hand, or send the money back"


@dataclass(frozen=True, kw_only=True)
class Confirmation:
    """What a C2B confirmation tells for certain. Names and numbers of payers may be masked."""

    receipt: str
    amount: Money
    paid_at: datetime | None


def read_confirmation(body: str) -> Confirmation | None:
    """A confirmation as Daraja sends it (v1 and v2); None for what names no money."""
    told = json.loads(body, parse_float=Decimal)
    if not isinstance(told, dict):
        return None
    receipt, amount = receipt_of(told.get("TransID")), amount_of(told.get("TransAmount"))
    if receipt is None or amount is None:
        return None
    return Confirmation(receipt=receipt, amount=amount, paid_at=time_of(told.get("TransTime")))


def hold_money(body: str, work: Work) -> str | None:
    """Put money that no prompt asked for in front of a person; answers what they should know.

    A prompt that was paid on a shortcode with C2B URLs is confirmed here as well: the same receipt,
    credited once. Whichever comes first, the payment gets it (`settlement`).
    """
    told = read_confirmation(body)
    if told is None:
        return "names no receipt, or no amount"
    held = work.session.execute(
        insert(Receipt)
        .values(
            receipt=told.receipt,
            payment_id=None,
            amount=told.amount.amount,
            source="c2b_confirmation",
            paid_at=told.paid_at,
            recorded_at=work.now,
            held=NOT_SERVED,
        )
        .on_conflict_do_nothing()
        .returning(Receipt.receipt)
    )
    return NOT_SERVED if held.first() is not None else None
