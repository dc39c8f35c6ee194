"""Where a callback came from, and whether that alone is proof (M-Pesa signs nothing).

The token in a callback's URL keeps strangers out. An address that Safaricom is known to call from
is the second proof; without it, M-Pesa is asked (STK query) before anybody is served.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from hotspot.addresses import Network, address_of, is_in

Verify = Literal["always", "unknown_source", "never"]

# As published. Others are added by MPESA_SOURCES, which replaces this list.
KNOWN_SOURCES = (
    *(f"196.201.214.{last}" for last in (200, 206, 207, 208)),
    *(f"196.201.213.{last}" for last in (114, 44)),
    *(f"196.201.212.{last}" for last in (127, 138, 129, 136, 74, 69)),
)


@dataclass(frozen=True, kw_only=True)
class Trust:
    """Whose word counts: when to verify, and the networks of M-Pesa."""

    verify: Verify
    sources: tuple[Network, ...]

    def needs_proof(self, source_address: str) -> bool:
        """Whether M-Pesa must be asked before this source is believed."""
        if self.verify == "unknown_source":
            return not is_in(address_of(source_address), self.sources)
        return self.verify == "always"


def source_of(peer: str, forwarded_for: Sequence[str], proxies: tuple[Network, ...]) -> str:
    """The address that a request really came from; "" where a trusted proxy names nonsense.

    `forwarded_for`: the X-Forwarded-For headers as they came. They are believed only from trusted
    proxies, and only up to the first hop (from the right) that is none: everything left of it was
    written by whoever called.
    """
    hops = [hop for header in forwarded_for for hop in header.split(",")]
    source = address_of(peer)
    while hops and is_in(source, proxies):
        source = address_of(hops.pop())
    return str(source) if source else ""
