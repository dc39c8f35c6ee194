"""Processes that carry this home's mark: what a crash may have left behind."""

import os
import signal
import time
from pathlib import Path

from hotspot.command.home import Home

MARK = "HOTSPOT_INSTANCE"


def find(home: Home) -> list[int]:
    """The process ids of everything that was started for this home, by its first environment."""
    mark = f"{MARK}={home.path}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            carried = (folder / "environ").read_bytes().split(b"\0")
        except OSError:  # somebody else's, or gone
            continue
        if mark in carried:
            found.append(int(folder.name))
    return found


def end(home: Home, *, patience: float = 5.0) -> list[str]:
    """Let what still shuts down do so, then kill the rest; answers the names of those killed."""
    deadline = time.monotonic() + patience
    while find(home) and time.monotonic() < deadline:
        time.sleep(0.1)
    killed = []
    for pid in find(home):
        try:
            name = Path(f"/proc/{pid}/comm").read_text().strip()
            os.kill(pid, signal.SIGKILL)
        except OSError:
            continue
        killed.append(f"{name} ({pid})")
    return killed
