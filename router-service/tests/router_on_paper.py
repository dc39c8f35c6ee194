"""A router on paper: menus with items, for tests of what is said to a router."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from router_service.routeros import Address, NoSuchItem, RouterOs, Row


@dataclass
class PaperRouter:
    """A RouterOs. `fails` is raised instead of letting anyone in."""

    menus: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    text: str = "# by RouterOS 7.16\n/ip address\nadd address=10.5.50.1/24\n"
    fails: Exception | None = None
    asked_as: Address | None = None

    @contextmanager
    def connect(self, address: Address) -> Iterator[RouterOs]:
        """Log in."""
        self.asked_as = address
        if self.fails:
            raise self.fails
        yield self

    def read(self, menu: str, /, **where: str) -> list[Row]:
        """Its items."""
        return [
            dict(item)
            for item in self.menus.get(menu, [])
            if all(item.get(name.replace("_", "-")) == value for name, value in where.items())
        ]

    def add(self, menu: str, /, **values: str) -> str:
        """One more item."""
        items = self.menus.setdefault(menu, [])
        item = f"*{len(items) + 1:X}"
        items.append(
            {".id": item, **{name.replace("_", "-"): value for name, value in values.items()}}
        )
        return item

    def set(self, menu: str, item: str | None, /, **values: str) -> None:
        """Change an item."""
        self._item(menu, item).update({name.replace("_", "-"): v for name, v in values.items()})

    def remove(self, menu: str, item: str, /) -> None:
        """Remove an item."""
        self.menus[menu].remove(self._item(menu, item))

    def call(self, _menu: str, _command: str, /, **_values: str) -> list[Row]:
        """Nothing else is written on paper."""
        return []

    def export(self) -> str:
        """The configuration."""
        return self.text

    def _item(self, menu: str, item: str | None) -> dict[str, str]:
        for one in self.menus.get(menu, []):
            if one[".id"] == item:
                return one
        raise NoSuchItem("no such item")
