"""Where on a router the hotspot lives: which ports, which network."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Final

from router_service.routeros import Row

BRIDGE: Final = "hotspot-bridge"
# The addresses below the pool stay free for access points and printers.
RESERVED: Final = 9
RADIOS: Final = ("wlan", "wifi", "wifiwave2")
DIALS: Final = ("pppoe-out", "lte")
# How MikroTik marks what its default configuration made.
FROM_THE_BOX: Final = "defconf"


@dataclass(frozen=True, kw_only=True)
class Site:
    """What an operator may choose for a router. No `ports`: chosen by `choose_ports`, once."""

    ports: tuple[str, ...] = ()
    network: str = "10.5.50.0/24"
    dns_name: str = "login.hotspot"

    @property
    def subnet(self) -> IPv4Network:
        """The guests' network."""
        return IPv4Network(self.network)

    @property
    def gateway(self) -> IPv4Address:
        """The router's own address in it: the first."""
        return self.subnet.network_address + 1

    @property
    def pool(self) -> str:
        """What guests get, as RouterOS writes a range."""
        first = self.subnet.network_address + 1 + RESERVED
        return f"{first}-{self.subnet.broadcast_address - 1}"


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A router's interfaces, and what they are used for. `in_use`: those with a task of their own.

    `members`: which bridge an interface belongs to. `bridges`: each bridge's comment.
    """

    interfaces: Sequence[Row]
    members: Mapping[str, str]
    bridges: Mapping[str, str]
    uplinks: tuple[str, ...]
    in_use: frozenset[str]

    def is_free(self, name: str) -> bool:
        """Whether guests may have it although nobody said so.

        Ports that somebody bridged by hand may be an office: only those that are still as they
        came from the box are taken, and those that are ours already.
        """
        if name in self.in_use:
            return False
        bridge = self.members.get(name)
        if bridge in (None, BRIDGE):
            return True
        return FROM_THE_BOX in self.bridges.get(bridge, "") and bridge not in self.in_use


def choose_ports(layout: Layout) -> tuple[str, ...]:
    """The ports for guests where nobody chose: every radio, and the ethernet ports that are left.

    One port is the way to the internet. Of three and more, the next stays as it is, so that the
    operator who plugged a laptop into it is not cut off by the provisioning itself.
    """
    wired = _named(layout.interfaces, "ether")
    towards_internet = layout.uplinks or tuple(wired[:1])
    rest = [name for name in wired if name not in towards_internet and layout.is_free(name)]
    kept = 1 if len(rest) > 1 else 0
    radios = [name for name in _named(layout.interfaces, *RADIOS) if layout.is_free(name)]
    return (*rest[kept:], *radios)


def uplinks_of(
    interfaces: Sequence[Row],
    routes: Iterable[Row],
    addresses: Iterable[Row],
    clients: Iterable[Row],
) -> tuple[str, ...]:
    """The interfaces towards the internet, whichever of them is used at this moment.

    Those of default routes and of DHCP clients, and every PPPoE client and LTE modem.
    """
    networks = [
        (IPv4Network(one["address"], strict=False), one.get("interface", ""))
        for one in addresses
        if "/" in one.get("address", "")
    ]
    defaults = [
        route
        for route in routes
        if route.get("dst-address") == "0.0.0.0/0" and route.get("disabled", "no") == "no"
    ]
    found = [
        *(name for route in defaults for name in _ways(route, networks)),
        *(one["interface"] for one in clients if one.get("interface")),
        *_named(interfaces, *DIALS),
    ]
    return tuple(dict.fromkeys(found))


def site_of(kept: Mapping[str, object]) -> Site:
    """What an operator chose, from the router's row."""
    ports = kept.get("ports", ())
    return Site(
        ports=tuple(str(port) for port in ports) if isinstance(ports, list | tuple) else (),
        network=str(kept.get("network", Site.network)),
        dns_name=str(kept.get("dns_name", Site.dns_name)),
    )


def _ways(route: Row, networks: Sequence[tuple[IPv4Network, str]]) -> Iterator[str]:
    """The interfaces that a route leads through."""
    for written in (route.get("immediate-gw") or route.get("gateway", "")).split(","):
        gateway, _, interface = written.partition("%")
        if interface:
            yield interface
            continue
        try:
            via = IPv4Address(gateway)
        except ValueError:
            if gateway:
                yield gateway  # the interface itself, as of PPPoE
            continue
        yield from (interface for network, interface in networks if via in network)


def _named(interfaces: Sequence[Row], *kinds: str) -> list[str]:
    return [one["name"] for one in interfaces if one.get("type") in kinds]
