"""How the demo is told: sentence by sentence, each with the seconds that it took."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from rich.console import Console

from hotspot.command.errors import Unable

_PATIENCE = 30.0  # seconds for each thing that is waited for

T = TypeVar("T")


class StoryFailed(Unable):
    """The main job did not go through; the text says where it stuck."""


@dataclass
class Teller:
    """Tells, and waits for what is to be told next."""

    console: Console
    _since: float = field(default_factory=time.monotonic)

    def tell(self, sentence: str) -> None:
        """One step is done."""
        now = time.monotonic()
        self.console.print(f"  {now - self._since:6.2f} s  {sentence}", markup=False)
        self._since = now

    def wait(self, what: str, look: Callable[[], T | None]) -> T:
        """Until there is something to see. Raises StoryFailed."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            found = look()
            if found:
                return found
            if time.monotonic() > deadline:
                raise StoryFailed(f"Waited {_PATIENCE:.0f} s for {what}, and it did not come.")
            time.sleep(0.02)
