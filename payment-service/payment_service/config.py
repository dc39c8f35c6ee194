"""Settings of payment-service."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args
from urllib.parse import urlsplit

from environs import Env, EnvError, ValidationError

from hotspot.addresses import Network, networks_of, networks_set
from hotspot.settings import CommonConfig, common
from payment_service.callbacks.sources import KNOWN_SOURCES, Trust, Verify
from payment_service.mpesa import initiator
from payment_service.mpesa.initiator import Initiator

PAYBILL, TILL = "CustomerPayBillOnline", "CustomerBuyGoodsOnline"


@dataclass(frozen=True, kw_only=True)
class Config(CommonConfig):
    """What payment-service reads from its environment.

    `daraja_party_b` is the till number where the shortcode is a store's, else the shortcode.
    `spool_dir` holds callbacks while the broker is away; every web process may share it.
    `verify_callbacks`: when M-Pesa is asked (STK query) before a callback is believed: `always`,
    for an `unknown_source`, that is none of `mpesa_sources`, or `never`. `trusted_proxies` are the
    only ones whose X-Forwarded-For is believed. `portal_url` and `provider_name` are printed
    on vouchers: the guests' page, and whose it is; without a `portal_url`, it is the address under
    which the operator who prints them reached us.
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
    verify_callbacks: Verify = "unknown_source"
    mpesa_sources: tuple[Network, ...] = networks_of(KNOWN_SOURCES)
    trusted_proxies: tuple[Network, ...] = ()
    initiator: Initiator | None = None
    portal_url: str | None = None
    provider_name: str = "WiFi"

    @property
    def our_shortcodes(self) -> frozenset[str]:
        """Whose money is ours: the shortcode, and the till where that is another."""
        return frozenset({self.daraja_shortcode, self.daraja_party_b})

    @property
    def trust(self) -> Trust:
        """Whose word counts."""
        return Trust(verify=self.verify_callbacks, sources=self.mpesa_sources)


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
        verify_callbacks=_verify(env),
        mpesa_sources=networks_set(env, "MPESA_SOURCES", KNOWN_SOURCES),
        trusted_proxies=networks_set(env, "TRUSTED_PROXIES"),
        initiator=initiator.load(env),
        portal_url=env.str("PORTAL_URL", "", validate=_http_url_or_none).rstrip("/") or None,
        provider_name=env.str("PROVIDER_NAME", "WiFi", validate=_not_empty).strip(),
    )


def _verify(env: Env) -> Verify:
    written = env.str("VERIFY_CALLBACKS", "unknown_source")
    for known in get_args(Verify):
        if known == written:
            return cast(Verify, known)
    raise EnvError(f"VERIFY_CALLBACKS must be one of {', '.join(get_args(Verify))}")


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


def _http_url_or_none(value: str) -> bool:
    return not value or _http_url(value)


def _http_url(value: str) -> bool:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
        raise ValidationError("must be a URL such as https://api.safaricom.co.ke")
    return True
