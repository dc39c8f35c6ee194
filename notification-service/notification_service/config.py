"""Settings of notification-service."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from environs import Env, EnvError

from hotspot.phone import InvalidPhone, normalize
from hotspot.settings import CommonConfig, common

PROVIDERS = ("africastalking", "advanta", "log")
LANGUAGES = ("en", "sw")

_LIVE = "https://api.africastalking.com"
_SANDBOX = "https://api.sandbox.africastalking.com"


@dataclass(frozen=True, kw_only=True)
class Config(CommonConfig):
    """Which gateway takes the messages, and where it reports back to.

    With `advanta`, `sms_username` is the partner id. `paybill`: the number that subscribers are
    told to pay to, with their own number as the account; empty: they are sent to the portal.
    `alarm_phones`: who is told of alarms, day and night; nobody where it is empty.
    """

    sms_provider: str
    sms_username: str
    sms_api_key: str = field(repr=False)
    sms_sender_id: str
    sms_base_url: str
    sms_language: str
    callback_base_url: str
    paybill: str = ""
    alarm_phones: tuple[str, ...] = ()


def load(env: Env) -> Config:
    """Read from the environment. Raises EnvError."""
    provider = _one_of(env, "SMS_PROVIDER", PROVIDERS)
    asks_for_account = provider != "log"
    username = _text(env, "SMS_USERNAME", required=asks_for_account)
    return Config(
        **common(env, "notification"),  # type: ignore[arg-type]  # its keys are CommonConfig's
        sms_provider=provider,
        sms_username=username,
        sms_api_key=_text(env, "SMS_API_KEY", required=asks_for_account),
        sms_sender_id=_text(env, "SMS_SENDER_ID", required=provider == "advanta"),
        sms_base_url=_base_url(env, provider, username),
        sms_language=_one_of(env, "SMS_LANGUAGE", LANGUAGES, default="en"),
        callback_base_url=_url(env, "CALLBACK_BASE_URL"),
        paybill=_paybill(env),
        alarm_phones=_phones(env, "ALARM_PHONES"),
    )


def _phones(env: Env, name: str) -> tuple[str, ...]:
    try:
        given = (phone.strip() for phone in env.str(name, "").split(","))
        return tuple(dict.fromkeys(normalize(phone) for phone in given if phone))
    except InvalidPhone as error:
        raise EnvError(f"{name} must be phone numbers, separated by commas: {error}") from error


def _paybill(env: Env) -> str:
    number = _text(env, "PAYBILL", required=False)
    if number and not (number.isascii() and number.isdigit() and len(number) <= 10):
        raise EnvError("PAYBILL must be the number of a Paybill")
    return number


def _base_url(env: Env, provider: str, username: str) -> str:
    if provider == "log":
        return ""
    if provider == "africastalking" and not env.str("SMS_BASE_URL", ""):
        return _SANDBOX if username == "sandbox" else _LIVE
    return _url(env, "SMS_BASE_URL")


def _url(env: Env, name: str) -> str:
    url: str = env.str(name).rstrip("/")
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # a port that is no number
        usable = False
    if not usable:
        raise EnvError(f"{name} must be a URL that begins with http:// or https://")
    return url


def _text(env: Env, name: str, *, required: bool) -> str:
    text: str = env.str(name, "").strip()
    if required and not text:
        raise EnvError(f'Environment variable "{name}" not set')
    return text


def _one_of(env: Env, name: str, allowed: tuple[str, ...], default: str | None = None) -> str:
    text: str = env.str(name) if default is None else env.str(name, default)
    if text not in allowed:
        raise EnvError(f"{name} must be one of {', '.join(allowed)}")
    return text
