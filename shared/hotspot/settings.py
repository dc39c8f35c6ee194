"""Settings: typed, read once from the environment, and clear when they are wrong.

Every setting X may come in a file that X_FILE names, as containers get their secrets.
"""

import base64
import binascii
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn, TypeVar

from environs import Env, EnvError, FileAwareEnv
from marshmallow import ValidationError

C = TypeVar("C")


@dataclass(frozen=True, kw_only=True)
class CommonConfig:
    """What every service reads. Services derive their own Config from it.

    `web_workers`: processes that serve HTTP on the one port; one, with no master over it, is what
    a small machine needs. `health_port`: where processes that serve no HTTP of their own answer for
    their health (`hotspot.health`); None: nowhere.
    """

    service: str
    database_url: str
    amqp_url: str
    log_level: str
    host: str
    port: int
    encryption_keys: tuple[str, ...]
    jwt_public_key: str
    web_workers: int = 1
    health_port: int | None = None


def common(env: Env, service: str) -> dict[str, object]:
    """The common settings as keyword arguments. Raises EnvError."""
    return {
        "service": service,
        "database_url": database_url(env),
        "amqp_url": env.str("AMQP_URL", validate=_starts_with("amqp://", "amqps://")),
        "log_level": env.str("LOG_LEVEL", "INFO", validate=_log_level).upper(),
        "host": env.str("HOST", "127.0.0.1"),
        "port": env.int("PORT", validate=_port),
        "encryption_keys": encryption_keys(env),
        "jwt_public_key": pem(env, "JWT_PUBLIC_KEY"),
        "web_workers": env.int("WEB_WORKERS", 1, validate=_positive),
        "health_port": health_port(env),
    }


def read(load: Callable[[Env], C], prefix: str = "") -> C:
    """Load a service's Config from the environment, or say what is wrong and exit 2.

    `prefix`: before each setting's name, where one process serves several services.
    """
    env = _Environment()
    try:
        with env.prefixed(prefix):
            return load(env)
    except EnvError as error:
        stop(str(error))


class _Environment(FileAwareEnv):
    """X, or what the file named by X_FILE says; line ends after it are not part of it."""

    def _get_value(self, env_key: str, default: object) -> object:
        file_key = f"{env_key}{self.file_suffix}"
        if not os.environ.get(file_key):
            return super()._get_value(env_key, default)
        if os.environ.get(env_key):
            raise EnvError(f"{env_key} and {file_key} are both set: which one is meant?")
        try:
            value = super()._get_value(env_key, default)
        except (OSError, ValueError):
            # Without the name of the file: somebody may have put the secret itself there.
            raise EnvError(f"{file_key} must name a file of text that can be read") from None
        return value.rstrip("\r\n") if isinstance(value, str) else value


def prefix_of(service: str) -> str:
    """Before the settings of a service that shares its process with others: `RADIUS__`."""
    return f"{service.upper()}__"


def stop(reason: str) -> NoReturn:
    """Say which setting is wrong, and exit 2 before anything is served."""
    sys.stderr.write(f"hotspot: settings: {reason}\n")
    raise SystemExit(2)


def database_url(env: Env) -> str:
    """DATABASE_URL for SQLAlchemy with psycopg 3. Raises EnvError."""
    url: str = env.str("DATABASE_URL", validate=_starts_with("postgresql://", "postgres://"))
    return "postgresql+psycopg://" + url.split("://", 1)[1]


def health_port(env: Env) -> int | None:
    """HEALTH_PORT, or None where it is empty or not set. Raises EnvError."""
    text: str = env.str("HEALTH_PORT", "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise EnvError("HEALTH_PORT must be a port between 1 and 65535")
    return int(text)


def encryption_keys(env: Env) -> tuple[str, ...]:
    """ENCRYPTION_KEYS: Fernet keys, newest first. Raises EnvError."""
    keys: tuple[str, ...] = tuple(env.list("ENCRYPTION_KEYS"))
    if not keys or not all(_is_fernet_key(key) for key in keys):
        raise EnvError(
            "ENCRYPTION_KEYS must be Fernet keys (32 url-safe base64 bytes each),"
            " newest first, separated by commas"
        )
    return keys


def pem(env: Env, name: str) -> str:
    r"""A PEM block; its line ends may be written as `\n`. Raises EnvError."""
    text: str = env.str(name).replace("\\n", "\n").strip()
    if not text.startswith("-----BEGIN "):
        raise EnvError(f"{name} must be a PEM block")
    return text + "\n"


def _is_fernet_key(key: str) -> bool:
    try:
        return len(base64.urlsafe_b64decode(key)) == 32
    except (ValueError, binascii.Error):
        return False


def _starts_with(*prefixes: str) -> Callable[[str], bool]:
    def check(value: str) -> bool:
        if not value.startswith(prefixes):
            raise ValidationError(f"must start with {' or '.join(prefixes)}")
        return True

    return check


def _positive(value: int) -> bool:
    if value < 1:
        raise ValidationError("must be at least 1")
    return True


def _port(value: int) -> bool:
    if not 0 < value < 65536:
        raise ValidationError("must be a port between 1 and 65535")
    return True


def _log_level(value: str) -> bool:
    if value.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise ValidationError("must be DEBUG, INFO, WARNING or ERROR")
    return True
