"""Timeouts that hold even for a handler stuck in a blocking call."""

import faulthandler
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from hotspot.bus.outcome import JobTimedOut

GRACE_SECONDS = 10.0
_STDERR = 2  # by number: `sys.stderr` may be something that only Python can write to


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise JobTimedOut in this (the main) thread when the time is over.

    The alarm interrupts sleeps, sockets, locks and queries. What it cannot interrupt, a call into
    C that never returns to Python, is ended with the process GRACE_SECONDS later: faulthandler's
    watchdog needs no Python to run. The broker then gives the message to another worker, which
    counts that (`restarts`).
    """

    def ring(_signal: int, _frame: FrameType | None) -> None:
        raise JobTimedOut(f"took longer than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, ring)
    faulthandler.dump_traceback_later(seconds + GRACE_SECONDS, exit=True, file=_STDERR)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.cancel_dump_traceback_later()
        signal.signal(signal.SIGALRM, before)
