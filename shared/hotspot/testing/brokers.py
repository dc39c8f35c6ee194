"""Brokers for tests of the bus, and waiting for what they do."""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests


@dataclass
class Brokers:
    """A broker under test: `connect` to it, and let the time of its delays and ages pass."""

    connect: Callable[[], Any]
    pass_time: Callable[[], None]


def wait_for(condition: Callable[[], object], seconds: float = 20) -> None:
    """Wait for a condition, looking often."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


@contextmanager
def vhost(amqp_url: str, management_url: str) -> Iterator[str]:
    """The URL of a virtual host of our own, so that nothing else listens to our queues."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    user = urlsplit(management_url).username
    requests.put(f"{management_url}/api/vhosts/{name}", timeout=30).raise_for_status()
    rights = {"configure": ".*", "write": ".*", "read": ".*"}
    requests.put(
        f"{management_url}/api/permissions/{name}/{user}", json=rights, timeout=30
    ).raise_for_status()
    try:
        yield amqp_url.rstrip("/") + f"/{name}"
    finally:
        requests.delete(f"{management_url}/api/vhosts/{name}", timeout=30)
