"""What waits in each queue, from RabbitMQ's management API."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import requests
import structlog

from hotspot.web.problem import Problem

log = structlog.get_logger()

PATIENCE_SECONDS = (2.0, 5.0)


@dataclass(frozen=True, kw_only=True)
class QueueState:
    """One queue. `rate`: messages done with per second, as RabbitMQ measured it lately."""

    name: str
    ready: int
    unacked: int
    consumers: int
    rate: float


def queues(management_url: str | None, amqp_url: str) -> list[QueueState]:
    """Every queue of our virtual host, by name. Raises Problem 503."""
    if management_url is None:
        raise _unknown("RABBITMQ_MANAGEMENT_URL is not set, so nobody can be asked about queues.")
    url = f"{management_url}/api/queues/{quote(_virtual_host(amqp_url), safe='')}"
    try:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(url, timeout=PATIENCE_SECONDS)
            answer.raise_for_status()
            return sorted(map(_state, answer.json()), key=lambda state: state.name)
    except (requests.RequestException, ValueError, KeyError, TypeError, AttributeError) as error:
        # The error names the URL, and the URL holds a password.
        log.warning("queues unknown", error=type(error).__name__)
        raise _unknown("RabbitMQ's management API gave no usable answer.") from None


def _state(queue: dict[str, Any]) -> QueueState:
    done = queue.get("message_stats", {}).get("ack_details", {})
    return QueueState(
        name=str(queue["name"]),
        # A queue that was declared this very moment has no counts yet.
        ready=int(queue.get("messages_ready", 0)),
        unacked=int(queue.get("messages_unacknowledged", 0)),
        consumers=int(queue.get("consumers", 0)),
        rate=float(done.get("rate", 0.0)),
    )


def _virtual_host(amqp_url: str) -> str:
    """RabbitMQ's URI rules: no path at all means the virtual host `/`."""
    path = urlsplit(amqp_url).path
    return unquote(path[1:]) if len(path) > 1 else "/"


def _unknown(detail: str) -> Problem:
    return Problem(503, "queues-unknown", detail)
