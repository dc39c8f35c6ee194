"""M-Pesa's callbacks: bodies as various as the real ones, and their delivery."""

import itertools
import json
import logging
import time
from datetime import datetime
from typing import Final

import requests

from simulators.post import POST_TIMEOUT, Delivery, post_once
from simulators.prompts import Prompt, PromptState
from simulators.stk import EAST_AFRICA, TIMESTAMP_FORMAT

HEADERS: Final = {"Content-Type": "application/json", "User-Agent": "Apache-HttpClient"}
SUCCESS: Final = "The service request is processed successfully."
# The words for one code have changed over the years.
DESCRIPTIONS: Final[dict[int | str, tuple[str, ...]]] = {
    0: (SUCCESS,),
    1: (
        "[MpesaCB - ]The balance is insufficient for the transaction.",
        "The balance is insufficient for the transaction.",
    ),
    8: ("Balance would rise above the allowed maximum amount",),
    17: ("System internal error.",),
    1001: ("Unable to lock subscriber, a transaction is already in process",),
    1019: ("Transaction has expired",),
    1025: ("Error Occurred while sending push request.",),
    1032: ("[STK_CB - ]Request cancelled by user", "Request cancelled by user"),
    1036: ("[STK_CB - ]SMSC ACK timeout.",),
    1037: ("[STK_CB - ]DS timeout.", "DS timeout user cannot be reached"),
    2001: (
        "[MpesaCB - ]The initiator information is invalid.",
        "The initiator information is invalid.",
    ),
    9999: ("Error Occurred while sending push request.",),
}


def describe(code: int | str | None, turn: int = 0) -> str:
    """ResultDesc for a code."""
    texts = DESCRIPTIONS.get(code if code is not None else "", ("Failed.",))
    return texts[turn % len(texts)]


def callback_body(prompt: Prompt, turn: int) -> bytes:
    """The callback for a settled prompt; `turn` picks its variant."""
    stk: dict[str, object] = {
        "MerchantRequestID": prompt.merchant_request_id,
        "CheckoutRequestID": prompt.checkout_request_id,
        "ResultCode": prompt.result_code,
        "ResultDesc": describe(prompt.result_code, turn),
    }
    if prompt.state is not PromptState.PAID:
        return json.dumps({"Body": {"stkCallback": stk}}).encode()
    stk["CallbackMetadata"] = {"Item": _items(prompt, turn)}
    body = json.dumps({"Body": {"stkCallback": stk}})
    # JSON writers in Python never print 20.00, M-Pesa's does.
    amount = prompt.request.amount
    written = (f"{amount}.00", f"{amount}", f"{amount}.0")[turn % 3]
    return body.replace('"@amount@"', written).encode()


def _items(prompt: Prompt, turn: int) -> list[dict[str, object]]:
    paid_at = (prompt.settled_at or prompt.at).astimezone(EAST_AFRICA)
    items: list[dict[str, object]] = [
        {"Name": "Amount", "Value": "@amount@"},
        {"Name": "MpesaReceiptNumber", "Value": prompt.receipt},
        {"Name": "TransactionDate", "Value": int(paid_at.strftime(TIMESTAMP_FORMAT))},
        {"Name": "PhoneNumber", "Value": int(prompt.request.phone)},
    ]
    if turn % 2:
        items.insert(2, {"Name": "Balance"})
    if turn % 4 == 3:
        items.reverse()
    return items


class Postman:
    """Delivers callbacks. There is no second try: what is not answered 200 is lost."""

    def __init__(self) -> None:
        self._log = logging.getLogger("simulators.mpesa")
        self._turn = itertools.count()

    def write(self, prompt: Prompt) -> bytes:
        """The body of a prompt's callback, each time in another variant."""
        return callback_body(prompt, next(self._turn))

    def deliver(self, url: str, body: bytes, now: datetime) -> Delivery:
        """Post it, and say how it was received."""
        return self.ask(url, body, now)[0]

    def ask(
        self, url: str, body: bytes, now: datetime, timeout: float = POST_TIMEOUT
    ) -> tuple[Delivery, str]:
        """Post it, and say how it was received and what was answered."""
        started = time.monotonic()
        status: int | None = None
        said = ""
        error: str | None = None
        try:
            answered = post_once(url, body, HEADERS, timeout)
            status, said = answered.status, answered.text
        except requests.RequestException as failure:
            error = type(failure).__name__
        ms = round((time.monotonic() - started) * 1000)
        if status != requests.codes.ok:
            self._log.warning("callback not accepted: %s", status or error, extra={"took_ms": ms})
        return Delivery(at=now, ms=ms, status=status, error=error), said
