"""What Daraja checks in a request for a prompt, and the errors that it answers with."""

import base64
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

EAST_AFRICA: Final = ZoneInfo("Africa/Nairobi")
TIMESTAMP_FORMAT: Final = "%Y%m%d%H%M%S"
# Daraja itself hardly looks at the clock. A client that signs with UTC is three hours off, and
# that mistake should be seen here, not first at Safaricom.
CLOCK_TOLERANCE: Final = timedelta(hours=1)
HIGHEST_AMOUNT: Final = 250_000
LONGEST_REFERENCE: Final = 12
LONGEST_DESCRIPTION: Final = 13
REFUSED_WORDS: Final = ("mpesa", "m-pesa", "safaricom", "exe", "cmd", "sql", "query")
TRANSACTION_TYPES: Final = ("CustomerPayBillOnline", "CustomerBuyGoodsOnline")


class DarajaError(Exception):
    """Daraja refuses; HTTP status, errorCode and errorMessage as it words them."""

    def __init__(self, status: int, code: str, message: str, request_id: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.request_id = request_id


def invalid(what: str) -> DarajaError:
    """A field that Daraja does not take."""
    return DarajaError(400, "400.002.02", f"Bad Request - Invalid {what}")


@dataclass(frozen=True, kw_only=True)
class Merchant:
    """Whose shortcode it is, and the passkey that signs for it."""

    shortcode: str
    passkey: str

    def password(self, timestamp: str) -> str:
        """base64(shortcode + passkey + timestamp)."""
        clear = f"{self.shortcode}{self.passkey}{timestamp}"
        return base64.b64encode(clear.encode()).decode()


@dataclass(frozen=True, kw_only=True)
class StkRequest:
    """A prompt that was asked for rightly. `amount` in whole shillings."""

    phone: str
    amount: int
    callback_url: str
    account_reference: str
    description: str
    transaction_type: str


def check_signature(body: Mapping[str, object], merchant: Merchant, now: datetime) -> None:
    """Raise DarajaError unless shortcode, timestamp and password fit together."""
    shortcode = text_of(body, "BusinessShortCode")
    if not re.fullmatch(r"\d{5,7}", shortcode):
        raise invalid("BusinessShortCode")
    timestamp = text_of(body, "Timestamp")
    signed_at = _east_african_time(timestamp)
    if signed_at is None:
        raise invalid("Timestamp")
    password = text_of(body, "Password")
    if not password:
        raise invalid("Password")
    if shortcode != merchant.shortcode:
        raise DarajaError(500, "500.001.1001", "Merchant does not exist")
    known = hmac.compare_digest(password.encode(), merchant.password(timestamp).encode())
    if not known or abs(now - signed_at) > CLOCK_TOLERANCE:
        raise DarajaError(500, "500.001.1001", "[MerchantValidate] - Wrong credentials")


def check_stk_request(body: Mapping[str, object], merchant: Merchant, now: datetime) -> StkRequest:
    """The request in a body, or DarajaError for the first thing that Daraja would object to."""
    phone, amount = text_of(body, "PhoneNumber"), whole_of(body, "Amount")
    transaction_type = text_of(body, "TransactionType")
    reference, description = text_of(body, "AccountReference"), text_of(body, "TransactionDesc")
    callback_url = text_of(body, "CallBackURL")
    checks = (
        ("TransactionType", transaction_type in TRANSACTION_TYPES),
        ("Amount", amount is not None and 1 <= amount <= HIGHEST_AMOUNT),
        ("PartyA", is_phone(text_of(body, "PartyA"))),
        ("PartyB", re.fullmatch(r"\d{5,7}", text_of(body, "PartyB")) is not None),
        ("PhoneNumber", is_phone(phone)),
        ("CallBackURL", is_url(callback_url)),
        ("AccountReference", 0 < len(reference) <= LONGEST_REFERENCE),
        ("Remarks", len(description) > 0),
        ("TransactionDesc", len(description) <= LONGEST_DESCRIPTION),
    )
    for what, right in checks:
        if not right:
            raise invalid(what)
    check_signature(body, merchant, now)
    return StkRequest(
        phone=phone,
        amount=amount or 0,
        callback_url=callback_url,
        account_reference=reference,
        description=description,
        transaction_type=transaction_type,
    )


def text_of(body: Mapping[str, object], name: str) -> str:
    """A field that may come as a string or a number; "" for anything else."""
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value).strip()


def whole_of(body: Mapping[str, object], name: str) -> int | None:
    """A field that holds a whole number, as a string or a number; None for anything else."""
    text = text_of(body, name)
    return int(text) if re.fullmatch(r"\d{1,9}", text, re.ASCII) else None


def is_phone(text: str) -> bool:
    """Whether this is a Kenyan mobile number as M-Pesa writes it."""
    return re.fullmatch(r"254[17]\d{8}", text, re.ASCII) is not None


def is_url(text: str) -> bool:
    """Whether M-Pesa could call this. (Safaricom wants https; on one machine http will do.)"""
    if re.search(r"\s", text):
        return False
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def is_open_url(text: str) -> bool:
    """Whether Safaricom would register this: it refuses URLs with words that it dislikes."""
    return is_url(text) and not any(word in text.lower() for word in REFUSED_WORDS)


def _east_african_time(text: str) -> datetime | None:
    if not re.fullmatch(r"\d{14}", text, re.ASCII):
        return None
    try:
        return datetime.strptime(text, TIMESTAMP_FORMAT).replace(tzinfo=EAST_AFRICA)
    except ValueError:
        return None
