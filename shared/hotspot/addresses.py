"""IP addresses and networks as settings, proxies and sockets write them."""

import ipaddress
from collections.abc import Iterable, Sequence

from environs import Env, EnvError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def networks_of(texts: Iterable[str]) -> tuple[Network, ...]:
    """Addresses and networks (`10.0.0.0/8`) as written. Raises ValueError naming the wrong one."""
    return tuple(ipaddress.ip_network(text.strip()) for text in texts if text.strip())


def networks_set(env: Env, name: str, default: Sequence[str] = ()) -> tuple[Network, ...]:
    """A setting's networks, separated by commas; the default's where nothing is set.

    Raises EnvError.
    """
    given: list[str] = env.list(name, [])
    try:
        return networks_of([one for one in given if one.strip()] or default)
    except ValueError as error:
        raise EnvError(f"{name} must be addresses or networks: {error}") from error


def is_in(address: Address | None, networks: Iterable[Network]) -> bool:
    """Whether one of the networks has an address; none has what is no address."""
    return address is not None and any(address in network for network in networks)


def address_of(text: str) -> Address | None:
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
    return getattr(address, "ipv4_mapped", None) or address
