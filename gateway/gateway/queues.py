"""What waits in each queue, from RabbitMQ's management API."""

import structlog

from hotspot.bus.management import QueueState, QueuesUnknown, queue_states
from hotspot.web.problem import Problem

log = structlog.get_logger()


def queues(management_url: str | None, amqp_url: str) -> list[QueueState]:
    """Every queue of our virtual host, by name. Raises Problem 503."""
    if management_url is None:
        raise _unknown("RABBITMQ_MANAGEMENT_URL is not set, so nobody can be asked about queues.")
    try:
        return queue_states(management_url, amqp_url)
    except QueuesUnknown as error:
        log.warning("queues unknown", error=str(error))
        raise _unknown("RabbitMQ's management API gave no usable answer.") from None


def _unknown(detail: str) -> Problem:
    return Problem(503, "queues-unknown", detail)
