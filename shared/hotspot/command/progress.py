"""What the command prints while it works: one line a step, with its time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

_WIDTH = 58


class Progress:
    """Steps with times; a spinner where a person looks on, plain lines elsewhere."""

    def __init__(self, console: Console | None = None) -> None:
        # Not highlighted: numbers in colours are noise in a log of steps.
        self.console = console or Console(highlight=False, soft_wrap=True)

    def say(self, text: str) -> None:
        """Print a line."""
        self.console.print(escape(text))

    @contextmanager
    def step(self, name: str, *, since: float | None = None) -> Iterator[None]:
        """Do something that takes a while; its line appears with its time when it is done.

        `since` (of the monotonic clock) is when it began, where that was before.
        """
        started = time.monotonic() if since is None else since
        with self.busy(name):
            yield
        self.done(name, time.monotonic() - started)

    @contextmanager
    def busy(self, name: str) -> Iterator[None]:
        """Show that something goes on, to a person."""
        if self.console.is_terminal:
            with self.console.status(escape(name)):
                yield
        else:
            yield

    def done(self, name: str, seconds: float) -> None:
        """Print a step that went well."""
        self.console.print(f"[green]ok[/green]  {escape(name):<{_WIDTH}} {seconds:6.1f} s")

    def failed(self, name: str) -> None:
        """Print a step that went wrong."""
        self.console.print(f"[red]NOT OK[/red]  {escape(name)}")
