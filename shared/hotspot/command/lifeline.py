"""How processes end with the one that started them, however that one dies."""

import ctypes
import os
import signal

# What a command writes into the pipe that the keeper listens to, before it leaves it behind. The
# pipe's end without this word means that the command died.
DETACH = b"detach"

_PR_SET_PDEATHSIG = 1


def die_with(parent: int, by: signal.Signals) -> None:
    """Ask the kernel to send this process a signal when its parent dies; survives exec."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(by), 0, 0, 0)
    if os.getppid() != parent:  # it died before we asked
        os._exit(1)
