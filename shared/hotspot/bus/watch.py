"""What a process notes of itself while it works, for those who ask whether it still does."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from hotspot.bus.deadline import GRACE_SECONDS, deadline
from hotspot.contract.operations import Step

# Longer than anything but a job holds up a main loop that is well: a confirm that never comes
# (10 s), a database whose every address must be tried (5 s each).
PATIENCE_SECONDS = 60.0


class Watch:
    """Whether the main loop still turns, or the job in hand is within its timeout.

    It costs a look at the clock a turn. `hotspot.health` shows it; a subclass there also counts.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._due = clock() + PATIENCE_SECONDS

    def turned(self, within: float = PATIENCE_SECONDS) -> None:
        """The main loop came by, and comes again within so many seconds."""
        self._due = self._clock() + within

    @contextmanager
    def job(self, seconds: float) -> Iterator[None]:
        """A job that may take so long. Raises JobTimedOut where it takes longer."""
        self.turned(within=seconds + GRACE_SECONDS)
        try:
            with deadline(seconds):
                yield
        finally:
            self.turned()

    def is_turning(self) -> bool:
        """False: it hangs, and only a new process helps."""
        return self._clock() < self._due

    def grouped(self, size: int) -> None:
        """So many messages are handled in one transaction."""

    def ended(self, queue: str, steps: Sequence[Step]) -> None:
        """Messages of a queue were handled, or failed."""

    def refused(self, queue: str) -> None:
        """Something lay in a queue that is no message of it."""
