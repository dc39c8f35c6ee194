"""What M-Pesa's result codes mean for a payment, and what the guest is told.

Texts of M-Pesa change over the years: only codes are read. Codes that are not listed end the
payment as failed; none of it is final, for a success always wins (`settlement`).
"""

from dataclasses import dataclass
from typing import Literal

FailedStatus = Literal["failed", "cancelled", "expired"]

PAID = "0"
# Said by queries (and, should it ever happen, by callbacks): M-Pesa does not know yet.
NOT_FINAL = frozenset({"4999", "500.001.1001"})
# Said of requests that an initiator makes: its name, its credential, its rights or the shortcode
# is wrong, and so for every other request. Trying again and again gets the credential locked.
NOT_ALLOWED = frozenset({"20", "21", "2001", "2028", "8006", "SFC_IC0003"})


@dataclass(frozen=True, kw_only=True)
class Failure:
    """How a payment ends without money: its status, a stable code, and a sentence for the guest."""

    status: FailedStatus
    code: str
    reason: str


def _failed(code: str, reason: str) -> Failure:
    return Failure(status="failed", code=code, reason=reason)


BUSY = _failed(
    "phone_busy",
    "Another M-Pesa request is open on this phone. Finish it, then try again.",
)
MISCONFIGURED = _failed(
    "mpesa_misconfigured",
    "M-Pesa does not accept our requests right now. Please tell the staff.",
)
UNREACHABLE = _failed(
    "mpesa_unreachable",
    "M-Pesa cannot be reached right now. Nothing was charged. Please try again in a few minutes.",
)
TOO_LATE = Failure(
    status="expired",
    code="not_prompted_in_time",
    reason="M-Pesa could not be asked in time. Nothing was charged. Please try again.",
)
UNCLEAR = Failure(
    status="expired",
    code="prompt_unclear",
    reason="M-Pesa did not say whether the request reached the phone. If money left the account,"
    " it is not lost: enter the code of M-Pesa's SMS here, or show it to the staff.",
)
SILENT = Failure(
    status="expired",
    code="no_news",
    reason="M-Pesa did not say what became of this payment. If money left the account, it is not"
    " lost: enter the code of M-Pesa's SMS here, or show it to the staff.",
)
BAD_PHONE = _failed("bad_phone", "M-Pesa does not know this phone number. Check it and try again.")
HELD = _failed("held", "Money arrived, but not as expected. It is kept, and our staff look at it.")
ALREADY_REQUESTED = _failed(
    "already_requested", "This was asked for before under the same Idempotency-Key."
)
_NOT_SENT = _failed("prompt_not_sent", "M-Pesa could not send the request to the phone. Try again.")
_CANCELLED = Failure(
    status="cancelled", code="cancelled_by_user", reason="The M-Pesa request was cancelled."
)
_NO_ANSWER = Failure(
    status="expired",
    code="no_answer",
    reason="The phone did not answer the M-Pesa request. Check that it is on, then try again.",
)
_INACTIVE = _failed("account_inactive", "This M-Pesa account cannot pay right now.")

_FAILURES = {
    "1": _failed("insufficient_balance", "There is not enough money in this M-Pesa account."),
    "2": _failed("amount_too_low", "This amount is below what M-Pesa allows."),
    "3": _failed("amount_too_high", "This amount is above what M-Pesa allows."),
    "4": _failed("daily_limit", "This payment would exceed the daily M-Pesa limit."),
    "8": _failed("receiver_limit", "Our M-Pesa account cannot take this payment right now."),
    "11": _INACTIVE,
    "15": MISCONFIGURED,
    "17": _failed(
        "rule_limited",
        "M-Pesa refuses the same payment twice in a row. Wait two minutes, then try again.",
    ),
    "20": MISCONFIGURED,
    "21": MISCONFIGURED,
    "26": BUSY,
    "1001": BUSY,
    "1019": Failure(
        status="expired", code="expired", reason="The M-Pesa request expired. Please try again."
    ),
    "1025": _NOT_SENT,
    "1031": _CANCELLED,
    "1032": _CANCELLED,
    "1036": _NO_ANSWER,
    "1037": _NO_ANSWER,
    "2001": _failed("wrong_pin", "The M-Pesa PIN was wrong. Please try again."),
    "2006": _INACTIVE,
    "2028": MISCONFIGURED,
    "8006": _failed("pin_blocked", "The M-Pesa PIN is blocked. Call 100 or 234 to unlock it."),
    "9999": _NOT_SENT,
    "SFC_IC0003": MISCONFIGURED,
}


def refused(code: str) -> Failure:
    """M-Pesa said no for a reason that is not in the list; the code goes along for support."""
    shown = "".join(character for character in code if character.isalnum() or character in "._-")
    return _failed("mpesa_refused", f"M-Pesa did not take this payment (code {shown[:40]}).")


def failure_of(result_code: str) -> Failure:
    """How a payment ends by a result code that is neither PAID nor in NOT_FINAL."""
    return _FAILURES.get(result_code) or refused(result_code)
