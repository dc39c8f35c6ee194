"""What is asked of M-Pesa and what it answers: the words, the errors, the reading of replies.

The calls themselves are in `daraja`. Errors are named by what to do.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from hotspot.bus.outcome import Reject, Retry
from payment_service.mpesa import results
from payment_service.mpesa.results import NOT_FINAL, Failure
from payment_service.mpesa.stk import code_of, identifier_of

_INVALID_TOKEN = frozenset({"404.001.03", "400.003.01"})
_SLOW_DOWN = frozenset({"500.003.02", "500.003.03"})


class TryLater(Retry):
    """Certain: nothing was sent. The same request may be made again."""


class DoNotRepeat(Reject):
    """M-Pesa looked at the request and refused it: nobody was prompted."""

    def __init__(self, failure: Failure, said: str) -> None:
        super().__init__(said)
        self.failure = failure
        self.said = said


class OutcomeUnknown(Exception):
    """The request may or may not have been carried out: never make it again."""


@dataclass(frozen=True, kw_only=True)
class PromptRequest:
    """A prompt to be shown. `shillings` are whole; `reference` is what the payer sees."""

    phone: str
    shillings: int
    reference: str
    description: str
    callback_url: str


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """M-Pesa took a request for a prompt. `said` is its reply as it came."""

    checkout_request_id: str
    merchant_request_id: str | None
    said: str


@dataclass(frozen=True, kw_only=True)
class Answered:
    """A query's final answer: a result code, which may be that of a success."""

    result_code: str


@dataclass(frozen=True, kw_only=True)
class NotYet:
    """A query that taught nothing: the payment is as open as before.

    `daraja_is_down`: no use asking about others just now.
    """

    reason: str
    daraja_is_down: bool = False


class Mpesa(Protocol):
    """M-Pesa as payment-service uses it."""

    def prompt(self, request: PromptRequest) -> Accepted:
        """Show a prompt. Raises TryLater, DoNotRepeat or OutcomeUnknown."""

    def query(self, checkout_request_id: str) -> Answered | NotYet:
        """Ask what became of a prompt."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What Daraja answered: HTTP status, the body as it came, and its JSON object (or nothing)."""

    status: int
    text: str
    body: Mapping[str, object]

    @classmethod
    def of(cls, status: int, text: str) -> "Reply":
        """A reply; what is not a JSON object reads as an empty one."""
        try:
            body = json.loads(text)
        except (ValueError, RecursionError):
            body = None
        return cls(status=status, text=text, body=body if isinstance(body, dict) else {})

    @property
    def error_code(self) -> str:
        """Daraja's errorCode, or ""."""
        return identifier_of(self.body.get("errorCode")) or ""

    @property
    def error_message(self) -> str:
        """Daraja's errorMessage, or "". One code means many things: only the message tells."""
        return identifier_of(self.body.get("errorMessage")) or ""

    @property
    def refuses_the_token(self) -> bool:
        """Whether the access token no longer holds."""
        return self.status == 401 or self.error_code in _INVALID_TOKEN

    @property
    def asks_to_slow_down(self) -> bool:
        """Spike arrest and quota, which Daraja words as errors of its own (HTTP 500)."""
        return self.status == 429 or self.error_code in _SLOW_DOWN

    def described(self) -> str:
        """The reply in one line, for logs and exceptions."""
        return f"HTTP {self.status} {self.error_code} {self.error_message}".strip()


def accepted(reply: Reply) -> Accepted:
    """What a reply to a prompt request means. Raises TryLater, DoNotRepeat or OutcomeUnknown."""
    if reply.asks_to_slow_down:
        raise TryLater(f"Daraja asks to slow down: {reply.described()}", after=timedelta(seconds=5))
    refusal = _refusal(reply)
    if refusal is not None:
        raise DoNotRepeat(refusal, reply.text)
    checkout_request_id = identifier_of(reply.body.get("CheckoutRequestID"))
    if reply.status != 200 or checkout_request_id is None:
        raise OutcomeUnknown(f"Daraja's reply is unclear: {reply.described()}")
    return Accepted(
        checkout_request_id=checkout_request_id,
        merchant_request_id=identifier_of(reply.body.get("MerchantRequestID")),
        said=reply.text,
    )


def answered(reply: Reply) -> Answered | NotYet:
    """What a reply to a query means: only a final result code is final."""
    result_code = code_of(reply.body.get("ResultCode"))
    if reply.status == 200 and result_code is not None and result_code not in NOT_FINAL:
        return Answered(result_code=result_code)
    # "The transaction is being processed" shares its errorCode with "Wrong credentials": neither
    # says that the payment failed.
    message = reply.error_message.lower()
    processing = (
        "being processed" in message
        or "unable to lock subscriber" in message
        or result_code in NOT_FINAL
    )
    down = not processing and (reply.status >= 500 or reply.asks_to_slow_down)
    return NotYet(reason=reply.described(), daraja_is_down=down)


def _refusal(reply: Reply) -> Failure | None:
    """Why M-Pesa will not prompt; None where it may have."""
    message = reply.error_message.lower()
    if "unable to lock subscriber" in message:
        return results.BUSY
    if "wrong credentials" in message or "merchant does not exist" in message:
        return results.MISCONFIGURED
    if 400 <= reply.status < 500 and reply.status != 408:
        if "phonenumber" in message or "partya" in message:
            return results.BAD_PHONE
        return results.MISCONFIGURED
    response_code = code_of(reply.body.get("ResponseCode"))
    if reply.status == 200 and response_code not in (None, results.PAID):
        return results.failure_of(response_code or "")
    return None
