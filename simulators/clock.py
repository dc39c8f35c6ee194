"""Time for the stand-ins: what time it is, waiting, and doing something later."""

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

Action = Callable[[], object]

CANCELLED_KEPT = 1000


@dataclass(eq=False)
class Timer:
    """Something to be done later; `cancel` before it is due makes it never happen."""

    due: float
    action: Action
    cancelled: bool = field(default=False)

    def cancel(self) -> None:
        """Never do it."""
        self.cancelled = True


class Clock(Protocol):
    """What the stand-ins ask of time, so that a test can move it by hand."""

    def now(self) -> datetime:
        """The present, UTC."""
        ...

    def after(self, seconds: float, action: Action) -> Timer:
        """Do it that much later, beside whatever else goes on."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class WallClock:
    """Real time. Each action runs in a thread of its own (a greenlet where gevent has patched)."""

    def __init__(self) -> None:
        self._turn = itertools.count()
        self._timers: list[tuple[float, int, Timer]] = []
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def now(self) -> datetime:
        """The present, UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def after(self, seconds: float, action: Action) -> Timer:
        """Do it that much later."""
        timer = Timer(due=time.monotonic() + seconds, action=action)
        with self._changed:
            self._forget_cancelled()
            heapq.heappush(self._timers, (timer.due, next(self._turn), timer))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="clock", daemon=True)
                self._thread.start()
            self._changed.notify()
        return timer

    @property
    def waiting(self) -> int:
        """How many timers it holds, cancelled ones among them."""
        return len(self._timers)

    def _forget_cancelled(self) -> None:
        # Sessions of a month that end at once would otherwise keep their timers for a month.
        if len(self._timers) < CANCELLED_KEPT:
            return
        live = [entry for entry in self._timers if not entry[2].cancelled]
        if len(live) * 2 < len(self._timers):
            heapq.heapify(live)
            self._timers = live

    def _run(self) -> None:
        while True:
            action = self._next_due()
            threading.Thread(target=action, daemon=True).start()

    def _next_due(self) -> Action:
        with self._changed:
            while True:
                if not self._timers:
                    self._changed.wait()
                    continue
                due, _, timer = self._timers[0]
                wait = due - time.monotonic()
                if wait > 0 and not timer.cancelled:
                    self._changed.wait(wait)
                    continue
                heapq.heappop(self._timers)
                if not timer.cancelled:
                    return timer.action
