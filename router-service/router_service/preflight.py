"""What would keep a hotspot from working on a router, found before anything is changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

from router_service.plan import PROFILE, SERVER
from router_service.routeros import NoSuchCommand, RouterOs, Row
from router_service.script import MARK
from router_service.site import BRIDGE, Layout, Site, choose_ports, uplinks_of
from router_service.versions import numbers_of

OLDEST = (6, 49)
SEVEN = (7, 0)


class CannotBeAHotspot(Exception):
    """Why not, in sentences that a person can act on."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = tuple(reasons)


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a router is, as far as the hotspot depends on it.

    `ports`: those for guests. `disk`: where files outlive a reboot, as a prefix.
    """

    version: str
    ports: tuple[str, ...]
    uplinks: tuple[str, ...]
    disk: str

    @property
    def is_seven(self) -> bool:
        """Whether it runs RouterOS 7 or later."""
        numbers = numbers_of(self.version)
        return numbers is not None and numbers[:2] >= SEVEN


def look_at(router: RouterOs, site: Site, *, trouble: str | None = None) -> Found:
    """Look at a router. Raises CannotBeAHotspot with every reason at once.

    `trouble`: what is known to be wrong already.
    """
    version = next(iter(router.read("/system/resource")), {}).get("version", "")
    addresses = router.read("/ip/address")
    bridges = router.read("/interface/bridge")
    hotspots = _hotspots(router)
    layout = _layout(router, addresses=addresses, bridges=bridges, hotspots=hotspots or [])
    ports = site.ports or choose_ports(layout)
    reasons = [
        *_version(version),
        *_hotspot_package(hotspots),
        *_device_mode(router),
        *_names(bridges, hotspots or []),
        *_ports(ports, layout),
        *_subnet(site, addresses),
        *([trouble] if trouble else []),
        *_other_radius(router),
    ]
    if reasons:
        raise CannotBeAHotspot(reasons)
    return Found(version=version, ports=ports, uplinks=layout.uplinks, disk=_disk(router))


def _layout(
    router: RouterOs,
    *,
    addresses: Sequence[Row],
    bridges: Sequence[Row],
    hotspots: Sequence[Row],
) -> Layout:
    interfaces = router.read("/interface")
    clients = [one for one in router.read("/ip/dhcp-client") if one.get("disabled") != "yes"]
    uplinks = uplinks_of(interfaces, router.read("/ip/route"), addresses, clients)
    bridged = router.read("/interface/bridge/port")
    busy = {
        *uplinks,
        *(one.get("interface", "") for one in addresses if not _is_of_a_bridge(one, bridges)),
        *(one.get("interface", "") for one in hotspots),
        *(one.get("interface", "") for one in _read(router, "/interface/pppoe-client")),
        *(one.get("interface", "") for one in _read(router, "/interface/vlan")),
    }
    return Layout(
        interfaces=interfaces,
        members={one.get("interface", ""): one.get("bridge", "") for one in bridged},
        bridges={one.get("name", ""): one.get("comment", "") for one in bridges},
        uplinks=uplinks,
        in_use=frozenset(busy - {BRIDGE}),
    )


def _is_of_a_bridge(address: Row, bridges: Sequence[Row]) -> bool:
    """The LAN's bridge from the box has an address, and its ports may serve guests all the same."""
    return any(one.get("name") == address.get("interface") for one in bridges)


def _read(router: RouterOs, menu: str) -> list[Row]:
    """A menu that a router without a package does not have."""
    try:
        return router.read(menu)
    except NoSuchCommand:
        return []


def _hotspots(router: RouterOs) -> list[Row] | None:
    """The hotspots that are on the router already; None where it can have none."""
    try:
        return router.read("/ip/hotspot")
    except NoSuchCommand:
        return None


def _disk(router: RouterOs) -> str:
    """Routers with little flash keep other files in memory alone, until the next reboot."""
    files = router.read("/file", only=(".id", "name"), name="flash")
    return "flash/" if files else ""


def _version(version: str) -> list[str]:
    numbers = numbers_of(version)
    if numbers is not None and numbers[:2] >= OLDEST:
        return []
    return [f"RouterOS {version or '(unknown)'} is too old: update it to 7.14 or later."]


def _hotspot_package(hotspots: list[Row] | None) -> list[str]:
    if hotspots is None:
        return ["HotSpot is missing on this router: install the package `hotspot` and reboot it."]
    return []


def _device_mode(router: RouterOs) -> list[str]:
    """RouterOS 7 can forbid HotSpot until somebody presses a button on the device."""
    mode = next(iter(_read(router, "/system/device-mode")), {})
    if mode.get("hotspot", "yes") == "yes":
        return []
    return [
        "Device mode forbids HotSpot: enter `/system/device-mode/update hotspot=yes` in the"
        " router's terminal and press its reset button (or cut its power) within five minutes."
    ]


def _names(bridges: Sequence[Row], hotspots: Sequence[Row]) -> list[str]:
    """Items are found again by their names: somebody else's of the same name must not be taken."""
    return [
        *(
            f"There is a bridge {BRIDGE} without our comment: rename it, or give it the comment"
            f" {MARK} where it is ours."
            for one in bridges
            if one.get("name") == BRIDGE and one.get("comment") != MARK
        ),
        *(
            f"There is a hotspot named {SERVER} on {one.get('interface')} that is not ours:"
            " rename it."
            for one in hotspots
            if one.get("name") == SERVER
            and one.get("interface") != BRIDGE
            and one.get("profile") != PROFILE
        ),
    ]


def _ports(ports: Sequence[str], layout: Layout) -> list[str]:
    if not ports:
        return [
            "There is no port that is free for guests: name the ports in the router's settings."
        ]
    kinds = {one.get("name", ""): one.get("type", "") for one in layout.interfaces}
    reasons = []
    for port in ports:
        if port not in kinds:
            known = ", ".join(sorted(kinds))
            reasons.append(f"There is no interface {port}: choose from {known}.")
        elif port in layout.uplinks:
            reasons.append(f"{port} leads to the internet: it cannot be a port for guests.")
        elif kinds[port] == "bridge":
            reasons.append(f"{port} is a bridge: name its ports instead.")
        elif port in layout.in_use:
            reasons.append(
                f"{port} has a task of its own (an address, a hotspot, a PPPoE client or a VLAN):"
                " choose another port."
            )
    return reasons


def _subnet(site: Site, addresses: Sequence[Row]) -> list[str]:
    return [
        f"The guests' network {site.network} overlaps with {one['address']} on"
        f" {one.get('interface', 'another interface')}: choose another network."
        for one in addresses
        if "/" in one.get("address", "")
        and one.get("interface") != BRIDGE
        and one.get("disabled", "no") == "no"
        and IPv4Network(one["address"], strict=False).overlaps(site.subnet)
    ]


def _other_radius(router: RouterOs) -> list[str]:
    """The first RADIUS client for hotspots is asked, and its refusal is final."""
    for one in router.read("/radius"):
        if one.get("comment") == MARK:
            break
        if one.get("disabled", "no") == "no" and "hotspot" in one.get("service", "").split(","):
            return [
                f"Hotspot logins are asked at another RADIUS server ({one.get('address')}) first:"
                " disable it, or move it below ours in /radius."
            ]
    return []
