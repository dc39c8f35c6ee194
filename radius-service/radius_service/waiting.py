"""A bounded queue that hands over all that waits: under load work is shed, never piled up."""

import threading
from collections import deque
from collections.abc import Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class Waiting(Generic[T]):
    """Filled by one thread, emptied in groups by others."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._items: deque[T] = deque()
        self._changed = threading.Condition()
        self._closed = False

    def put(self, items: Sequence[T]) -> Sequence[T]:
        """Add what there is room for; answers the rest, which the caller must let go."""
        if not items:
            return ()
        with self._changed:
            room = 0 if self._closed else self._most - len(self._items)
            self._items.extend(items[:room])
            self._changed.notify()
        return items[room:]

    def take(self, most: int) -> list[T]:
        """Wait for work, then take all of it up to `most`. Empty: closed, and nothing is left."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._closed)
            taken = [self._items.popleft() for _ in range(min(most, len(self._items)))]
            if self._items:
                self._changed.notify()
            return taken

    def close(self) -> None:
        """Take nothing more; what waits is still handed over."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def __len__(self) -> int:
        """How many wait."""
        return len(self._items)
