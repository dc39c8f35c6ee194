"""What RabbitMQ's management API says about the queues."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import requests

PATIENCE_SECONDS = (2.0, 5.0)


class QueuesUnknown(Exception):
    """The management API gave no usable answer."""


@dataclass(frozen=True, kw_only=True)
class QueueState:
    """One queue. `rate`: messages done with per second, as RabbitMQ measured it lately; `acked`:
    how many were done with since the queue was made, as far as RabbitMQ knows.
    """

    name: str
    ready: int
    unacked: int
    consumers: int
    rate: float
    acked: int = 0


def queue_states(management_url: str, amqp_url: str) -> list[QueueState]:
    """Every queue of our virtual host, by name. Raises QueuesUnknown."""
    url = f"{management_url}/api/queues/{quote(_virtual_host(amqp_url), safe='')}"
    try:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(url, timeout=PATIENCE_SECONDS)
            answer.raise_for_status()
            return sorted(map(_state, answer.json()), key=lambda state: state.name)
    except (requests.RequestException, ValueError, KeyError, TypeError, AttributeError) as error:
        # The error names the URL, and the URL holds a password.
        raise QueuesUnknown(type(error).__name__) from None


def _state(queue: dict[str, Any]) -> QueueState:
    stats = queue.get("message_stats", {})
    return QueueState(
        name=str(queue["name"]),
        # A queue that was declared this very moment has no counts yet.
        ready=int(queue.get("messages_ready", 0)),
        unacked=int(queue.get("messages_unacknowledged", 0)),
        consumers=int(queue.get("consumers", 0)),
        rate=float(stats.get("ack_details", {}).get("rate", 0.0)),
        acked=int(stats.get("ack", 0)),
    )


def _virtual_host(amqp_url: str) -> str:
    """RabbitMQ's URI rules: no path at all means the virtual host `/`."""
    path = urlsplit(amqp_url).path
    return unquote(path[1:]) if len(path) > 1 else "/"
