"""Settings of radius-service."""

import ipaddress
from dataclasses import dataclass, field

from environs import Env, EnvError

from hotspot.settings import CommonConfig, common


@dataclass(frozen=True, kw_only=True)
class NasSeed:
    """A router that may ask from the start: its address (or network) and its secret."""

    nasname: str
    secret: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Config(CommonConfig):
    """What radius-service reads. `radius_coa_port` is where routers hear Disconnect-Requests.

    `session_timer` (SESSION_TIMER=on/off): whether the RADIUS server ends sessions by the second;
    without it, that is left to CheckExpiredSessionsJob.
    """

    radius_host: str
    radius_auth_port: int
    radius_acct_port: int
    radius_coa_port: int
    radius_nas: tuple[NasSeed, ...]
    session_timer: bool


def load(env: Env) -> Config:
    """The settings from the environment. Raises EnvError."""
    return Config(
        **common(env, "radius"),  # type: ignore[arg-type]  # its keys are CommonConfig's
        radius_host=_address(env, "RADIUS_HOST", "127.0.0.1"),
        radius_auth_port=_port(env, "RADIUS_AUTH_PORT", 1812),
        radius_acct_port=_port(env, "RADIUS_ACCT_PORT", 1813),
        radius_coa_port=_port(env, "RADIUS_COA_PORT", 3799),
        radius_nas=_seeds(env.list("RADIUS_NAS", [])),
        session_timer=env.bool("SESSION_TIMER", True),
    )


def _address(env: Env, name: str, default: str) -> str:
    text: str = env.str(name, default)
    try:
        ipaddress.ip_address(text)
    except ValueError as error:
        raise EnvError(f"{name} must be an IP address") from error
    return text


def _port(env: Env, name: str, default: int) -> int:
    port: int = env.int(name, default)
    if not 0 < port < 65536:
        raise EnvError(f"{name} must be a port between 1 and 65535")
    return port


def _seeds(entries: list[str]) -> tuple[NasSeed, ...]:
    return tuple(_nas(entry) for entry in entries)


def _nas(entry: str) -> NasSeed:
    nasname, found, secret = entry.strip().partition("=")
    try:
        ipaddress.ip_network(nasname)
    except ValueError:
        found = ""
    if not found or not secret:
        # The entry itself may hold a secret: only its place is named.
        raise EnvError("RADIUS_NAS must be address=secret, several separated by commas")
    return NasSeed(nasname=nasname, secret=secret)
