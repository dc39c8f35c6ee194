"""Where a guest is: what the router's login page told, and whether its login may be trusted.

The browser keeps it in a cookie. Nothing of it is secret, and all of it may be made up.
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import parse_qsl, urlencode, urlsplit

# The name that router-service gives to routers' own pages, unless an operator chose another one.
USUAL_NAME = "login.hotspot"
USUAL_LOGIN = f"http://{USUAL_NAME}/login"
# Where hotspots live: private networks (RFC 1918), and those of carriers (RFC 6598).
_HOTSPOT_NETWORKS = tuple(
    ipaddress.ip_network(one)
    for one in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
)
_LONGEST_LINK = 500
_OCTAL = re.compile(r"(?:\\[0-7]{3})+", re.ASCII)
_TOLD = ("mac", "ip", "router", "link-login-only")


@dataclass(frozen=True, kw_only=True)
class Chap:
    """A challenge on the router's login page: one octet and sixteen."""

    identifier: bytes
    challenge: bytes


@dataclass(frozen=True, kw_only=True)
class Place:
    """The device and its router. `login`: where credentials go; only ever an http(s) URL.

    `arrived`: when the router sent the guest here (Unix milliseconds).
    """

    mac: str | None = None
    ip: str | None = None
    router: str | None = None
    login: str | None = None
    chap: Chap | None = None
    arrived: int = 0

    @property
    def for_api(self) -> dict[str, str | None]:
        """As the API calls it."""
        return {
            "mac": self.mac,
            "ip": self.ip,
            "router_id": self.router,
            "link_login_only": self.login,
        }

    def or_login(self, login: str | None) -> "Place":
        """Here, or where the payment was asked for."""
        return self if self.login or not login else replace(self, login=_link(login), chap=None)


def told(query: bytes, now: datetime) -> Place | None:
    """What a query string tells; None where it says nothing of a place.

    Values that make no sense are left out: whoever can pay shall not be kept from it by them.
    """
    # Latin-1 keeps octets as they are: a router may escape the challenge itself.
    pairs = parse_qsl(query.decode("latin-1"), encoding="latin-1", keep_blank_values=True)
    given = dict(pairs)
    if not any(given.get(name) for name in _TOLD):
        return None
    return Place(
        mac=_mac(given.get("mac", "")),
        ip=_ip(given.get("ip", "")),
        router=_router(given.get("router", "")),
        login=_link(given.get("link-login-only", "")),
        chap=_chap_of(_octets(given.get("chap-id", "")), _octets(given.get("chap-challenge", ""))),
        arrived=int(now.timestamp() * 1000),
    )


def kept(cookie: str) -> Place:
    """The place in a cookie."""
    given = dict(parse_qsl(cookie))
    return Place(
        mac=_mac(given.get("mac", "")),
        ip=_ip(given.get("ip", "")),
        router=_router(given.get("router", "")),
        login=_link(given.get("login", "")),
        chap=_chap_of(_octets(given.get("id", "")), _octets(given.get("challenge", ""))),
        arrived=_whole(given.get("arrived", "")),
    )


def cookie_of(place: Place) -> str:
    """The cookie that `kept` reads."""
    fields = {
        "mac": place.mac,
        "ip": place.ip,
        "router": place.router,
        "login": place.login,
        "arrived": str(place.arrived),
    }
    if place.chap:
        fields["id"] = _octal(place.chap.identifier)
        fields["challenge"] = _octal(place.chap.challenge)
    return urlencode({name: value for name, value in fields.items() if value})


def is_trusted(login: str, hosts: Sequence[str]) -> bool:
    """Whether credentials may go to this address by themselves: a place where hotspots live.

    `hosts`: names, addresses and networks that the provider has beside those (ADR 25).
    """
    host = host_of(login)
    if host == USUAL_NAME or host in hosts:
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return any(address in network for network in (*_HOTSPOT_NETWORKS, *_networks(hosts)))


def host_of(url: str) -> str:
    """The host that a URL leads to."""
    return (urlsplit(url).hostname or "").lower()


def origin_of(url: str) -> str:
    """Scheme, host and port, as a Content-Security-Policy names them."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _networks(hosts: Sequence[str]) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    return [ipaddress.ip_network(one) for one in hosts if "/" in one]


def _mac(text: str) -> str | None:
    digits = re.sub(r"[:.-]", "", text).upper()
    if not re.fullmatch(r"[0-9A-F]{12}", digits):
        return None
    return ":".join(digits[at : at + 2] for at in range(0, 12, 2))


def _ip(text: str) -> str | None:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


def _router(text: str) -> str | None:
    return text if 0 < len(text) <= 100 and text.isascii() and text.isprintable() else None


def _link(text: str) -> str | None:
    """An http(s) URL without a user in it, in characters that a policy header can hold."""
    if (
        len(text) > _LONGEST_LINK
        or not re.fullmatch(r"[!-~]+", text)
        or re.search(r"[;,'\"\\]", text)
    ):
        return None
    try:
        parts = urlsplit(text)
        is_usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # a port that is no number
        return None
    return text if is_usable and "@" not in parts.netloc else None


def _chap_of(identifier: bytes, challenge: bytes) -> Chap | None:
    if len(identifier) != 1 or len(challenge) != 16:
        return None
    return Chap(identifier=identifier, challenge=challenge)


def _whole(text: str) -> int:
    return int(text) if re.fullmatch(r"[0-9]{1,15}", text, re.ASCII) else 0


def _octets(text: str) -> bytes:
    """Octets as RouterOS prints them (`\\371`), or as they are."""
    if _OCTAL.fullmatch(text):
        return bytes(int(one, 8) & 0xFF for one in text.split("\\")[1:])
    return text.encode("latin-1", "ignore")


def _octal(octets: bytes) -> str:
    return "".join(f"\\{one:03o}" for one in octets)
