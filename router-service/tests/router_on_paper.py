"""A router on paper: menus with items, for tests of what is said to a router."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from router_service.routeros import (
    Address,
    NoSuchCommand,
    NoSuchItem,
    RouterOs,
    RouterUnreachable,
    Row,
)

SETTINGS = ("/ip/dns", "/radius/incoming", "/system/ntp/client", "/system/resource")


@dataclass
class PaperRouter:
    """A RouterOs. `fails` is raised instead of letting anyone in.

    `breaks_after`: how many more words it listens to before the connection breaks. `said`: every
    menu, command and argument that was said to it.
    """

    menus: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    text: str = "# by RouterOS 7.16\n/ip address\nadd address=10.5.50.1/24\n"
    fails: Exception | None = None
    breaks_after: int | None = None
    asked_as: Address | None = None
    changed: int = 0
    said: set[tuple[str, str, str]] = field(default_factory=set)

    @contextmanager
    def connect(self, address: Address) -> Iterator[RouterOs]:
        """Log in."""
        self.asked_as = address
        if self.fails:
            raise self.fails
        yield self

    def read(self, menu: str, /, *, only: Sequence[str] = (), **where: str) -> list[Row]:
        """Its items."""
        self._hear(menu, "print", ())
        return [
            {name: value for name, value in item.items() if not only or name in only}
            for item in self.menus.get(menu, [])
            if all(item.get(name) == value for name, value in where.items())
        ]

    def add(self, menu: str, /, **values: str) -> str:
        """One more item."""
        self._hear(menu, "add", values)
        self.changed += 1
        items = self.menus.setdefault(menu, [])
        number = 1 + max((int(item[".id"][1:], 16) for item in items), default=0)
        item = {".id": f"*{number:X}", **_spelt(values)}
        before = item.pop("place-before", None)
        items.insert(items.index(self._item(menu, before)) if before else len(items), item)
        return item[".id"]

    def set(self, menu: str, item: str | None, /, **values: str) -> None:
        """Change an item, or the settings of a menu."""
        self._hear(menu, "set", values)
        self.changed += 1
        if item is None:
            rows = self.menus.setdefault(menu, [{}])
            rows[0].update(_spelt(values))
        else:
            self._item(menu, item).update(_spelt(values))

    def remove(self, menu: str, item: str, /) -> None:
        """Remove an item."""
        self._hear(menu, "remove", ())
        self.changed += 1
        self.menus[menu].remove(self._item(menu, item))

    def call(self, menu: str, command: str, /, **values: str) -> list[Row]:
        """Move an item, or fetch a file."""
        self._hear(menu, command, values)
        self.changed += 1
        if command == "move":
            items = self.menus[menu]
            item = self._item(menu, values["numbers"])
            items.remove(item)
            items.insert(items.index(self._item(menu, values["destination"])), item)
        if command == "fetch":
            files = self.menus.setdefault("/file", [])
            files[:] = [file for file in files if file["name"] != values["dst-path"]]
            files.append({".id": f"*{self.changed:X}", "name": values["dst-path"]})
        return []

    def export(self) -> str:
        """The configuration."""
        return self.text

    def _hear(self, menu: str, command: str, arguments: "dict[str, str] | tuple[()]") -> None:
        if self.breaks_after is not None:
            if self.breaks_after == 0:
                raise RouterUnreachable("the connection broke")
            self.breaks_after -= 1
        if menu in self.missing:
            raise NoSuchCommand("no such command prefix")
        for name in _spelt(dict(arguments)) or {"": ""}:
            self.said.add((menu, command, name))

    def _item(self, menu: str, item: str | None) -> dict[str, str]:
        for one in self.menus.get(menu, []):
            if one[".id"] == item:
                return one
        raise NoSuchItem("no such item")


def _spelt(values: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in values.items()}


def from_the_box() -> PaperRouter:
    """A router with five ports and a radio, as its factory left it."""
    names = ("ether1", "ether2", "ether3", "ether4", "ether5")
    lan = (*names[1:], "wlan1")
    forward = {"chain": "forward", "comment": "defconf: fasttrack"}
    return PaperRouter(
        menus={
            "/system/resource": [{"version": "7.16.2 (stable)"}],
            "/interface": [
                *({".id": f"*{n}", "name": name, "type": "ether"} for n, name in enumerate(names)),
                {".id": "*A", "name": "wlan1", "type": "wlan"},
                {".id": "*B", "name": "bridge", "type": "bridge"},
            ],
            "/interface/bridge": [{".id": "*1", "name": "bridge", "comment": "defconf"}],
            "/interface/bridge/port": [
                {".id": f"*{n}", "interface": name, "bridge": "bridge"}
                for n, name in enumerate(lan)
            ],
            "/ip/address": [{".id": "*1", "address": "192.168.88.1/24", "interface": "bridge"}],
            "/ip/dhcp-client": [{".id": "*1", "interface": "ether1", "disabled": "no"}],
            "/ip/dns": [{"allow-remote-requests": "yes"}],
            "/system/ntp/client": [{"enabled": "no", "servers": ""}],
            "/radius/incoming": [{"accept": "no", "port": "3799"}],
            "/ip/firewall/filter": [
                {
                    ".id": "*1",
                    "chain": "input",
                    "action": "drop",
                    "in-interface-list": "!LAN",
                    "comment": "defconf: drop all not coming from LAN",
                },
                {".id": "*2", "action": "fasttrack-connection", **forward},
            ],
            "/ip/hotspot/profile": [{".id": "*1", "name": "default"}],
            "/ip/hotspot/user/profile": [{".id": "*1", "name": "default"}],
        }
    )
