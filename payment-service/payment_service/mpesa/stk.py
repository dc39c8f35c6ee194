"""Reading the callback of an STK prompt: tolerant of every shape that was seen in the wild."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from hotspot.clock import NAIROBI
from hotspot.contract.money import Money

# Far above what M-Pesa moves at once, far below what would make arithmetic slow.
_LARGEST_DECIMAL_EXPONENT = 12
_RECEIPT = re.compile(r"[A-Z0-9]{4,64}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class StkCallback:
    """What a callback says. What is missing or makes no sense is None.

    `result_code` is text because M-Pesa sends it as a number, as a string, and not always digits.
    """

    result_code: str
    checkout_request_id: str | None
    merchant_request_id: str | None
    receipt: str | None = None
    amount: Money | None = None
    paid_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Unreadable:
    """Not a callback that can be acted on, and why."""

    reason: str


def read_stk_callback(text: str) -> StkCallback | Unreadable:
    """Read the body of a callback as it came."""
    try:
        body = json.loads(text, parse_float=Decimal, parse_constant=str)
    except (ValueError, RecursionError):  # deep nesting is no reason to fail for ever
        return Unreadable(reason="not JSON")
    callback = _inside(_inside(body, "Body"), "stkCallback")
    if not callback:
        return Unreadable(reason="no Body.stkCallback")
    result_code = code_of(callback.get("ResultCode"))
    if result_code is None:
        return Unreadable(reason="no ResultCode")
    items = _items(callback)
    return StkCallback(
        result_code=result_code,
        checkout_request_id=identifier_of(callback.get("CheckoutRequestID")),
        merchant_request_id=identifier_of(callback.get("MerchantRequestID")),
        receipt=receipt_of(items.get("MpesaReceiptNumber")),
        amount=amount_of(items.get("Amount")),
        paid_at=time_of(items.get("TransactionDate")),
    )


def code_of(value: object) -> str | None:
    """A result code as text: `0`, `"0"` and `0.0` are one code."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    if isinstance(value, Decimal):
        if not value.is_finite() or value.adjusted() > _LARGEST_DECIMAL_EXPONENT:
            return None
        value = int(value) if value == int(value) else str(value)
    return identifier_of(str(value))


def identifier_of(value: object) -> str | None:
    """An id of M-Pesa's. They have grown over the years: only nonsense is refused."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return None
    text = value.strip()
    return text if 0 < len(text) <= 500 and text.isprintable() else None


def receipt_of(value: object) -> str | None:
    """A receipt number, in capitals."""
    text = (identifier_of(value) or "").upper()
    return text if _RECEIPT.fullmatch(text) else None


def amount_of(value: object) -> Money | None:
    """Shillings as `1`, `1.00`, `"1.00"` or `2.0`. None for what is no amount of money."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    try:
        shillings = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    if not shillings.is_finite() or shillings <= 0:
        return None
    if abs(shillings.adjusted()) > _LARGEST_DECIMAL_EXPONENT:
        return None
    cents = int(shillings * 100)
    # Compared exactly: the product above is rounded to 28 digits.
    return Money(amount=cents) if shillings == Decimal(cents) / 100 else None


def time_of(value: object) -> datetime | None:
    """YYYYMMDDHHmmss in East Africa Time, as a number or a string."""
    text = identifier_of(value) or ""
    if not re.fullmatch(r"\d{14}", text, re.ASCII):
        return None
    try:
        local = datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=NAIROBI)
    except ValueError:
        return None
    return local.astimezone(UTC)


def _inside(value: object, name: str) -> Mapping[str, object]:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def _items(callback: Mapping[str, object]) -> dict[str, object]:
    """CallbackMetadata.Item by name: in any order, values may be missing, the first name wins."""
    listed = _inside(callback, "CallbackMetadata").get("Item")
    items: dict[str, object] = {}
    for item in listed if isinstance(listed, list) else [listed]:
        if isinstance(item, dict) and isinstance(item.get("Name"), str):
            items.setdefault(item["Name"], item.get("Value"))
    return items
