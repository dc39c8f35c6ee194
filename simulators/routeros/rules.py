"""The rules of the menus: defaults, names that are unique, references, settings, values."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from simulators.routeros.refusals import bad_reference, failure, invalid

if TYPE_CHECKING:
    from simulators.routeros.items import Items

Row = Mapping[str, str]
Check = Callable[[str], bool]

INTERFACES: Final = (
    "/interface",
    "/interface/ethernet",
    "/interface/bridge",
    "/interface/wireguard",
    "/interface/vlan",
    "/interface/wifi",
)


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What a menu demands. `unique`: fields of which no two items have the same values, and how
    RouterOS says so. `references`: fields that name an item of (one of) other menus. `values`:
    what a field can be. `needed`: fields without which there is no item. `keeps`: names that stay,
    and `needed_by`: menus and their fields that hold an item back by its name.
    """

    defaults: Row = field(default_factory=dict)
    settings: Row | None = None
    unique: tuple[tuple[tuple[str, ...], str], ...] = ()
    references: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    values: Mapping[str, Check] = field(default_factory=dict)
    needed: tuple[str, ...] = ()
    keeps: frozenset[str] = frozenset()
    needed_by: tuple[tuple[str, str], ...] = ()
    derive: Callable[[Row, "Items"], dict[str, str]] | None = None

    def check(self, item: Row, items: "Items", *, others: Sequence[Row], menu: str) -> None:
        """Raises Refused where an item cannot be so."""
        for name in self.needed:
            if not item.get(name):
                raise failure(f"{name} must be specified") if menu != "/ip/pool" else invalid(name)
        for name, is_right in self.values.items():
            if name in item and not is_right(item[name]):
                raise invalid(name)
        for name, menus in self.references.items():
            value = item.get(name, "")
            if value and not any(_known(items, one, value.removeprefix("!")) for one in menus):
                raise bad_reference(name)
        for fields, said in self.unique:
            mine = tuple(item.get(name, "") for name in fields)
            if any(tuple(other.get(name, "") for name in fields) == mine for other in others):
                raise failure(said)

    def check_removal(self, item: Row, items: "Items") -> None:
        """Raises Refused for what cannot go, or is needed by something else."""
        name = item.get("name", "")
        if name in self.keeps or item.get("default") == "yes":
            raise failure("can not remove default object")
        for other, reference in self.needed_by:
            if any(row.get(reference) == name for row in items.rows.get(other, ())):
                raise failure(f"in use by {other.rpartition('/')[2]}")

    def derived(self, item: Row, items: "Items") -> dict[str, str]:
        """The item with what the router works out by itself."""
        return {**item, **(self.derive(item, items) if self.derive else {})}


def _known(items: "Items", menu: str, value: str) -> bool:
    if value in ("none", "default", "all", "dynamic", "static"):
        return True
    return items.named(menu, value)
