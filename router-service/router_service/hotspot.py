"""A working hotspot, as a router shall be like: step by step, in the order in which it is made."""

from typing import Final

from router_service.firewall import firewall, no_names_for_the_internet
from router_service.plan import (
    DHCP,
    ON,
    POOL,
    PROFILE,
    RULE_PREFIX,
    SERVER,
    USER_PROFILE_PREFIX,
    Plan,
)
from router_service.script import MARK, RADIUS_TIMEOUT
from router_service.site import BRIDGE
from router_service.wanted import Item, Ours, Setting, Wanted

# A plain password by URL needs http-pap; without it the guest goes from paying to paying, and
# RADIUS is never asked. `mac` brings a device back that has time left; `cookie` survives a nap.
LOGIN_BY: Final = "mac,cookie,http-chap,http-pap"


def network(plan: Plan) -> list[Wanted]:
    """A bridge for guests with an address, and addresses and names for them."""
    site = plan.site
    return [
        Item(menu="/interface/bridge", key={"name": BRIDGE}, values={"comment": MARK, **ON}),
        *(
            Item(
                menu="/interface/bridge/port",
                key={"interface": port},
                values={"bridge": BRIDGE, **ON},
            )
            for port in plan.ports
        ),
        Ours(menu="/interface/bridge/port", name="interface", where={"bridge": BRIDGE}),
        Item(
            menu="/ip/address",
            key={"comment": f"{RULE_PREFIX}gateway"},
            values={
                "address": f"{site.gateway}/{site.subnet.prefixlen}",
                "interface": BRIDGE,
                **ON,
            },
        ),
        Item(menu="/ip/pool", key={"name": POOL}, values={"ranges": site.pool}),
        Item(
            menu="/ip/dhcp-server",
            key={"name": DHCP},
            values={"interface": BRIDGE, "address-pool": POOL, "lease-time": "1h", **ON},
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
        # Before the next setting, which would make a router without a firewall of its own a
        # resolver for the whole internet.
        *no_names_for_the_internet(plan),
        Setting(menu="/ip/dns", values={"allow-remote-requests": "yes"}),
    ]


def hotspot(plan: Plan) -> list[Wanted]:
    """The login page, the profile that asks RADIUS, and the server on the guests' bridge."""
    return [
        *plan.pages,
        Item(
            menu="/ip/hotspot/profile",
            key={"name": PROFILE},
            values={
                "hotspot-address": str(plan.site.gateway),
                "dns-name": plan.site.dns_name,
                "html-directory-override": plan.pages[0].folder,
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
                **ON,
            },
        ),
        Ours(menu="/file", name="name", prefix=plan.pages_prefix),
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
        "address": controller.radius_for(plan.tunnel_address),
        "authentication-port": str(controller.radius_auth_port),
        "accounting-port": str(controller.radius_acct_port),
        "timeout": RADIUS_TIMEOUT,
        **ON,
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


# In this order: each stands on the ones before it, and a router that stops half way still routes.
PARTS: Final = (
    ("network", network),
    ("hotspot", hotspot),
    ("profiles", user_profiles),
    ("radius", radius),
    ("firewall", firewall),
)
