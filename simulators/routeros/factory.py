"""Routers as their factory leaves them."""

from typing import Final, Literal

from simulators.routeros.device import Device

Factory = Literal["hap", "bare"]

_SERVICES: Final = {
    "telnet": "23",
    "ftp": "21",
    "www": "80",
    "ssh": "22",
    "www-ssl": "443",
    "api": "8728",
    "winbox": "8291",
    "api-ssl": "8729",
}
_OFF: Final = ("www-ssl", "api-ssl", "api")
_FULL: Final = (
    "local,telnet,ssh,ftp,reboot,read,write,policy,test,winbox,password,web,sniff,sensitive,api,"
    "romon,rest-api"
)
_READ: Final = (
    "local,telnet,ssh,reboot,read,test,winbox,password,web,sniff,sensitive,api,romon,rest-api,"
    "!ftp,!write,!policy"
)


def from_factory(kind: Factory, *, version: str, admin_password: str = "") -> Device:
    """A router out of its box (a hAP with its default configuration), or a bare CHR."""
    device = Device(version=version, board="hAP ax^2" if kind == "hap" else "CHR")
    _system(device, admin_password)
    if kind == "hap":
        _home_ap(device)
    else:
        _ports(device, wired=2, radios=0)
        _add(device, "/ip/dhcp-client", interface="ether1")
    _uplink(device)
    return device


def _system(device: Device, admin_password: str) -> None:
    device.items.rows["/system/resource"] = [
        {
            "uptime": "3m12s",
            "version": device.version,
            "cpu-load": "4",
            "cpu-count": "4",
            "free-memory": "700000000",
            "total-memory": "1073741824",
            "board-name": device.board,
            "architecture-name": "arm64",
            "platform": "MikroTik",
        }
    ]
    if device.numbers >= (7, 0):
        device.items.rows["/system/device-mode"] = [
            {"mode": "advanced", "hotspot": "yes", "scheduler": "yes", "fetch": "yes"}
        ]
    device.items.rows["/system/package"] = [
        {".id": "*1", "name": "routeros", "version": device.version.split()[0], "disabled": "no"}
    ]
    for name, policy in (("read", _READ), ("write", _FULL), ("full", _FULL)):
        _add(device, "/user/group", name=name, policy=policy)
    _add(device, "/user", name="admin", group="full", password=admin_password)
    for name, port in _SERVICES.items():
        _add(device, "/ip/service", name=name, port=port, disabled="yes" if name in _OFF else "no")
    profiles = (("/ip/hotspot/profile", "default"), ("/ip/hotspot/user/profile", "default"))
    for menu, name in profiles:
        _add(device, menu, name=name, default="yes")
    for name in ("LAN", "WAN"):
        _add(device, "/interface/list", name=name)


def _ports(device: Device, *, wired: int, radios: int) -> None:
    rows = [(f"ether{number}", "ether") for number in range(1, wired + 1)]
    rows += [(f"wifi{number}", "wifi") for number in range(1, radios + 1)]
    device.items.rows["/interface"] = [
        {".id": f"*{number:X}", "name": name, "default-name": name, "type": kind, "running": "yes"}
        for number, (name, kind) in enumerate(rows, start=1)
    ]


def _home_ap(device: Device) -> None:
    """The default configuration of a home access point: LAN bridge, firewall, FastTrack."""
    _ports(device, wired=5, radios=2)
    _add(device, "/interface/bridge", name="bridge", comment="defconf")
    for port in ("ether2", "ether3", "ether4", "ether5", "wifi1", "wifi2"):
        _add(device, "/interface/bridge/port", interface=port, bridge="bridge", comment="defconf")
    for name, interface in (("LAN", "bridge"), ("WAN", "ether1")):
        _add(device, "/interface/list/member", list=name, interface=interface, comment="defconf")
    _add(device, "/ip/address", address="192.168.88.1/24", interface="bridge", comment="defconf")
    _add(device, "/ip/dhcp-client", interface="ether1", comment="defconf")
    _add(device, "/ip/pool", name="default-dhcp", ranges="192.168.88.10-192.168.88.254")
    _add(
        device,
        "/ip/dhcp-server",
        name="defconf",
        interface="bridge",
        **{"address-pool": "default-dhcp"},
    )
    _add(
        device,
        "/ip/dhcp-server/network",
        address="192.168.88.0/24",
        gateway="192.168.88.1",
        **{"dns-server": "192.168.88.1"},
    )
    device.items.of("/ip/dns")[0]["allow-remote-requests"] = "yes"
    _firewall(device)


def _firewall(device: Device) -> None:
    related = {"connection-state": "established,related,untracked"}
    rules: tuple[dict[str, str], ...] = (
        {"chain": "input", "action": "accept", **related},
        {"chain": "input", "action": "drop", "connection-state": "invalid"},
        {"chain": "input", "action": "accept", "protocol": "icmp"},
        {"chain": "input", "action": "drop", "in-interface-list": "!LAN"},
        {
            "chain": "forward",
            "action": "fasttrack-connection",
            "connection-state": "established,related",
        },
        {"chain": "forward", "action": "accept", **related},
        {"chain": "forward", "action": "drop", "connection-state": "invalid"},
        {
            "chain": "forward",
            "action": "drop",
            "connection-state": "new",
            "connection-nat-state": "!dstnat",
            "in-interface-list": "WAN",
        },
    )
    counters = {"chain": "forward", "action": "passthrough", "dynamic": "yes"}
    _add(
        device,
        "/ip/firewall/filter",
        comment="special dummy rule to show fasttrack counters",
        **counters,
    )
    for rule in rules:
        _add(device, "/ip/firewall/filter", comment="defconf", **rule)
    nat = {"out-interface-list": "WAN", "ipsec-policy": "out,none"}
    _add(device, "/ip/firewall/nat", chain="srcnat", action="masquerade", comment="defconf", **nat)


def _uplink(device: Device) -> None:
    """What its DHCP client got from the provider's line."""
    device.items.rows["/ip/route"] = [
        {
            ".id": "*1",
            "dst-address": "0.0.0.0/0",
            "gateway": "100.64.0.1",
            "immediate-gw": "100.64.0.1%ether1",
            "active": "yes",
            "dynamic": "yes",
        }
    ]
    _add(device, "/ip/address", address="100.64.0.77/10", interface="ether1", dynamic="yes")


def _add(device: Device, menu: str, **values: str) -> None:
    device.items.add(menu, values)
