"""Reading the processes' logs: the last lines, and what comes after them."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path

_LAST = 200_000  # bytes at the end of a file among which its last lines are looked for


class LogTail:
    """One log file, read from its end on, also when it is rotated."""

    def __init__(self, file: Path) -> None:
        self.name = file.stem
        self._file = file
        self._offset = 0
        self._inode = 0

    def last(self, lines: int) -> list[str]:
        """The last lines; reading goes on after them."""
        try:
            with self._file.open("rb") as log:
                self._inode = self._file.stat().st_ino
                size = log.seek(0, 2)
                log.seek(max(0, size - _LAST))
                found = log.read().decode(errors="replace").splitlines()
                self._offset = log.tell()
        except FileNotFoundError:
            return []
        return found[-lines:] if lines else []

    def new(self) -> list[str]:
        """The whole lines that were written since."""
        try:
            with self._file.open("rb") as log:
                found = self._file.stat()
                if found.st_ino != self._inode or found.st_size < self._offset:
                    self._inode, self._offset = found.st_ino, 0  # rotated: begin with the new one
                log.seek(self._offset)
                text, newline, _unfinished = log.read().rpartition(b"\n")
                self._offset += len(text) + len(newline)
        except FileNotFoundError:
            return []
        return text.decode(errors="replace").splitlines()


def show(files: Iterable[Path], *, lines: int, follow: bool, write: Callable[[str], None]) -> None:
    """Write the last lines of each log, and with `follow` everything new until interrupted.

    Several logs have their name before each line.
    """
    tails = [LogTail(file) for file in files]
    width = max((len(tail.name) for tail in tails), default=0)

    def put(tail: LogTail, line: str) -> None:
        write(f"{tail.name:<{width}} | {line}" if len(tails) > 1 else line)

    for tail in tails:
        for line in tail.last(lines):
            put(tail, line)
    while follow:
        for tail in tails:
            for line in tail.new():
                put(tail, line)
        time.sleep(0.2)
