"""Who may reach what: guests before they paid and after, and the router's own doors."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from router_service.plan import ON, RULE_PREFIX, SERVER, Plan
from router_service.site import BRIDGE
from router_service.wanted import Item, Ours, Setting, Wanted

# M-Pesa's own app and help pages; the prompt itself needs no internet.
FREE_HOSTS: Final = ("*.safaricom.co.ke", "*.m-pesa.com")
NTP_SERVERS: Final = "0.africa.pool.ntp.org,1.africa.pool.ntp.org"


def firewall(plan: Plan) -> list[Wanted]:
    """What guests reach before they paid, their way out, and the router's own doors closed."""
    # Certificates and schedules need the time; an operator's own servers stay.
    ntp = Setting(
        menu="/system/ntp/client",
        values={"enabled": "yes"},
        where_empty={"servers": NTP_SERVERS},
    )
    return [
        *_walled_garden(plan),
        *_way_out(plan),
        *_own_doors(),
        *_no_fasttrack(),
        *([ntp] if plan.has_ntp_servers else []),
    ]


def _walled_garden(plan: Plan) -> list[Wanted]:
    portal = urlsplit(plan.controller.portal_url)
    host = portal.hostname or ""
    port = str(portal.port or (443 if portal.scheme == "https" else 80))
    is_address = host.replace(".", "").isdigit()
    # TLS cannot be looked into: what is reached by it is let through by address and port.
    door = {"dst-address" if is_address else "dst-host": host, "dst-port": port}
    hosts = FREE_HOSTS if is_address else (host, *FREE_HOSTS)
    garden, garden_ip = "/ip/hotspot/walled-garden", "/ip/hotspot/walled-garden/ip"
    return [
        *(
            Item(
                menu=garden,
                key={"comment": f"{RULE_PREFIX}{name}"},
                values={"server": SERVER, "dst-host": name, "action": "allow", **ON},
            )
            for name in hosts
        ),
        Ours(menu=garden, name="comment", prefix=RULE_PREFIX),
        Item(
            menu=garden_ip,
            key={"comment": f"{RULE_PREFIX}portal {host}"},
            values={"server": SERVER, "action": "accept", "protocol": "tcp", **door, **ON},
        ),
        Ours(menu=garden_ip, name="comment", prefix=RULE_PREFIX),
    ]


def _way_out(plan: Plan) -> list[Wanted]:
    """Whichever way it is: a router with two lines may use the other one tomorrow."""
    values = {"chain": "srcnat", "action": "masquerade", "src-address": plan.site.network, **ON}
    return [Item(menu="/ip/firewall/nat", key={"comment": f"{RULE_PREFIX}way out"}, values=values)]


def _own_doors() -> list[Wanted]:
    """Guests may ask the router for an address, names and the login page, and nothing else."""
    rules: list[tuple[str, Mapping[str, str]]] = [
        ("guests' names", {"action": "accept", "protocol": "udp", "dst-port": "53,67"}),
        (
            "guests' login",
            {"action": "accept", "protocol": "tcp", "dst-port": "53,80,443,64872-64875"},
        ),
        ("guests' rest", {"action": "drop"}),
    ]
    return [
        Item(
            menu="/ip/firewall/filter",
            key={"comment": f"{RULE_PREFIX}{name}"},
            values={"chain": "input", "in-interface": BRIDGE, **values, **ON},
            ahead_of={"chain": "input", "action": "drop"},
        )
        for name, values in rules
    ]


def no_names_for_the_internet(plan: Plan) -> list[Wanted]:
    """A router that answers its guests must not answer everybody."""
    prefix = f"{RULE_PREFIX}no names "
    return [
        *(
            Item(
                menu="/ip/firewall/filter",
                key={"comment": f"{prefix}{uplink} {protocol}"},
                values={
                    "chain": "input",
                    "action": "drop",
                    "in-interface": uplink,
                    "protocol": protocol,
                    "dst-port": "53",
                    **ON,
                },
            )
            for uplink in plan.uplinks
            for protocol in ("udp", "tcp")
        ),
        Ours(menu="/ip/firewall/filter", name="comment", prefix=prefix),
    ]


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
                **ON,
            },
            ahead_of={"chain": "forward", "action": "fasttrack-connection"},
        )
        for way in ("in-interface", "out-interface")
    ]
