"""The ports of one copy of the system, and whether they are free."""

import errno
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from hotspot.command.errors import Unable

Transport = Literal["tcp", "udp"]
IsFree = Callable[[int, Transport], bool]

DEFAULT_BASE = 8000
LOOPBACK = "127.0.0.1"

# What listens at the base plus this number.
OFFSETS = {
    "gateway": 0,
    "payment": 1,
    "provisioning": 2,
    "router": 3,
    "radius": 4,
    "notification": 5,
    "scheduler": 6,
    "rabbitmq": 20,
    "rabbitmq management": 21,
    "rabbitmq distribution": 22,
    "epmd": 23,
    "postgres": 30,
    "simulators": 100,
}


@dataclass(frozen=True, kw_only=True)
class WellKnown:
    """A port that the outside expects at a fixed number, moved by a variable of its own."""

    name: str
    variable: str
    default: int
    transport: Transport
    offset: int  # from the base, where a second copy on this machine cannot have the default


WELL_KNOWN = (
    WellKnown(
        name="radius authentication",
        variable="HOTSPOT_RADIUS_AUTH_PORT",
        default=1812,
        transport="udp",
        offset=812,
    ),
    WellKnown(
        name="radius accounting",
        variable="HOTSPOT_RADIUS_ACCT_PORT",
        default=1813,
        transport="udp",
        offset=813,
    ),
    WellKnown(
        name="radius CoA",
        variable="HOTSPOT_COA_PORT",
        default=3799,
        transport="udp",
        offset=814,
    ),
    WellKnown(
        name="RouterOS API",
        variable="HOTSPOT_ROUTEROS_PORT",
        default=8728,
        transport="tcp",
        offset=815,
    ),
)

# Where routers listen, and so do those who stand in for them.
OF_SIMULATORS = ("radius CoA", "RouterOS API")


class PortUnusable(Unable):
    """A port is taken or malformed; the text names it and the variable that moves it."""


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Every port by the name of what listens there."""

    base: int
    numbers: Mapping[str, int]
    moved: tuple[str, ...] = ()  # sentences on well-known ports that went elsewhere

    def __getitem__(self, name: str) -> int:
        return self.numbers[name]

    def url(self, name: str) -> str:
        """The HTTP address of what listens there."""
        return f"http://{LOOPBACK}:{self.numbers[name]}"


def plan(environ: Mapping[str, str], is_free: IsFree) -> Ports:
    """Say which port everything gets.

    Only a second copy (a base of its own) gives way where a well-known port is taken: the first
    one must be found where routers look for it. Raises PortUnusable for what is no port.
    """
    base = _number(environ, "HOTSPOT_PORT_BASE", DEFAULT_BASE, highest=64_000)
    numbers = {name: base + offset for name, offset in OFFSETS.items()}
    moved = []
    for port in WELL_KNOWN:
        number = _number(environ, port.variable, port.default)
        gives_way = not environ.get(port.variable) and base != DEFAULT_BASE
        if gives_way and not is_free(number, port.transport):
            moved.append(f"{port.name}: {base + port.offset}, because {number} is taken")
            number = base + port.offset
        numbers[port.name] = number
    return Ports(base=base, numbers=numbers, moved=tuple(moved))


def check(ports: Ports, used: list[str], is_free: IsFree) -> None:
    """Raise PortUnusable, naming the first of the used ports that somebody else has."""
    well_known = {port.name: port for port in WELL_KNOWN}
    for name in used:
        number = ports[name]
        rule = well_known.get(name)
        transport: Transport = rule.transport if rule else "tcp"
        if is_free(number, transport):
            continue
        if rule:
            advice = f"set {rule.variable} to another port"
        else:
            other = ports.base + 1000 if ports.base < 60_000 else DEFAULT_BASE
            advice = f"set HOTSPOT_PORT_BASE to another base, for example {other}"
        raise PortUnusable(
            f"Port {number}/{transport} ({name}) is in use by another program. "
            f"Stop it, or {advice}."
        )


def is_free(number: int, transport: Transport) -> bool:
    """Whether a server could listen there on the loopback address now."""
    kind = socket.SOCK_STREAM if transport == "tcp" else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as probe:
        if transport == "tcp":
            # Connections of the last run that still linger do not keep a server from starting.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, number))
            if transport == "tcp":
                probe.listen(1)
        except OSError as error:
            if error.errno == errno.EACCES:
                raise PortUnusable(
                    f"Port {number}/{transport} may not be opened by this user."
                ) from error
            return False
    return True


def _number(environ: Mapping[str, str], variable: str, default: int, highest: int = 65_535) -> int:
    given = environ.get(variable) or str(default)
    if not (given.isascii() and given.isdigit() and 1024 <= int(given) <= highest):
        raise PortUnusable(f"{variable}={given} is not a port from 1024 to {highest}")
    return int(given)
