"""Both transports behind one face, so that one suite holds for both."""

import os
import uuid
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from hotspot.bus.memory import MemoryBroker, MemoryTransport
from hotspot.bus.rabbit import RabbitTransport
from hotspot.contract.topology import topology
from hotspot.testing.brokers import Brokers


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
def rabbit_vhost(amqp_url: str) -> Iterator[str]:
    """A virtual host of our own, so that nothing else listens to our queues."""
    management = os.environ["TEST_RABBITMQ_MANAGEMENT_URL"]
    name = f"test-{uuid.uuid4().hex[:8]}"
    user = urlsplit(management).username
    requests.put(f"{management}/api/vhosts/{name}", timeout=30).raise_for_status()
    rights = {"configure": ".*", "write": ".*", "read": ".*"}
    requests.put(
        f"{management}/api/permissions/{name}/{user}", json=rights, timeout=30
    ).raise_for_status()
    yield amqp_url.rstrip("/") + f"/{name}"
    requests.delete(f"{management}/api/vhosts/{name}", timeout=30)


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
