"""Settings of payment-service."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from environs import Env, ValidationError

from hotspot.settings import CommonConfig, common

PAYBILL, TILL = "CustomerPayBillOnline", "CustomerBuyGoodsOnline"


@dataclass(frozen=True, kw_only=True)
class Config(CommonConfig):
    """What payment-service reads from its environment.

    `daraja_party_b` is the till number where the shortcode is a store's, else the shortcode.
    `spool_dir` holds callbacks while the broker is away; every web process may share it.
    """

    daraja_base_url: str
    daraja_consumer_key: str
    daraja_consumer_secret: str
    daraja_shortcode: str
    daraja_passkey: str
    daraja_transaction_type: str
    daraja_party_b: str
    callback_base_url: str
    spool_dir: Path
    spool_most: int


def load(env: Env) -> Config:
    """The settings from the environment. Raises EnvError naming the first that is wrong."""
    shortcode: str = env.str("DARAJA_SHORTCODE", validate=_shortcode)
    arguments: dict[str, Any] = common(env, "payment")
    return Config(
        **arguments,
        daraja_base_url=env.str("DARAJA_BASE_URL", validate=_http_url).rstrip("/"),
        daraja_consumer_key=env.str("DARAJA_CONSUMER_KEY", validate=_not_empty),
        daraja_consumer_secret=env.str("DARAJA_CONSUMER_SECRET", validate=_not_empty),
        daraja_shortcode=shortcode,
        daraja_passkey=env.str("DARAJA_PASSKEY", validate=_not_empty),
        daraja_transaction_type=env.str(
            "DARAJA_TRANSACTION_TYPE", PAYBILL, validate=_transaction_type
        ),
        daraja_party_b=env.str("DARAJA_PARTY_B", shortcode, validate=_shortcode),
        callback_base_url=env.str("CALLBACK_BASE_URL", validate=_http_url).rstrip("/"),
        spool_dir=Path(env.str("SPOOL_DIR", "spool", validate=_not_empty)),
        spool_most=env.int("SPOOL_MOST", 20_000, validate=_positive),
    )


def _not_empty(value: str) -> bool:
    if not value.strip():
        raise ValidationError("must not be empty")
    return True


def _positive(value: int) -> bool:
    if value < 1:
        raise ValidationError("must be at least 1")
    return True


def _shortcode(value: str) -> bool:
    if not (value.isascii() and value.isdigit() and 5 <= len(value) <= 7):
        raise ValidationError("must be 5 to 7 digits")
    return True


def _transaction_type(value: str) -> bool:
    if value not in (PAYBILL, TILL):
        raise ValidationError(f"must be {PAYBILL} or {TILL}")
    return True


def _http_url(value: str) -> bool:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
        raise ValidationError("must be a URL such as https://api.safaricom.co.ke")
    return True
