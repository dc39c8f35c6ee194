"""What happened to packets, by name."""

import threading
from collections import Counter


class Counters:
    """Counts of one process. Every packet that is not answered is in here with its reason."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add(self, name: str, how_many: int = 1) -> None:
        """Count."""
        if how_many:
            with self._lock:
                self._counts[name] += how_many

    def read(self) -> dict[str, int]:
        """All counts so far."""
        with self._lock:
            return dict(sorted(self._counts.items()))
