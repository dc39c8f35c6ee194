"""The menus that are modelled, each with its rules; any other takes items as they come."""

import ipaddress
import re
from typing import Final

from simulators.routeros.rules import INTERFACES, Check, Row, Rules

DURATION: Final = re.compile(
    r"(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?|(\d+w)?(\d+d)?\d+:\d\d:\d\d|\d+|none|received"
)


def rules_of(menu: str) -> Rules:
    """The rules of a menu."""
    return RULES.get(menu, _FREE)


def _address(text: str) -> bool:
    try:
        ipaddress.IPv4Interface(text)
    except ValueError:
        return False
    return True


def _range(text: str) -> bool:
    parts = [end for one in text.split(",") for end in one.split("-")]
    return all(_address(part) for part in parts)


def _duration(text: str) -> bool:
    return bool(text) and DURATION.fullmatch(text) is not None


def _truth(text: str) -> bool:
    return text in ("yes", "no")


def _port(text: str) -> bool:
    return text.isdigit() and 0 < int(text) < 65536


def _ports(text: str) -> bool:
    return all(_port(end) for one in text.removeprefix("!").split(",") for end in one.split("-"))


def _among(*allowed: str) -> Check:
    return lambda text: text in allowed


def _list_of(*allowed: str) -> Check:
    return lambda text: all(one in allowed for one in text.split(","))


def _network_of(item: Row, _rows: object) -> dict[str, str]:
    interface = ipaddress.IPv4Interface(item["address"])
    return {
        "address": str(interface),
        "network": str(interface.network.network_address),
        "actual-interface": item.get("interface", ""),
    }


def _bridge(item: Row, _rows: object) -> dict[str, str]:
    return {"type": "bridge", "running": "yes", "mtu": item.get("mtu", "auto")}


_FREE: Final = Rules()
_POLICIES: Final = [
    "local",
    "telnet",
    "ssh",
    "ftp",
    "reboot",
    "read",
    "write",
    "policy",
    "test",
    "winbox",
    "password",
    "web",
    "sniff",
    "sensitive",
    "api",
    "romon",
    "rest-api",
]
_LOGIN_BY: Final = ("mac", "cookie", "http-chap", "https", "http-pap", "trial", "mac-cookie")
_NAME_TAKEN: Final = ((("name",), "already have item with this name"),)
_RULE: Final = Rules(
    defaults={"disabled": "no", "dynamic": "no", "invalid": "no", "bytes": "0", "packets": "0"},
    references={"in-interface": INTERFACES, "out-interface": INTERFACES},
    values={"dst-port": _ports, "src-address": _range, "dst-address": _range, "disabled": _truth},
    needed=("chain",),
)

RULES: Final[dict[str, Rules]] = {
    "/interface/bridge": Rules(
        defaults={"disabled": "no", "protocol-mode": "rstp"},
        unique=((("name",), "already have interface with such name"),),
        needed=("name",),
        needed_by=(
            ("/interface/bridge/port", "bridge"),
            ("/ip/dhcp-server", "interface"),
            ("/ip/hotspot", "interface"),
        ),
        derive=_bridge,
    ),
    "/interface/bridge/port": Rules(
        defaults={"disabled": "no", "dynamic": "no", "pvid": "1"},
        references={"interface": INTERFACES, "bridge": ("/interface/bridge",)},
        unique=((("interface",), "device already added as bridge port"),),
        needed=("interface", "bridge"),
    ),
    "/interface/list": Rules(unique=_NAME_TAKEN, needed=("name",)),
    "/interface/list/member": Rules(
        references={"interface": INTERFACES, "list": ("/interface/list",)},
        unique=((("interface", "list"), "already have such interface in list"),),
    ),
    "/interface/wireguard": Rules(
        defaults={"mtu": "1420", "listen-port": "13231", "disabled": "no", "running": "yes"},
        needed_by=(("/interface/wireguard/peers", "interface"),),
        unique=((("name",), "already have interface with such name"),),
        needed=("name",),
    ),
    "/interface/wireguard/peers": Rules(
        defaults={"disabled": "no", "dynamic": "no"},
        references={"interface": ("/interface/wireguard",)},
        values={
            "endpoint-port": _port,
            "allowed-address": _range,
            "persistent-keepalive": _duration,
        },
        needed=("interface", "public-key"),
    ),
    "/ip/address": Rules(
        defaults={"disabled": "no", "dynamic": "no", "invalid": "no"},
        references={"interface": INTERFACES},
        values={"address": _address},
        unique=((("address", "interface"), "already have such address"),),
        needed=("address", "interface"),
        derive=_network_of,
    ),
    "/ip/pool": Rules(
        unique=((("name",), "pool with such name exists"),),
        references={"next-pool": ("/ip/pool",)},
        values={"ranges": _range},
        needed=("name", "ranges"),
        needed_by=(("/ip/dhcp-server", "address-pool"), ("/ip/hotspot", "address-pool")),
    ),
    "/ip/dhcp-server": Rules(
        defaults={"disabled": "no", "lease-time": "30m", "address-pool": "static-only"},
        references={"interface": INTERFACES},
        values={"lease-time": _duration, "disabled": _truth},
        unique=(
            (("name",), "already have dhcp server with such name"),
            (("interface",), "already have dhcp server on this interface"),
        ),
        needed=("name", "interface"),
    ),
    "/ip/dhcp-server/network": Rules(
        defaults={"dynamic": "no"},
        values={"address": _address, "gateway": _range, "dns-server": _range},
        unique=((("address",), "already have such network"),),
        needed=("address",),
    ),
    "/ip/dhcp-client": Rules(
        defaults={"disabled": "no", "add-default-route": "yes", "use-peer-dns": "yes"},
        references={"interface": INTERFACES},
        unique=((("interface",), "dhcp-client on that interface already exists"),),
    ),
    "/ip/dns": Rules(
        settings={"servers": "", "allow-remote-requests": "no", "cache-size": "2048"},
        values={"allow-remote-requests": _truth},
    ),
    "/ip/hotspot/profile": Rules(
        defaults={
            "hotspot-address": "0.0.0.0",  # noqa: S104  # RouterOS's default, not a bind
            "dns-name": "",
            "html-directory": "hotspot",
            "html-directory-override": "",
            "rate-limit": "",
            "http-proxy": "0.0.0.0:0",
            "smtp-server": "0.0.0.0",  # noqa: S104
            "login-by": "cookie,http-chap",
            "http-cookie-lifetime": "3d",
            "split-user-domain": "no",
            "use-radius": "no",
            "default": "no",
        },
        values={
            "login-by": _list_of(*_LOGIN_BY),
            "use-radius": _truth,
            "radius-accounting": _truth,
            "radius-interim-update": _duration,
            "mac-auth-mode": _among("mac-as-username", "mac-as-username-and-password"),
            "nas-port-type": _among("cable", "ethernet", "wireless-802.11"),
            "hotspot-address": _address,
            "http-cookie-lifetime": _duration,
            "split-user-domain": _truth,
        },
        unique=((("name",), "already have profile with the same name"),),
        needed_by=(("/ip/hotspot", "profile"),),
        needed=("name",),
    ),
    "/ip/hotspot": Rules(
        defaults={
            "address-pool": "none",
            "profile": "default",
            "idle-timeout": "5m",
            "keepalive-timeout": "none",
            "login-timeout": "none",
            "addresses-per-mac": "2",
            "disabled": "yes",
            "invalid": "no",
            "HTTPS": "no",
        },
        references={
            "interface": INTERFACES,
            "profile": ("/ip/hotspot/profile",),
            "address-pool": ("/ip/pool",),
        },
        values={"disabled": _truth},
        unique=(
            (("name",), "already have server with such name"),
            (("interface",), "already have hotspot on this interface"),
        ),
        needed=("name", "interface"),
    ),
    "/ip/hotspot/user/profile": Rules(
        defaults={
            "idle-timeout": "none",
            "keepalive-timeout": "2m",
            "status-autorefresh": "1m",
            "shared-users": "1",
            "add-mac-cookie": "yes",
            "mac-cookie-timeout": "3d",
            "address-list": "",
            "transparent-proxy": "no",
            "default": "no",
        },
        values={"shared-users": lambda text: text.isdigit() or text == "unlimited"},
        unique=((("name",), "already have user profile with this name"),),
        needed=("name",),
    ),
    "/ip/hotspot/user": Rules(
        defaults={"profile": "default", "disabled": "no", "dynamic": "no", "server": "all"},
        references={"profile": ("/ip/hotspot/user/profile",), "server": ("/ip/hotspot",)},
        unique=((("name", "server"), "already have user with this name for this server"),),
        needed=("name",),
    ),
    "/ip/hotspot/walled-garden": Rules(
        defaults={"action": "allow", "disabled": "no", "dynamic": "no", "hits": "0"},
        values={"action": _among("allow", "deny"), "dst-port": _ports},
        references={"server": ("/ip/hotspot",)},
    ),
    "/ip/hotspot/walled-garden/ip": Rules(
        defaults={"action": "accept", "disabled": "no", "dynamic": "no", "invalid": "no"},
        values={"action": _among("accept", "drop", "reject"), "dst-port": _ports},
        references={"server": ("/ip/hotspot",)},
    ),
    "/ip/hotspot/ip-binding": Rules(
        defaults={"type": "regular", "disabled": "no"},
        values={"type": _among("blocked", "bypassed", "regular")},
    ),
    "/ip/firewall/filter": _RULE,
    "/ip/firewall/nat": _RULE,
    "/ip/firewall/mangle": _RULE,
    "/ip/firewall/raw": _RULE,
    "/ip/service": Rules(
        defaults={"disabled": "no", "address": "", "vrf": "main"},
        values={"port": _port, "disabled": _truth},
        references={"certificate": ("/certificate",)},
    ),
    "/radius": Rules(
        defaults={
            "authentication-port": "1812",
            "accounting-port": "1813",
            "timeout": "300ms",
            "disabled": "no",
            "accounting-backup": "no",
            "protocol": "udp",
        },
        values={
            "authentication-port": _port,
            "accounting-port": _port,
            "address": _address,
            "src-address": _address,
            "require-message-auth": _among("no", "yes-for-request-resp"),
            "protocol": _among("udp", "radsec"),
        },
        needed=("address",),
    ),
    "/radius/incoming": Rules(
        settings={"accept": "no", "port": "3799", "vrf": "main"},
        values={"accept": _truth, "port": _port},
    ),
    "/system/identity": Rules(settings={"name": "MikroTik"}),
    "/system/clock": Rules(settings={"time-zone-name": "manual", "time-zone-autodetect": "yes"}),
    "/system/note": Rules(settings={"show-at-login": "yes", "note": ""}),
    "/system/ntp/client": Rules(
        settings={"enabled": "no", "mode": "unicast", "servers": "", "status": "stopped"},
        values={"enabled": _truth},
    ),
    "/system/resource": Rules(settings={}),
    "/system/device-mode": Rules(settings={}),
    "/system/health": Rules(),
    "/ip/cloud": Rules(settings={"ddns-enabled": "auto"}),
    "/ip/settings": Rules(settings={"ip-forward": "yes"}),
    "/user/group": Rules(
        values={"policy": _list_of(*_POLICIES, *(f"!{one}" for one in _POLICIES))},
        unique=((("name",), "group with the same name already exists"),),
        needed=("name",),
        keeps=frozenset({"read", "write", "full"}),
        needed_by=(("/user", "group"),),
    ),
    "/user": Rules(
        defaults={"disabled": "no", "address": ""},
        references={"group": ("/user/group",)},
        values={"address": lambda text: not text or _range(text)},
        unique=((("name",), "user with the same name already exists"),),
        needed=("name", "group"),
    ),
    "/certificate": Rules(unique=_NAME_TAKEN, needed=("name",)),
    "/system/script": Rules(unique=_NAME_TAKEN),
    "/system/scheduler": Rules(unique=_NAME_TAKEN),
    "/file": Rules(unique=((("name",), "file with the same name already exists"),)),
}
