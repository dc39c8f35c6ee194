"""Both transports behind one face, so that one suite holds for both."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from hotspot.bus.memory import MemoryBroker, MemoryTransport
from hotspot.bus.rabbit import RabbitTransport
from hotspot.contract.topology import topology
from hotspot.testing.brokers import Brokers, vhost


@pytest.fixture(params=["memory", "rabbitmq"])
def brokers(request: pytest.FixtureRequest) -> Iterator[Brokers]:
    """The same tests over the broker in memory and over RabbitMQ."""
    made: list[Any] = []
    if request.param == "memory":
        memory = MemoryBroker()

        def connect() -> Any:
            made.append(MemoryTransport(memory))
            return made[-1]

        yield Brokers(connect=connect, pass_time=memory.pass_time)
    else:
        url = request.getfixturevalue("rabbit_vhost")
        purge = request.getfixturevalue("purge")

        def connect() -> Any:
            transport = RabbitTransport(url, "conformance")
            assert transport.wait_until_up(30)
            made.append(transport)
            return transport

        yield Brokers(connect=connect, pass_time=lambda: None)
    for transport in made:
        transport.close()
    if request.param == "rabbitmq":
        purge()


@pytest.fixture(scope="session")
def rabbit_vhost() -> Iterator[str]:
    """A virtual host of our own, so that nothing else listens to our queues."""
    given = os.environ
    with vhost(given["TEST_AMQP_URL"], given["TEST_RABBITMQ_MANAGEMENT_URL"]) as url:
        yield url


@pytest.fixture
def purge(rabbit_vhost: str) -> Callable[[], None]:
    """Empty every queue: tests share the virtual host."""
    management = os.environ["TEST_RABBITMQ_MANAGEMENT_URL"]
    vhost = rabbit_vhost.rsplit("/", 1)[1]

    def empty() -> None:
        for queue in topology().queues:
            path = f"{management}/api/queues/{vhost}/{queue.name}/contents"
            requests.delete(path, timeout=30)

    return empty
