"""SIGKILL at every line: what a handler leaves behind when its process dies anywhere in it."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from sqlalchemy import Engine

Tracer = Callable[[FrameType, str, Any], "Tracer | None"]


def killed_at_every_line(
    run: Callable[[], object],
    engine: Engine,
    folders: tuple[str, ...],
    *,
    prepare: Callable[[], None],
) -> Iterator[int]:
    """Run in a child that is killed before its 1st, 2nd, ... line of code below `folders`.

    Yields the number of the line after each kill; ends with the first run that lives.
    `prepare` puts everything back before each run.
    """
    line = 0
    while True:
        line += 1
        prepare()
        if not _dies_at(line, run, engine, folders):
            return
        yield line


def _dies_at(
    line: int, run: Callable[[], object], engine: Engine, folders: tuple[str, ...]
) -> bool:
    child = os.fork()
    if child == 0:
        engine.dispose(close=False)  # the parent's connections are not ours to use
        sys.settrace(_killer(line, folders))
        try:
            run()
        finally:
            sys.settrace(None)
            os._exit(0 if sys.exc_info()[0] is None else 1)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0, f"the child failed before line {line}"
    return False


def _killer(line: int, folders: tuple[str, ...]) -> Tracer:
    left = line
    counts: dict[str, bool] = {}  # by file: this is asked for every call, of libraries too

    def trace(frame: FrameType, event: str, _argument: Any) -> "Tracer | None":
        nonlocal left
        file = frame.f_code.co_filename
        if file not in counts:
            counts[file] = any(folder in file for folder in folders)
        if not counts[file]:
            return None
        if event == "line":
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    return trace
