"""What would keep a hotspot from working on a router, found before anything is changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

from router_service.hotspot import BRIDGE
from router_service.routeros import NoSuchCommand, RouterOs, Row
from router_service.site import Site, choose_ports, uplink_of
from router_service.versions import numbers_of

OLDEST = (6, 49)


class CannotBeAHotspot(Exception):
    """Why not, in sentences that a person can act on."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = tuple(reasons)


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a router is, as far as the hotspot depends on it. `ports`: those for guests."""

    version: str
    ports: tuple[str, ...]
    uplink: str | None


def look_at(router: RouterOs, site: Site, *, shared_with: str | None = None) -> Found:
    """Look at a router. Raises CannotBeAHotspot with every reason at once.

    `shared_with`: another router of ours with the same address, where there is one.
    """
    resource = next(iter(router.read("/system/resource")), {})
    interfaces = router.read("/interface")
    addresses = router.read("/ip/address")
    uplink = uplink_of(
        router.read("/ip/route"),
        addresses,
        [one for one in router.read("/ip/dhcp-client") if one.get("disabled", "no") == "no"],
    )
    ports = site.ports or choose_ports(interfaces, uplink)
    reasons = [
        *_version(resource.get("version", "")),
        *_hotspot_package(router),
        *_device_mode(router),
        *_ports(ports, interfaces, uplink),
        *_subnet(site, addresses),
        *_shared_address(shared_with),
    ]
    if reasons:
        raise CannotBeAHotspot(reasons)
    return Found(version=resource.get("version", ""), ports=ports, uplink=uplink)


def _version(version: str) -> list[str]:
    numbers = numbers_of(version)
    if numbers is not None and numbers[:2] >= OLDEST:
        return []
    return [f"RouterOS {version or '(unknown)'} is too old: update it to 7.14 or later."]


def _hotspot_package(router: RouterOs) -> list[str]:
    try:
        router.read("/ip/hotspot")
    except NoSuchCommand:
        return ["HotSpot is missing on this router: install the package `hotspot` and reboot it."]
    return []


def _device_mode(router: RouterOs) -> list[str]:
    """RouterOS 7 can forbid HotSpot until somebody presses a button on the device."""
    try:
        mode = next(iter(router.read("/system/device-mode")), {})
    except NoSuchCommand:
        return []  # before 7.0: nothing is forbidden
    if mode.get("hotspot", "yes") == "yes":
        return []
    return [
        "Device mode forbids HotSpot: enter `/system/device-mode/update hotspot=yes` in the"
        " router's terminal and press its reset button (or cut its power) within five minutes."
    ]


def _ports(ports: Sequence[str], interfaces: Sequence[Row], uplink: str | None) -> list[str]:
    if not ports:
        return ["There is no port for guests: add one, or name it in the router's settings."]
    known = {one.get("name", "") for one in interfaces}
    reasons = [
        f"There is no interface {port}: choose from {', '.join(sorted(known))}."
        for port in ports
        if port not in known
    ]
    if uplink in ports:
        reasons.append(f"{uplink} leads to the internet: it cannot be a port for guests.")
    return reasons


def _subnet(site: Site, addresses: Sequence[Row]) -> list[str]:
    return [
        f"The guests' network {site.network} overlaps with {one['address']} on"
        f" {one.get('interface', 'another interface')}: choose another network."
        for one in addresses
        if "/" in one.get("address", "")
        and one.get("interface") != BRIDGE
        and IPv4Network(one["address"], strict=False).overlaps(site.subnet)
    ]


def _shared_address(other: str | None) -> list[str]:
    if other is None:
        return []
    return [
        f"{other} has the same address, so that RADIUS could not tell the two apart: set up"
        " tunnels (WIREGUARD_ENDPOINT) and paste the script again."
    ]
