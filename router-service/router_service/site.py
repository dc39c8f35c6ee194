"""Where on a router the hotspot lives: which ports, which network."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from router_service.routeros import Row

# The addresses below the pool stay free for access points and printers.
RESERVED = 9


@dataclass(frozen=True, kw_only=True)
class Site:
    """What an operator may choose for a router. No `ports`: chosen by `choose_ports`."""

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


def choose_ports(interfaces: Sequence[Row], uplink: str | None) -> tuple[str, ...]:
    """The ports for guests where nobody chose: every radio, and the ethernet ports that are left.

    One port is the way to the internet. Of three and more, the next stays as it is, so that the
    operator who plugged a laptop into it is not cut off by the provisioning itself.
    """
    radios = [_name(one) for one in interfaces if one.get("type") in ("wlan", "wifi")]
    wired = [_name(one) for one in interfaces if one.get("type") == "ether"]
    rest = [name for name in wired if name != (uplink or wired[0])] if wired else []
    kept = 1 if len(rest) > 1 else 0
    return (*rest[kept:], *radios)


def uplink_of(
    routes: Iterable[Row], addresses: Iterable[Row], clients: Iterable[Row]
) -> str | None:
    """The interface towards the internet: of the default route, else of a DHCP client."""
    networks = [
        (IPv4Network(one["address"], strict=False), one.get("interface", ""))
        for one in addresses
        if "/" in one.get("address", "")
    ]
    for route in routes:
        if route.get("dst-address") != "0.0.0.0/0" or route.get("active", "yes") == "no":
            continue
        gateway = route.get("gateway", "").partition("%")[0]
        try:
            via = IPv4Address(gateway)
        except ValueError:
            return gateway or None  # the interface itself, as of PPPoE
        for network, interface in networks:
            if via in network:
                return interface
    return next((one["interface"] for one in clients if "interface" in one), None)


def _name(interface: Row) -> str:
    return interface.get("default-name") or interface["name"]


def site_of(kept: Mapping[str, object]) -> Site:
    """What an operator chose, from the router's row."""
    ports = kept.get("ports", ())
    return Site(
        ports=tuple(str(port) for port in ports) if isinstance(ports, list | tuple) else (),
        network=str(kept.get("network", Site.network)),
        dns_name=str(kept.get("dns_name", Site.dns_name)),
    )
