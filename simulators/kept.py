"""The last so many things of a kind: the stand-ins' memory, which never grows without end."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Item = TypeVar("Item")


class Kept(Generic[Key, Item]):
    """The newest `limit` items by key, oldest first. Safe to share between threads."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._items: OrderedDict[Key, Item] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._items)

    def add(self, key: Key, item: Item) -> None:
        """Keep it as the newest, and forget the oldest where there are too many."""
        with self._lock:
            self._items.pop(key, None)
            self._items[key] = item
            while len(self._items) > self._limit:
                self._items.popitem(last=False)

    def get(self, key: Key) -> Item | None:
        """The item, or None for one that is unknown or forgotten."""
        return self._items.get(key)

    def change(self, key: Key, change: Callable[[Item], Item | None]) -> Item | None:
        """Replace the item by what `change` makes of it, alone; None from either leaves it be."""
        with self._lock:
            item = self._items.get(key)
            changed = None if item is None else change(item)
            if changed is not None:
                self._items[key] = changed
            return changed

    def drop(self, key: Key) -> Item | None:
        """Forget it."""
        with self._lock:
            return self._items.pop(key, None)

    def items(self) -> list[Item]:
        """All that is kept, oldest first."""
        with self._lock:
            return list(self._items.values())

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._items.clear()
