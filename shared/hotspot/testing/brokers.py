"""Brokers for tests of the bus, and waiting for what they do."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass
class Brokers:
    """A broker under test: `connect` to it, and let the time of its delays pass."""

    connect: Callable[[], Any]
    pass_time: Callable[[], None]


def wait_for(condition: Callable[[], object], seconds: float = 20) -> None:
    """Wait for a condition, looking often."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
