"""Settings of the guests' pages."""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from environs import Env, EnvError

COLOUR = "#0a5c36"
# WCAG 2.1, success criterion 1.4.3: what text needs against its background.
LEAST_CONTRAST = 4.5

_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class PortalSettings:
    """Whose WiFi it is, and where credentials may be sent.

    PROVIDER_NAME; PORTAL_COLOUR (`#rrggbb`, dark: white text stands on it); PORTAL_URL (the
    address under which guests see these pages; else the one that they ask for); LOGIN_HOSTS
    (names, addresses or networks of routers' login pages beside the usual ones, see ADR 25).
    """

    provider: str = "WiFi"
    colour: str = COLOUR
    url: str | None = None
    login_hosts: tuple[str, ...] = ()


def load(env: Env) -> PortalSettings:
    """The settings from the environment. Raises EnvError."""
    colour: str = env.str("PORTAL_COLOUR", COLOUR).lower()
    if not re.fullmatch(r"#[0-9a-f]{6}", colour) or contrast_to_white(colour) < LEAST_CONTRAST:
        raise EnvError(
            f"PORTAL_COLOUR must be a dark colour such as {COLOUR}: white text stands on it"
        )
    provider: str = env.str("PROVIDER_NAME", "WiFi").strip()
    if not provider or not provider.isprintable():
        raise EnvError("PROVIDER_NAME must be a name that guests can read")
    return PortalSettings(
        provider=provider, colour=colour, url=_portal_url(env), login_hosts=_login_hosts(env)
    )


def contrast_to_white(colour: str) -> float:
    """How well white can be read on a colour: 1 to 21 (WCAG 2.1, contrast ratio)."""
    shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.03928 else ((one + 0.055) / 1.055) ** 2.4 for one in shares]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return 1.05 / (luminance + 0.05)


def _portal_url(env: Env) -> str | None:
    url: str = env.str("PORTAL_URL", "").rstrip("/")
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise EnvError("PORTAL_URL must be a URL such as https://wifi.example.co.ke")
    return url


def _login_hosts(env: Env) -> tuple[str, ...]:
    written: list[str] = env.list("LOGIN_HOSTS", [])
    hosts = tuple(one.strip().lower() for one in written if one.strip())
    for host in hosts:
        if not _HOST.fullmatch(host) and not _is_network(host):
            raise EnvError("LOGIN_HOSTS must be names, addresses or networks, with commas between")
    return hosts


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True
