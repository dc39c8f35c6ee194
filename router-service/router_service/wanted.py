"""What a router shall be like: items and settings that are read, compared, and changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Values = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Item:
    """One item of a menu that shall be there, found by `key` and like `values`.

    `secret`: values that a router may not show, compared only where it does. `ahead_of`: it must
    stand in front of every item that is like this (firewall rules are read in their order).
    """

    menu: str
    key: Values
    values: Values = field(default_factory=dict)
    secret: Values = field(default_factory=dict)
    ahead_of: Values | None = None


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Values of a menu that has no items. `where_empty`: only where the router has none yet."""

    menu: str
    values: Values = field(default_factory=dict)
    where_empty: Values = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Ours:
    """Items of a menu that are ours: what of them is wanted no more, goes.

    They are known by `name`, which begins with `prefix`, and are like `where`.
    """

    menu: str
    name: str
    prefix: str = ""
    where: Values = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Page:
    """A file of `size` bytes that the router shall have, fetched from `url` where it is not so."""

    path: str
    url: str
    size: int

    @property
    def mode(self) -> str:
        """What `/tool/fetch` calls the protocol."""
        return self.url.partition(":")[0]

    @property
    def folder(self) -> str:
        """The folder that it lies in."""
        return self.path.rpartition("/")[0]


Wanted = Item | Setting | Ours | Page
