"""One router's RouterOS: what a command does, whichever way it came (API, terminal, script)."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from simulators.routeros import console
from simulators.routeros.items import Items
from simulators.routeros.menus import rules_of
from simulators.routeros.queries import matches
from simulators.routeros.refusals import failure, no_such_command, no_such_item, unknown_parameter

Row = dict[str, str]
Arguments = Mapping[str, str]


class HotspotGuests(Protocol):
    """Who is on the router's hotspot, as its menus tell it."""

    def rows(self, menu: str) -> list[Row]:
        """The items of `/ip/hotspot/active`, `host` or `cookie`."""

    def remove(self, menu: str, item: str) -> bool:
        """Send off, or forget; False where it was gone."""


class NoGuests:
    """A hotspot that nobody is on."""

    def rows(self, _menu: str) -> list[Row]:
        """Nobody."""
        return []

    def remove(self, _menu: str, _item: str) -> bool:
        """Nobody to send off."""
        return False


GUEST_MENUS = ("/ip/hotspot/active", "/ip/hotspot/host", "/ip/hotspot/cookie")
# What a router reports and nobody can write.
READ_ONLY = ("/interface", "/interface/ethernet", "/ip/route", "/system/package", "/log", "/ip/arp")


@dataclass
class Device:
    """A router's system. `version` as `/system/resource` tells it; `has_hotspot`: its package.

    `specials`: commands beside those that every menu has, by menu and command.
    """

    version: str = "7.16.2 (stable)"
    board: str = "hAP ax^2"
    has_hotspot: bool = True
    allows_hotspot: bool = True
    items: Items = field(default_factory=Items)
    guests: HotspotGuests = field(default_factory=NoGuests)
    specials: "dict[tuple[str, str], Special]" = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def numbers(self) -> tuple[int, int]:
        """The version, to be compared."""
        major, _, rest = self.version.partition(".")
        minor = "".join(letter for letter in rest.partition(".")[0] if letter.isdigit())
        return int(major), int(minor[:2] or 0)

    def forbid_hotspot(self) -> None:
        """As device-mode `home` does."""
        self.allows_hotspot = False
        for row in self.items.of("/system/device-mode"):
            row["hotspot"] = "no"

    def run(
        self, menu: str, command: str, arguments: Arguments, queries: Sequence[str] = ()
    ) -> list[Row]:
        """Do a command; answers rows, or a row with `ret`. Raises Refused."""
        with self.lock:
            self.check(menu, command, arguments)
            special = self.specials.get((menu, command))
            if special is not None:
                return special(self, arguments)
            return self._usual(menu, command, arguments, queries)

    def read(self, menu: str) -> list[Row]:
        """The items of a menu, as `print` shows them."""
        if menu in GUEST_MENUS:
            return self.guests.rows(menu)
        if menu == "/interface":
            return self._interfaces()
        return [dict(row) for row in self.items.of(menu)]

    def _usual(
        self, menu: str, command: str, arguments: Arguments, queries: Sequence[str]
    ) -> list[Row]:
        match command:
            case "print" | "getall":
                rows = [row for row in self.read(menu) if matches(row, queries)]
                if "count-only" in arguments:
                    return [{"ret": str(len(rows))}]
                return [_listed(row, arguments.get(".proplist", "")) for row in rows]
            case "add":
                self._writable(menu)
                values = _values(arguments)
                before = arguments.get("place-before")
                return [{"ret": self.items.add(menu, values, before=before)}]
            case "set":
                self._set(menu, arguments, _values(arguments))
            case "unset":
                self._set(menu, arguments, {arguments.get("value-name", ""): ""})
            case "enable" | "disable":
                self._set(menu, arguments, {"disabled": "yes" if command == "disable" else "no"})
            case "remove":
                self._remove(menu, _numbers(arguments))
            case "move":
                self._move(menu, arguments)
            case _:
                raise no_such_command(menu_is_known=True)
        return []

    def _set(self, menu: str, arguments: Arguments, values: Arguments) -> None:
        self._writable(menu)
        if rules_of(menu).settings is not None:
            self.items.set(menu, self.items.of(menu)[0], values)
            return
        for item in list(self.items.chosen(menu, _numbers(arguments))):
            self.items.set(menu, item, values)

    def _remove(self, menu: str, numbers: str) -> None:
        if menu in GUEST_MENUS:
            for number in numbers.split(","):
                if not self.guests.remove(menu, number):
                    raise no_such_item()
            return
        self._writable(menu)
        for item in list(self.items.chosen(menu, numbers)):
            self.items.remove(menu, item)

    def _move(self, menu: str, arguments: Arguments) -> None:
        target = arguments.get("destination", "")
        before = self.items.find(menu, target) if target else None
        for item in list(self.items.chosen(menu, _numbers(arguments))):
            self.items.move(menu, item, before)

    def check(self, menu: str, command: str, arguments: Arguments) -> None:
        """What this console does not know, by its version and its packages."""
        if menu.startswith("/ip/hotspot") and not self.has_hotspot:
            raise no_such_command(menu_is_known=False)
        if menu.startswith(("/interface/wireguard", "/system/device-mode")) and self.numbers < (
            7,
            0,
        ):
            raise no_such_command(menu_is_known=False)
        console.check(menu, command, set(arguments))
        if "require-message-auth" in arguments and self.numbers < (7, 15):
            raise unknown_parameter("require-message-auth")

    def _writable(self, menu: str) -> None:
        if menu in READ_ONLY or menu in GUEST_MENUS:
            raise no_such_command(menu_is_known=True)
        if menu.startswith("/ip/hotspot") and not self.allows_hotspot:
            raise failure("not allowed by device-mode")

    def _interfaces(self) -> list[Row]:
        rows = [dict(row) for row in self.items.of("/interface")]
        for menu, kind in (("/interface/bridge", "bridge"), ("/interface/wireguard", "wg")):
            rows += [
                {".id": f"{row['.id']}{kind[0]}", "name": row["name"], "type": kind}
                for row in self.items.of(menu)
            ]
        return rows


Special = Callable[[Device, Arguments], list[Row]]


def _values(arguments: Arguments) -> Row:
    control = (".id", "numbers", "place-before", ".proplist", "copy-from")
    return {name: value for name, value in arguments.items() if name not in control}


def _numbers(arguments: Arguments) -> str:
    numbers = arguments.get(".id") or arguments.get("numbers", "")
    if not numbers:
        raise no_such_item()
    return numbers


def _listed(row: Row, proplist: str) -> Row:
    wanted = [name for name in proplist.split(",") if name]
    return {name: row[name] for name in wanted if name in row} if wanted else row
