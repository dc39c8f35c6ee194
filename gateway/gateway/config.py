"""The gateway's settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from environs import Env, EnvError
from marshmallow import ValidationError

from gateway.portal import settings as portal_settings
from gateway.portal.settings import PortalSettings
from hotspot.addresses import Network, networks_set
from hotspot.contract.table import (
    NOTIFICATION,
    PAYMENT,
    PROVISIONING,
    RADIUS,
    ROUTER,
    SCHEDULER,
)
from hotspot.settings import CommonConfig, common, pem

STORAGES = ("memory://", "redis://", "rediss://", "redis+sentinel://", "redis+cluster://")


@dataclass(frozen=True, kw_only=True)
class Config(CommonConfig):
    """What the gateway reads. `services`: the base URL of each service, by its name.

    `rate_limit_storage_url` (RATE_LIMIT_STORAGE_URL): where is counted how often somebody asks:
    `memory://`, or a Redis where several gateways run. `stream_patience_seconds`
    (STREAM_PATIENCE_SECONDS, 20): who takes nothing of the live events for so long is let go.
    `trusted_proxies` (TRUSTED_PROXIES, none): addresses and networks of proxies before the
    gateway, whose word about a client's address and scheme is believed; nobody else's is.
    `portal`: of the guests' pages (`gateway.portal.settings`).
    """

    jwt_private_key: str
    services: Mapping[str, str]
    rabbitmq_management_url: str | None
    rate_limit_storage_url: str
    stream_patience_seconds: float = 20.0
    trusted_proxies: tuple[Network, ...] = ()
    portal: PortalSettings = field(default_factory=PortalSettings)


def load(env: Env) -> Config:
    """The settings from the environment. Raises EnvError."""
    values: dict[str, Any] = common(env, "gateway")
    values["jwt_private_key"] = _signing_key(env, values["jwt_public_key"])
    values["services"] = {
        PAYMENT.name: _http_url(env, "PAYMENT_URL"),
        PROVISIONING.name: _http_url(env, "PROVISIONING_URL"),
        ROUTER.name: _http_url(env, "ROUTER_URL"),
        RADIUS.name: _http_url(env, "RADIUS_URL"),
        NOTIFICATION.name: _http_url(env, "NOTIFICATION_URL"),
        SCHEDULER.name: _http_url(env, "SCHEDULER_URL"),
    }
    has_management = bool(env.str("RABBITMQ_MANAGEMENT_URL", ""))
    values["rabbitmq_management_url"] = (
        _http_url(env, "RABBITMQ_MANAGEMENT_URL") if has_management else None
    )
    values["rate_limit_storage_url"] = _storage_url(env)
    values["stream_patience_seconds"] = env.float(
        "STREAM_PATIENCE_SECONDS", 20.0, validate=_a_while
    )
    values["trusted_proxies"] = networks_set(env, "TRUSTED_PROXIES")
    values["portal"] = portal_settings.load(env)
    return Config(**values)


def _signing_key(env: Env, public_pem: str) -> str:
    """JWT_PRIVATE_KEY, which must be the other half of JWT_PUBLIC_KEY. Raises EnvError.

    Two halves of different pairs would let everyone log in here and nobody in at any service.
    """
    private_pem = pem(env, "JWT_PRIVATE_KEY")
    try:
        private = load_pem_private_key(private_pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise EnvError(f"JWT_PRIVATE_KEY is not a readable private key: {error}") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise EnvError("JWT_PRIVATE_KEY must be an Ed25519 key")
    try:
        public = load_pem_public_key(public_pem.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise EnvError(f"JWT_PUBLIC_KEY is not a readable public key: {error}") from error
    if not isinstance(public, Ed25519PublicKey) or public != private.public_key():
        raise EnvError("JWT_PUBLIC_KEY is not the public half of JWT_PRIVATE_KEY")
    return private_pem


def _http_url(env: Env, name: str) -> str:
    url: str = env.str(name)
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # a port that is no number
        usable = False
    if not usable:
        raise EnvError(f"{name} must be a URL such as http://127.0.0.1:8001")
    return url.rstrip("/")


def _a_while(seconds: float) -> None:
    if not 0.1 <= seconds <= 600:
        raise ValidationError("must be 0.1 to 600 seconds")


def _storage_url(env: Env) -> str:
    url: str = env.str("RATE_LIMIT_STORAGE_URL", "memory://")
    if not url.startswith(STORAGES):
        raise EnvError(f"RATE_LIMIT_STORAGE_URL must start with one of {', '.join(STORAGES)}")
    return url
