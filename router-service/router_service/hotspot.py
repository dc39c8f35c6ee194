"""A working hotspot, as a router shall be like: step by step, in the order in which it is made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from router_service.config import Controller
from router_service.script import MARK, RADIUS_TIMEOUT
from router_service.site import Site
from router_service.wanted import Item, Ours, Page, Setting, Wanted

BRIDGE: Final = "hotspot-bridge"
POOL: Final = "hotspot-pool"
DHCP: Final = "hotspot-dhcp"
PROFILE: Final = "hotspot-profile"
SERVER: Final = "hotspot"
USER_PROFILE_PREFIX: Final = "hotspot-"
RULE_PREFIX: Final = "hotspot: "

# A plain password by URL needs http-pap; without it the guest goes from paying to paying, and
# RADIUS is never asked. `mac` brings a device back that has time left; `cookie` survives a nap.
LOGIN_BY: Final = "mac,cookie,http-chap,http-pap"
# M-Pesa's own app and help pages; the prompt itself needs no internet.
FREE_HOSTS: Final = ("*.safaricom.co.ke", "*.m-pesa.com")
NTP_SERVERS: Final = "0.africa.pool.ntp.org,1.africa.pool.ntp.org"


@dataclass(frozen=True, kw_only=True)
class Speed:
    """What a package's user profile is made of."""

    code: str
    up_kbps: int
    down_kbps: int
    devices: int


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All that decides what a router shall be like."""

    site: Site
    ports: tuple[str, ...]
    uplink: str | None
    packages: Sequence[Speed]
    controller: Controller
    radius_secret: str
    tunnel_address: str | None
    page: Page


def network(plan: Plan) -> list[Wanted]:
    """A bridge for guests with an address, and addresses and names for them."""
    site = plan.site
    return [
        Item(menu="/interface/bridge", key={"name": BRIDGE}, values={"comment": MARK}),
        *(
            Item(menu="/interface/bridge/port", key={"interface": port}, values={"bridge": BRIDGE})
            for port in plan.ports
        ),
        Item(
            menu="/ip/address",
            key={"comment": f"{RULE_PREFIX}gateway"},
            values={"address": f"{site.gateway}/{site.subnet.prefixlen}", "interface": BRIDGE},
        ),
        Item(menu="/ip/pool", key={"name": POOL}, values={"ranges": site.pool}),
        Item(
            menu="/ip/dhcp-server",
            key={"name": DHCP},
            values={
                "interface": BRIDGE,
                "address-pool": POOL,
                "lease-time": "1h",
                "disabled": "no",
            },
        ),
        Item(
            menu="/ip/dhcp-server/network",
            key={"comment": f"{RULE_PREFIX}guests"},
            values={
                "address": site.network,
                "gateway": str(site.gateway),
                "dns-server": str(site.gateway),
            },
        ),
        Setting(menu="/ip/dns", values={"allow-remote-requests": "yes"}),
    ]


def hotspot(plan: Plan) -> list[Wanted]:
    """The login page, the profile that asks RADIUS, and the server on the guests' bridge."""
    return [
        plan.page,
        Item(
            menu="/ip/hotspot/profile",
            key={"name": PROFILE},
            values={
                "hotspot-address": str(plan.site.gateway),
                "dns-name": plan.site.dns_name,
                "html-directory-override": plan.page.path.rpartition("/")[0],
                "login-by": LOGIN_BY,
                "http-cookie-lifetime": "1d",
                "mac-auth-mode": "mac-as-username",
                "use-radius": "yes",
                "radius-accounting": "yes",
                "radius-interim-update": "received",
                "nas-port-type": "wireless-802.11",
                "split-user-domain": "no",
            },
        ),
        Item(
            menu="/ip/hotspot",
            key={"name": SERVER},
            values={
                "interface": BRIDGE,
                "address-pool": POOL,
                "profile": PROFILE,
                "addresses-per-mac": "2",
                "disabled": "no",
            },
        ),
    ]


def user_profiles(plan: Plan) -> list[Wanted]:
    """A user profile for each package on sale; those of withdrawn packages go."""
    return [
        *(
            Item(
                menu="/ip/hotspot/user/profile",
                key={"name": f"{USER_PROFILE_PREFIX}{speed.code}"},
                values={
                    # As the router sees it: what it receives is the guest's upload.
                    "rate-limit": f"{speed.up_kbps}k/{speed.down_kbps}k",
                    "shared-users": str(speed.devices),
                },
            )
            for speed in plan.packages
        ),
        Ours(menu="/ip/hotspot/user/profile", name="name", prefix=USER_PROFILE_PREFIX),
    ]


def radius(plan: Plan) -> list[Wanted]:
    """Where logins are asked and told, and Disconnect-Requests on a port that is named."""
    controller = plan.controller
    values = {
        "service": "hotspot",
        "address": controller.radius_address,
        "authentication-port": str(controller.radius_auth_port),
        "accounting-port": str(controller.radius_acct_port),
        "timeout": RADIUS_TIMEOUT,
        "disabled": "no",
    }
    if plan.tunnel_address is not None:
        values["src-address"] = plan.tunnel_address
    return [
        Item(
            menu="/radius",
            key={"comment": MARK},
            values=values,
            secret={"secret": plan.radius_secret},
        ),
        Setting(
            menu="/radius/incoming", values={"accept": "yes", "port": str(controller.coa_port)}
        ),
    ]


def firewall(plan: Plan) -> list[Wanted]:
    """What guests reach before they paid, their way out, and the router's own doors closed."""
    return [
        *_walled_garden(plan),
        *_way_out(plan),
        *_own_doors(plan),
        *_no_fasttrack(),
        Setting(menu="/system/ntp/client", values={"enabled": "yes", "servers": NTP_SERVERS}),
    ]


def _walled_garden(plan: Plan) -> list[Wanted]:
    portal = urlsplit(plan.controller.portal_url)
    host = portal.hostname or ""
    port = str(portal.port or (443 if portal.scheme == "https" else 80))
    is_address = host.replace(".", "").isdigit()
    # TLS cannot be looked into: what is reached by it is let through by address and port.
    door = {"dst-address" if is_address else "dst-host": host, "dst-port": port}
    hosts = FREE_HOSTS if is_address else (host, *FREE_HOSTS)
    return [
        *(
            Item(
                menu="/ip/hotspot/walled-garden",
                key={"comment": f"{RULE_PREFIX}{name}"},
                values={"dst-host": name, "action": "allow"},
            )
            for name in hosts
        ),
        Ours(menu="/ip/hotspot/walled-garden", name="comment", prefix=RULE_PREFIX),
        Item(
            menu="/ip/hotspot/walled-garden/ip",
            key={"comment": f"{RULE_PREFIX}portal"},
            values={"action": "accept", "protocol": "tcp", **door},
        ),
    ]


def _way_out(plan: Plan) -> list[Wanted]:
    values = {"chain": "srcnat", "action": "masquerade", "src-address": plan.site.network}
    if plan.uplink:
        values["out-interface"] = plan.uplink
    return [Item(menu="/ip/firewall/nat", key={"comment": f"{RULE_PREFIX}way out"}, values=values)]


def _own_doors(plan: Plan) -> list[Wanted]:
    """Guests may ask the router for an address, names and the login page, and nothing else."""
    drop = {"chain": "input", "action": "drop"}
    rules: list[tuple[str, Mapping[str, str]]] = [
        ("guests' names", {"action": "accept", "protocol": "udp", "dst-port": "53,67"}),
        (
            "guests' login",
            {"action": "accept", "protocol": "tcp", "dst-port": "53,80,443,64872-64875"},
        ),
        ("guests' rest", {"action": "drop"}),
    ]
    wanted: list[Wanted] = [
        Item(
            menu="/ip/firewall/filter",
            key={"comment": f"{RULE_PREFIX}{name}"},
            values={"chain": "input", "in-interface": BRIDGE, **values},
            ahead_of=drop | ({"in-interface-list": "!LAN"}),
        )
        for name, values in rules
    ]
    if plan.uplink:
        # `allow-remote-requests` would make a bare router a resolver for the whole internet.
        wanted.append(
            Item(
                menu="/ip/firewall/filter",
                key={"comment": f"{RULE_PREFIX}no names for the internet"},
                values={
                    **drop,
                    "in-interface": plan.uplink,
                    "protocol": "udp",
                    "dst-port": "53",
                },
            )
        )
    return wanted


def _no_fasttrack() -> list[Wanted]:
    """FastTrack passes by the hotspot's queues and counters: guests' packets must not take it."""
    return [
        Item(
            menu="/ip/firewall/filter",
            key={"comment": f"{RULE_PREFIX}no FastTrack {way}"},
            values={
                "chain": "forward",
                "action": "accept",
                "connection-state": "established,related",
                way: BRIDGE,
            },
            ahead_of={"chain": "forward", "action": "fasttrack-connection"},
        )
        for way in ("in-interface", "out-interface")
    ]


# In this order: each stands on the ones before it, and a router that stops half way still routes.
PARTS: Final = (
    ("network", network),
    ("hotspot", hotspot),
    ("profiles", user_profiles),
    ("radius", radius),
    ("firewall", firewall),
)
