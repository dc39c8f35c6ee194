"""Reading the results of requests that Daraja answers later, in every shape that was seen.

Numbers stand where the documentation shows strings; a Key may have no Value, and may repeat.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from hotspot.contract.money import Money
from payment_service.mpesa.stk import (
    Unreadable,
    amount_of,
    code_of,
    identifier_of,
    receipt_of,
    time_of,
)
from payment_service.settling.payers import Payer, read_payer

_PARTY = re.compile(r"\s*([\d* ]*[\d*])\s*(?:-\s*(.*))?", re.ASCII | re.DOTALL)

T = TypeVar("T")

Values = Mapping[str, Sequence[object]]


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a result says. `values` holds every Value of each Key, in its order."""

    code: str
    words: str
    conversation_id: str | None
    originator_conversation_id: str | None
    transaction_id: str | None
    values: Values = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Party:
    """Who gave or got money: a shortcode or a payer's number as it is told, and a name."""

    number: str
    name: str | None


@dataclass(frozen=True, kw_only=True)
class Movement:
    """Money that M-Pesa knows, by the receipt that was asked for. What is not told is None."""

    receipt: str | None
    amount: Money | None
    status: str
    paid_at: datetime | None
    giver: Party | None
    taker: Party | None

    @property
    def payer(self) -> Payer:
        """The giver as a person with a phone; nobody where it is none."""
        return read_payer(self.giver.number) if self.giver else Payer()


def read_result(text: str) -> Result | Unreadable:
    """Read the body of a result as it came."""
    try:
        body = json.loads(text, parse_float=Decimal, parse_constant=str)
    except (ValueError, RecursionError):
        return Unreadable(reason="not JSON")
    told = body.get("Result") if isinstance(body, dict) else None
    if not isinstance(told, dict):
        return Unreadable(reason="no Result")
    code = code_of(told.get("ResultCode"))
    if code is None:
        return Unreadable(reason="no ResultCode")
    return Result(
        code=code,
        words=(identifier_of(told.get("ResultDesc")) or "")[:200],
        conversation_id=identifier_of(told.get("ConversationID")),
        originator_conversation_id=identifier_of(told.get("OriginatorConversationID")),
        transaction_id=receipt_of(told.get("TransactionID")),
        values=_values(told.get("ResultParameters")),
    )


def movement_of(values: Values) -> Movement:
    """What the parameters of a transaction status tell."""
    ended = {time_of(one) for one in values.get("FinalisedTime", ())}
    begun = {time_of(one) for one in values.get("InitiatedTime", ())}
    return Movement(
        receipt=_one({receipt_of(one) for one in values.get("ReceiptNo", ())}),
        amount=_one({amount_of(one) for one in values.get("Amount", ())}),
        status=_one({_word(one) for one in values.get("TransactionStatus", ())}) or "",
        paid_at=_one(ended) or _one(begun),
        giver=_one({_party(one) for one in values.get("DebitPartyName", ())}),
        taker=_one({_party(one) for one in values.get("CreditPartyName", ())}),
    )


def original_of(values: Values) -> str | None:
    """The receipt whose money a reversal sent back, where it is told."""
    return _one({receipt_of(one) for one in values.get("OriginalTransactionID", ())})


def _values(parameters: object) -> dict[str, list[object]]:
    """ResultParameters.ResultParameter by Key: a list, or the only one by itself."""
    listed = parameters.get("ResultParameter") if isinstance(parameters, dict) else None
    values: dict[str, list[object]] = {}
    for item in listed if isinstance(listed, list) else [listed]:
        if isinstance(item, dict) and isinstance(item.get("Key"), str) and "Value" in item:
            values.setdefault(item["Key"].replace(" ", ""), []).append(item["Value"])
    return values


def _one(told: set[T | None]) -> T | None:
    """What is told, once or several times; None where two tellings differ."""
    known = told - {None}
    return known.pop() if len(known) == 1 else None


def _word(value: object) -> str | None:
    return (identifier_of(value) or "").lower() or None


def _party(value: object) -> Party | None:
    fits = _PARTY.fullmatch(identifier_of(value) or "")
    if fits is None:
        return None
    return Party(number=fits[1].strip(), name=(fits[2] or "").strip() or None)
