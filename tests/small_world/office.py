"""What M-Pesa is asked and answers later: a receipt's status, money that shall go back."""

import json
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from hotspot.clock import NAIROBI
from hotspot.contract.money import Money
from payment_service.mpesa.api import NotYet, OutcomeUnknown, TryLater
from payment_service.mpesa.daraja_requests import Taken

from .mpesa import SHORTCODE, SmallMpesa

NO_SUCH_RECEIPT, SENT_BACK_BEFORE = "2032", "R000001"


@dataclass(kw_only=True)
class Request:
    """One request. `code` is None until M-Pesa has done something about it."""

    kind: Literal["status", "reversal"]
    receipt: str
    code: str | None = None


@dataclass
class Office:
    """Does for payment-service what Daraja's slow requests do."""

    mpesa: SmallMpesa
    requests: dict[UUID, Request] = field(default_factory=dict)
    sent_back: set[str] = field(default_factory=set)

    @property
    def may_ask(self) -> bool:
        """Whether there is an initiator to ask with."""
        return True

    def status(self, request_id: UUID, receipt: str) -> Taken | NotYet:
        """Take a question about a receipt."""
        if self.mpesa.mood == "down":
            return NotYet(reason="Daraja is down", daraja_is_down=True)
        self.requests[request_id] = Request(kind="status", receipt=receipt)
        if self.mpesa.mood == "reply_lost":
            return NotYet(reason="the reply got lost", daraja_is_down=True)
        return _taken(request_id)

    def reverse(self, request_id: UUID, receipt: str, amount: Money, remarks: str) -> Taken:
        """Take an order to send money back."""
        assert remarks
        assert amount.amount == self.mpesa.moved[receipt].shillings * 100, "another amount"
        if self.mpesa.mood == "down":
            raise TryLater("Daraja is down")
        assert request_id not in self.requests, "asked twice to send money back"
        self.requests[request_id] = Request(kind="reversal", receipt=receipt)
        if self.mpesa.mood == "reply_lost":
            raise OutcomeUnknown("the reply got lost")
        return _taken(request_id)

    def answer(self, request_id: UUID) -> str:
        """Do what is asked, once; answers the body of the result."""
        asked = self.requests[request_id]
        if asked.code is None:
            asked.code = self._do(asked)
        told = self._told_of(asked) if asked.code == "0" else {}
        listed = [{"Key": key, "Value": value} for key, value in told.items()]
        return json.dumps(
            {
                "Result": {
                    "ResultCode": asked.code,
                    "ResultDesc": "as it is told this year",
                    "ConversationID": f"AG_{request_id}",
                    "TransactionID": asked.receipt,
                    "ResultParameters": {"ResultParameter": listed},
                }
            }
        )

    def _do(self, asked: Request) -> str:
        if asked.kind == "status":
            return "0" if asked.receipt in self.mpesa.moved else NO_SUCH_RECEIPT
        if asked.receipt in self.sent_back:
            return SENT_BACK_BEFORE
        self.sent_back.add(asked.receipt)
        return "0"

    def _told_of(self, asked: Request) -> dict[str, object]:
        if asked.kind == "reversal":
            return {"OriginalTransactionID": asked.receipt}
        moved = self.mpesa.moved[asked.receipt]
        return {
            "ReceiptNo": moved.receipt,
            "Amount": moved.shillings,
            "TransactionStatus": "Completed",
            "DebitPartyName": f"{moved.phone} - A GUEST",
            "CreditPartyName": f"{SHORTCODE} - A HOTSPOT",
            "FinalisedTime": moved.at.astimezone(NAIROBI).strftime("%Y%m%d%H%M%S"),
        }


def _taken(request_id: UUID) -> Taken:
    return Taken(
        conversation_id=f"AG_{request_id}", originator_conversation_id=None, said="accepted"
    )
