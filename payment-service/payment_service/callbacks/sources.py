"""Where a callback came from, and whether that alone is proof (M-Pesa signs nothing).

The token in a callback's URL keeps strangers out. An address that Safaricom is known to call from
is the second proof; without it, M-Pesa is asked (STK query) before anybody is served.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Verify = Literal["always", "unknown_source", "never"]

# As published. Others are added by MPESA_SOURCES, which replaces this list.
KNOWN_SOURCES = (
    *(f"196.201.214.{last}" for last in (200, 206, 207, 208)),
    *(f"196.201.213.{last}" for last in (114, 44)),
    *(f"196.201.212.{last}" for last in (127, 138, 129, 136, 74, 69)),
)


def networks_of(texts: Iterable[str]) -> tuple[Network, ...]:
    """Addresses and networks (`10.0.0.0/8`) as written. Raises ValueError naming the wrong one."""
    return tuple(ipaddress.ip_network(text.strip()) for text in texts if text.strip())


@dataclass(frozen=True, kw_only=True)
class Trust:
    """Whose word counts: when to verify, and the networks of M-Pesa."""

    verify: Verify
    sources: tuple[Network, ...]

    def needs_proof(self, source_address: str) -> bool:
        """Whether M-Pesa must be asked before this source is believed."""
        if self.verify == "unknown_source":
            return not _is_in(_address(source_address), self.sources)
        return self.verify == "always"


def source_of(peer: str, forwarded_for: Sequence[str], proxies: tuple[Network, ...]) -> str:
    """The address that a request really came from; "" where a trusted proxy names nonsense.

    `forwarded_for`: the X-Forwarded-For headers as they came. They are believed only from trusted
    proxies, and only up to the first hop (from the right) that is none: everything left of it was
    written by whoever called.
    """
    hops = [hop for header in forwarded_for for hop in header.split(",")]
    source = _address(peer)
    while hops and _is_in(source, proxies):
        source = _address(hops.pop())
    return str(source) if source else ""


def _is_in(address: Address | None, networks: tuple[Network, ...]) -> bool:
    return address is not None and any(address in network for network in networks)


def _address(text: str) -> Address | None:
    """As proxies write it: with a port or without, IPv4 also in the dress of IPv6."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address
