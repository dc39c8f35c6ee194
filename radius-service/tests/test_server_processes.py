"""Several processes on one port: repeats are known, also while processes come and go.

The servers here are threads of one process; for the kernel they are sockets of one port all the
same, and it is the kernel that chooses.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from hotspot.testing.freeradius import free_udp_ports
from hotspot.testing.handling import FakePublisher
from radius_service.server import RadiusServer

from .world import (
    ACCEPT,
    ACCOUNTED,
    Database,
    MovedClock,
    accounting,
    answer_to,
    bytes_of,
    login,
    until,
)

ROUTERS = 24


@dataclass
class Group:
    """Servers on one pair of ports."""

    radius: Database
    ports: tuple[int, int]
    publisher: FakePublisher
    servers: list[RadiusServer]

    @contextmanager
    def one_more(self) -> Iterator[RadiusServer]:
        """Another server on the ports, until the block ends."""
        server = RadiusServer(
            engine=self.radius.engine,
            publisher=self.publisher,
            host="127.0.0.1",
            auth_port=self.ports[0],
            acct_port=self.ports[1],
            session_timer=False,
            clock=MovedClock(),
        )
        server.nas.refresh()
        thread = threading.Thread(target=server.serve)
        thread.start()
        self.servers.append(server)
        try:
            yield server
        finally:
            server.stop()
            thread.join(15)
            assert not thread.is_alive()

    def counted(self, name: str) -> list[int]:
        """How often each server has counted this."""
        return [server.counters.read().get(name, 0) for server in self.servers]


@dataclass(frozen=True)
class Router:
    """One source of packets, with a request that it sends over and over."""

    door: socket.socket
    port: int
    packet: Any

    def asks(self) -> bytes:
        """Send the request until it is answered, as routers do; answers the reply."""
        data = bytes_of(self.packet)
        self.door.settimeout(0.3)
        for _ in range(20):
            self.door.sendto(data, ("127.0.0.1", self.port))
            try:
                return self.door.recv(5000)
            except TimeoutError:
                continue
        raise AssertionError("no answer came")


@pytest.fixture
def group(radius: Database) -> Group:
    radius.give(devices=ROUTERS)
    return Group(radius, free_udp_ports(), FakePublisher(), [])


@contextmanager
def routers(port: int, packets: list[Any]) -> Iterator[list[Router]]:
    """As many sources of packets."""
    with ExitStack() as stack:
        doors = [stack.enter_context(socket.socket(type=socket.SOCK_DGRAM)) for _ in packets]
        yield [Router(door, port, packet) for door, packet in zip(doors, packets, strict=True)]


def test_each_request_is_handled_by_one_of_the_processes_however_often_it_comes(
    group: Group,
) -> None:
    packets = [login() for _ in range(ROUTERS)]
    with group.one_more(), group.one_more(), routers(group.ports[0], packets) as all_of_them:
        replies = [router.asks() for router in all_of_them]
        for _ in range(2):
            assert [router.asks() for router in all_of_them] == replies
        assert sum(group.counted("accepted")) == ROUTERS
        assert sum(group.counted("repeated")) == 2 * ROUTERS
        assert all(group.counted("accepted")), "the kernel gave all of them to one process"


def test_logins_are_answered_while_processes_come_and_go(group: Group) -> None:
    packets = [login() for _ in range(ROUTERS)]

    def all_are_accepted() -> None:
        for router in all_of_them:
            assert answer_to(router.packet, router.asks()).code == ACCEPT

    with ExitStack() as first, routers(group.ports[0], packets) as all_of_them:
        first.enter_context(group.one_more())
        all_are_accepted()
        with group.one_more():
            all_are_accepted()
            first.close()
            all_are_accepted()
            with group.one_more():
                all_are_accepted()
    # Whoever has not seen a request before answers it anew: nothing is used up by an answer.
    assert sum(group.counted("accepted")) > ROUTERS


def test_accounting_is_booked_once_while_processes_come_and_go(group: Group) -> None:
    packets = [
        accounting("Start", session=f"8020{n:04}", mac=f"02:00:5E:10:01:{n:02X}")
        for n in range(ROUTERS)
    ]
    with ExitStack() as first, routers(group.ports[1], packets) as all_of_them:
        first.enter_context(group.one_more())
        for leaves in (False, False, True):
            with group.one_more():
                if leaves:
                    first.close()
                for router in all_of_them:
                    assert answer_to(router.packet, router.asks()).code == ACCOUNTED
    assert sum(group.counted("accounting_start")) > ROUTERS, "no process got another's repeats"
    assert group.radius.row("SELECT count(*) FROM radacct")[0] == ROUTERS
    told = [parcel.envelope.name for parcel in group.publisher.parcels]
    assert told.count("SessionStarted") == ROUTERS


def test_counts_of_all_processes_are_kept_in_one_table(group: Group) -> None:
    with group.one_more(), group.one_more(), routers(group.ports[0], [login()] * 6) as them:
        for router in them:
            router.asks()
        until(lambda: sum(group.counted("accepted")) == 6)
    row = group.radius.row("SELECT count FROM radius_counts WHERE name = 'accepted'")
    assert row.count == 6
