"""Requests of the last seconds: a repeated one is answered again, not handled again."""

from collections import deque
from dataclasses import dataclass

KEPT_SECONDS = 10.0  # RFC 5080 section 2.2.2: 5 to 30 s
MOST = 100_000

Key = tuple[int, str, int, int]  # our port, source address, source port, identifier


@dataclass(slots=True, eq=False)
class Exchange:
    """A request in progress, then its reply. `dropped`: nobody answers it, a repeat begins anew."""

    authenticator: bytes
    reply: bytes | None = None
    dropped: bool = False


class RecentRequests:
    """Duplicate detection (RFC 5080 section 2.2.2). Used by the one thread that reads.

    SO_REUSEPORT gives all packets of one source address and port to one process, so each process
    sees every repeat of what it was asked while none comes or goes (ADR 0017).
    """

    def __init__(self, *, kept_seconds: float = KEPT_SECONDS, most: int = MOST) -> None:
        self._kept_seconds = kept_seconds
        self._most = most
        self._known: dict[Key, Exchange] = {}
        self._order: deque[tuple[float, Key, Exchange]] = deque()

    def begin(self, key: Key, authenticator: bytes, now: float) -> tuple[Exchange, bool]:
        """The exchange of a request, and whether it is new. `now` is monotonic seconds.

        Another authenticator under the same key is a new request: what was kept is purged.
        """
        self._forget_old(now)
        known = self._known.get(key)
        if known and known.authenticator == authenticator and not known.dropped:
            return known, False
        fresh = Exchange(authenticator)
        self._known[key] = fresh
        self._order.append((now, key, fresh))
        return fresh, True

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._known)

    def _forget_old(self, now: float) -> None:
        order = self._order
        while order and (order[0][0] <= now - self._kept_seconds or len(order) >= self._most):
            _, key, exchange = order.popleft()
            if self._known.get(key) is exchange:
                del self._known[key]
