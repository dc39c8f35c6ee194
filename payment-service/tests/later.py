"""Results that M-Pesa sends later, and what a test needs to send them."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from hotspot.contract.message import Message
from hotspot.contract.payments import RecordMpesaMessageJob
from hotspot.testing.handling import NOON

from .shop import PHONE, SAFARICOM, Shop, taken

OUR_SHORTCODE = "174379"


def result(
    request_id: UUID | None, code: object = 0, parameters: Mapping[str, object] | None = None
) -> str:
    """A result in its plain shape, of the conversation that `taken` began."""
    told: dict[str, object] = {"ResultType": 0, "ResultCode": code, "ResultDesc": "as it says"}
    if request_id is not None:
        reply = taken(request_id)
        told["ConversationID"] = reply.conversation_id
        told["OriginatorConversationID"] = reply.originator_conversation_id
    if parameters is not None:
        listed = [{"Key": key, "Value": value} for key, value in parameters.items()]
        told["ResultParameters"] = {"ResultParameter": listed}
    return json.dumps({"Result": told})


def money(receipt: str, **changes: object) -> dict[str, object]:
    """What M-Pesa tells of a payment of 20 bob to us from PHONE."""
    told: dict[str, object] = {
        "DebitPartyName": f"{PHONE} - JOHN DOE",
        "CreditPartyName": f"{OUR_SHORTCODE} - HOTSPOT",
        "TransactionStatus": "Completed",
        "FinalisedTime": 20260115120000,
        "Amount": 20,
        "ReceiptNo": receipt,
    }
    return told | changes


def tell(
    shop: Shop, request_id: UUID, body: str, *, source: str = SAFARICOM, **more: Any
) -> list[Message]:
    """M-Pesa posts to a request's URL; answers what was sent."""
    job = RecordMpesaMessageJob(
        kind="result",
        body=body,
        source_address=source,
        received_at=NOON,
        request_id=request_id,
        timed_out=more.pop("timed_out", False),
    )
    return shop.run(job, **more)
