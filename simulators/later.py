"""Results of requests that are answered later, with the shapes that were seen of them."""

import itertools
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from simulators.c2b import masked
from simulators.callbacks import SUCCESS
from simulators.stk import EAST_AFRICA, TIMESTAMP_FORMAT
from simulators.transactions import Kind, Transaction

DESCRIPTIONS: Final[dict[int | str, str]] = {
    0: SUCCESS,
    1: "The balance is insufficient for the transaction.",
    21: "The initiator is not allowed to initiate this request.",
    2001: "The initiator information is invalid.",
    2032: "The transaction receipt number does not exist.",
    8006: "The security credential is locked.",
    "R000001": "The transaction has already been reversed.",
    "R000002": "The OriginalTransactionID is invalid.",
    "SFC_IC0003": "Receiver party is invalid",
}

Parameter = dict[str, object]
_turn = itertools.count()


@dataclass(frozen=True, kw_only=True)
class Result:
    """What came of a request: a code, and what was looked up or sent back."""

    conversation_id: str
    originator_conversation_id: str
    shortcode: str
    occasion: str
    at: datetime
    code: int | str
    looked_up: Transaction | None = None
    sent_back: Transaction | None = None


def result_body(result: Result, *, mask_payer: bool = False, turn: int | None = None) -> bytes:
    """What the ResultURL is told; `turn` picks the variant, else each is unlike the last."""
    turn = next(_turn) if turn is None else turn
    told: dict[str, object] = {
        # An int in most, a string in some.
        "ResultType": 0 if turn % 2 == 0 else "0",
        "ResultCode": result.code if turn % 2 == 0 else str(result.code),
        "ResultDesc": DESCRIPTIONS.get(result.code, "Failed."),
        "OriginatorConversationID": result.originator_conversation_id,
        "ConversationID": result.conversation_id,
        "TransactionID": _transaction_id(result),
        "ReferenceData": {"ReferenceItem": _occasion(result.occasion, turn)},
    }
    parameters = _parameters(result, turn, mask_payer=mask_payer)
    if parameters:
        told["ResultParameters"] = {"ResultParameter": _ugly(parameters, turn)}
    return json.dumps({"Result": told}).encode()


def timeout_body(conversation_id: str) -> bytes:
    """What the QueueTimeOutURL is told."""
    return json.dumps(
        {"ConversationID": conversation_id, "ResultDesc": "The service request timed out in queue."}
    ).encode()


def _transaction_id(result: Result) -> str:
    if result.sent_back is not None:
        return result.sent_back.receipt
    return f"{(result.looked_up.receipt if result.looked_up else 'UC5')[:3]}0000000"


def _occasion(occasion: str, turn: int) -> object:
    item: Parameter = {"Key": "Occasion"}
    if occasion and turn % 2:
        item["Value"] = occasion
    return item if turn % 3 else [item, {"Key": "QueueTimeoutURL"}]


def _parameters(result: Result, turn: int, *, mask_payer: bool) -> list[Parameter]:
    if result.looked_up is not None:
        return _of_status(result.looked_up, result.shortcode, turn, mask_payer=mask_payer)
    if result.sent_back is not None:
        return _of_reversal(result.sent_back, result.shortcode, turn)
    return []


def _of_status(
    paid: Transaction, shortcode: str, turn: int, *, mask_payer: bool
) -> list[Parameter]:
    guest = f"{masked(paid.phone) if mask_payer else paid.phone} - {paid.name}"
    ours = f"{shortcode} - HOTSPOT"
    came_in = paid.kind is not Kind.REVERSAL
    return [
        _item("DebitPartyName", guest if came_in else ours),
        _item("CreditPartyName", ours if came_in else guest),
        _item("OriginatorConversationID", "3211-416020-3"),
        _item("InitiatedTime", _time(paid.at, turn)),
        _item("DebitAccountType", "MMF Account For Customer" if came_in else "Utility Account"),
        _item("DebitPartyCharges", "" if came_in else "Fee|KES|0.00"),
        {"Key": "TransactionReason"},
        _item("ReasonType", "Pay Bill Online" if came_in else "Transaction Reversal"),
        _item("TransactionStatus", "Completed" if paid.reversed_by is None else "Reversed"),
        _item("FinalisedTime", _time(paid.at, turn)),
        _item("Amount", _amount(paid.amount, turn)),
        _item("ConversationID", "AG_20180223_000041b09c22e613d6c9"),
        _item("ReceiptNo", paid.receipt),
    ]


def _of_reversal(made: Transaction, shortcode: str, turn: int) -> list[Parameter]:
    return [
        _item("DebitAccountBalance", "Utility Account|KES|7722179.62|7722179.62|0.00|0.00"),
        _item("Amount", _amount(made.amount, turn)),
        _item("TransCompletedTime", _time(made.at, turn)),
        _item("OriginalTransactionID", made.reference),
        _item("Charge", _amount(0, turn)),
        _item("CreditPartyPublicName", f"{made.phone} - {made.name}"),
        _item("DebitPartyPublicName", f"{shortcode} - HOTSPOT"),
    ]


def _ugly(parameters: list[Parameter], turn: int) -> list[Parameter]:
    """Keys repeat, once without a Value; and the order is nobody's promise."""
    if turn % 3 == 1:
        first = parameters[0]
        return [{"Key": first["Key"]}, *parameters, first]
    return parameters[::-1] if turn % 3 == 2 else parameters


def _item(key: str, value: object) -> Parameter:
    return {"Key": key, "Value": value}


def _time(at: datetime, turn: int) -> object:
    text = at.astimezone(EAST_AFRICA).strftime(TIMESTAMP_FORMAT)
    return text if turn % 2 else int(text)


def _amount(shillings: int, turn: int) -> object:
    return (shillings, str(shillings), float(shillings), f"{shillings}.00")[turn % 4]
