"""The items of a router's menus: added, changed, moved and removed by RouterOS's own rules."""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from simulators.routeros.menus import rules_of
from simulators.routeros.refusals import failure, no_such_item

Values = Mapping[str, str]
TRUTH = {"true": "yes", "false": "no"}


@dataclass
class Items:
    """The configuration of one router, menu by menu. Everything here survives a reboot.

    A menu of settings has one row without an id.
    """

    rows: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    _numbers: dict[str, int] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def of(self, menu: str) -> list[dict[str, str]]:
        """The rows of a menu, in their order."""
        rules = rules_of(menu)
        if rules.settings is not None:
            return self.rows.setdefault(menu, [dict(rules.settings)])
        return self.rows.setdefault(menu, [])

    def add(self, menu: str, values: Values, *, before: str | None = None) -> str:
        """A new item; answers its id. Raises Refused."""
        with self.lock:
            rules = rules_of(menu)
            item = {**rules.defaults, **_told(values)}
            rules.check(item, self, others=self.of(menu), menu=menu)
            number = self._numbers.get(menu, 0) + 1
            self._numbers[menu] = number
            item = {".id": f"*{number:X}", **rules.derived(item, self)}
            rows = self.of(menu)
            place = len(rows) if before is None else rows.index(self._place(menu, before))
            rows.insert(place, item)
            return item[".id"]

    def set(self, menu: str, item: dict[str, str], values: Values) -> None:
        """Change an item or settings. Raises Refused."""
        with self.lock:
            rules = rules_of(menu)
            if item.get("dynamic") == "yes":
                raise failure("can not change dynamic object")
            changed = {**item, **_told(values)}
            rules.check(
                changed, self, others=[o for o in self.of(menu) if o is not item], menu=menu
            )
            old = item.get("name")
            item.update({**changed, **rules.derived(changed, self)})
            if old and item.get("name") != old:
                self._rename(menu, old, item["name"])

    def remove(self, menu: str, item: dict[str, str]) -> None:
        """Remove an item. Raises Refused."""
        with self.lock:
            rules_of(menu).check_removal(item, self)
            self.of(menu).remove(item)

    def move(self, menu: str, item: dict[str, str], before: dict[str, str] | None) -> None:
        """Put an item in front of another one, or at the end."""
        with self.lock:
            rows = self.of(menu)
            if item is before:
                return
            rows.remove(item)
            rows.insert(rows.index(before) if before else len(rows), item)

    def _place(self, menu: str, before: str) -> dict[str, str]:
        target = self.find(menu, before)
        if target.get("dynamic") == "yes":
            raise failure("can not place before a dynamic object")
        return target

    def find(self, menu: str, number: str) -> dict[str, str]:
        """The item with an id, a name or a position. Raises Refused."""
        rows = self.of(menu)
        for row in rows:
            if number == row.get(".id") or (number and number == row.get("name")):
                return row
        if number.isdigit() and int(number) < len(rows):
            return rows[int(number)]
        raise no_such_item()

    def chosen(self, menu: str, numbers: str) -> Iterator[dict[str, str]]:
        """The items that a list of ids, names or positions names. Raises Refused."""
        for number in numbers.split(","):
            yield self.find(menu, number)

    def named(self, menu: str, name: str) -> bool:
        """Whether the menu has an item of this name."""
        return any(row.get("name") == name for row in self.of(menu))

    def _rename(self, menu: str, old: str, new: str) -> None:
        """Who refers to something by its name goes on referring to it."""
        for other, rows in self.rows.items():
            for name, target in rules_of(other).references.items():
                if menu in target:
                    for row in rows:
                        if row.get(name) == old:
                            row[name] = new


def _told(values: Values) -> dict[str, str]:
    """Truth as the router writes it."""
    return {name: TRUTH.get(value, value) for name, value in values.items()}
