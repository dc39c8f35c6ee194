"""M-Pesa as it really is: who paid what. The services only ever learn parts of it."""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from hotspot.clock import NAIROBI
from hotspot.contract.money import Money
from hotspot.contract.payments import StatementRow
from payment_service.mpesa import results
from payment_service.mpesa.api import (
    Accepted,
    Answered,
    DoNotRepeat,
    NotYet,
    OutcomeUnknown,
    PromptRequest,
    TryLater,
)

SHORTCODE = "174379"
SOURCE = "196.201.214.200"
STRANGER = "203.0.113.9"

Mood = Literal["ok", "down", "reply_lost"]


@dataclass(kw_only=True)
class Prompt:
    """A prompt on a phone. `codes`: how it ended, and how it ended after all."""

    checkout: str
    phone: str
    shillings: int
    reference: str
    codes: tuple[str, ...] = ()
    receipt: str | None = None

    @property
    def code(self) -> str | None:
        """How it ended; None while the phone shows it."""
        return self.codes[-1] if self.codes else None


@dataclass(frozen=True, kw_only=True)
class Movement:
    """Money that moved. `reference` is what M-Pesa calls the account."""

    receipt: str
    shillings: int
    phone: str
    reference: str
    at: datetime
    prompt: str | None = None


@dataclass
class SmallMpesa:
    """Prompts and the money that moved; does for payment-service what Daraja does."""

    now: datetime
    mood: Mood = "ok"
    prompts: dict[str, Prompt] = field(default_factory=dict)
    moved: dict[str, Movement] = field(default_factory=dict)

    def prompt(self, request: PromptRequest) -> Accepted:
        """Show a prompt, as far as the mood allows."""
        if self.mood == "down":
            raise TryLater("Daraja is down")
        if any(one.phone == request.phone and one.code is None for one in self.prompts.values()):
            raise DoNotRepeat(results.BUSY, "this phone shows another prompt")
        one = Prompt(
            checkout=f"ws_CO_{len(self.prompts)}",
            phone=request.phone,
            shillings=request.shillings,
            reference=request.reference,
        )
        self.prompts[one.checkout] = one
        if self.mood == "reply_lost":
            raise OutcomeUnknown("the reply got lost")
        return Accepted(
            checkout_request_id=one.checkout, merchant_request_id=None, said=one.checkout
        )

    def query(self, checkout_request_id: str) -> Answered | NotYet:
        """What became of a prompt."""
        if self.mood != "ok":
            return NotYet(reason="Daraja is down", daraja_is_down=True)
        code = self.prompts[checkout_request_id].code
        return NotYet(reason="being processed") if code is None else Answered(result_code=code)

    def answer(self, one: Prompt, code: str) -> None:
        """The guest types the PIN ("0"), or does something else."""
        one.codes = (*one.codes, code)
        if code == "0":
            one.receipt = self.move(one.phone, one.shillings, one.reference, one.checkout).receipt

    def move(
        self, phone: str, shillings: int, reference: str, prompt: str | None = None
    ) -> Movement:
        """Money moves."""
        made = Movement(
            receipt=f"UAF{len(self.moved):07d}",
            shillings=shillings,
            phone=phone,
            reference=reference,
            at=self.now,
            prompt=prompt,
        )
        self.moved[made.receipt] = made
        return made

    def callback(self, one: Prompt, code: str) -> str:
        """What M-Pesa posts when a prompt ended so."""
        told: dict[str, object] = {
            "MerchantRequestID": "m",
            "CheckoutRequestID": one.checkout,
            "ResultCode": int(code),
            "ResultDesc": "as it is told this year",
        }
        if code == "0":
            items = [("Amount", one.shillings), ("MpesaReceiptNumber", one.receipt)]
            told["CallbackMetadata"] = {"Item": [{"Name": n, "Value": v} for n, v in items]}
        return json.dumps({"Body": {"stkCallback": told}})


def confirmation(one: Movement, version: Literal["masked", "hashed", "plain"]) -> str:
    """A C2B confirmation, as the versions tell the payer's number."""
    payer = {
        "masked": f"{one.phone[:4]} ***** {one.phone[-3:]}",
        "hashed": hashlib.sha256(one.phone.encode()).hexdigest(),
        "plain": one.phone,
    }[version]
    return json.dumps(
        {
            "TransactionType": "Pay Bill",
            "TransID": one.receipt,
            "TransTime": one.at.astimezone(NAIROBI).strftime("%Y%m%d%H%M%S"),
            "TransAmount": f"{one.shillings}.00",
            "BillRefNumber": one.reference,
            "MSISDN": payer,
        }
    )


def line(one: Movement, *, sent_back: bool) -> StatementRow:
    """A line of the organisation's statement."""
    masked = f"{one.phone[:6]}***{one.phone[-3:]}"
    return StatementRow(
        receipt=one.receipt,
        completed_at=one.at,
        paid_in=Money.shillings(one.shillings),
        details=f"Pay Bill from {masked} - A GUEST Acc. {one.reference}",
        sent_back=sent_back,
    )
