"""Guests are sent off by their router."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from pyrad.packet import CoAPacket

from hotspot.bus.outcome import Reject, Retry
from hotspot.bus.work import Handlers
from hotspot.contract.message import Message
from hotspot.contract.sessions import DisconnectSessionJob, SessionEnded
from hotspot.testing.handling import NOON, run
from radius_service.coa import (
    Answer,
    Kick,
    RouterRefused,
    RouterSilent,
    disconnect,
    disconnect_request,
)
from radius_service.disconnecting import disconnecting
from radius_service.packets import DICTIONARY

from .conftest import Vectors
from .test_booking import book, start
from .world import SECRET, Database

ACK, NAK = 41, 42
ONCE = partial(disconnect, wait_seconds=0.2)


def kick(port: int = 3799) -> Kick:
    return Kick(
        address="127.0.0.1",
        port=port,
        secret=SECRET,
        username="alice",
        session_id="80200001",
        ip="10.5.50.10",
    )


@contextmanager
def router(answer: Callable[[Any], list[bytes]]) -> Iterator[int]:
    """A router that answers one Disconnect-Request as told; gives its port."""
    with socket.socket(type=socket.SOCK_DGRAM) as door:
        door.bind(("127.0.0.1", 0))
        door.settimeout(5)

        def obey() -> None:
            data, source = door.recvfrom(4096)
            request = CoAPacket(packet=data, secret=SECRET, dict=DICTIONARY)
            assert request.VerifyCoARequest()
            for reply in answer(request):
                door.sendto(reply, source)

        thread = threading.Thread(target=obey)
        thread.start()
        yield door.getsockname()[1]
        thread.join(5)


def says(code: int, *, cause: int | None = None, secret: bytes = SECRET) -> Any:
    def answer(request: Any) -> list[bytes]:
        reply = request.CreateReply()
        reply.code = code
        reply.secret = secret
        if cause is not None:
            reply["Error-Cause"] = cause
        return [reply.ReplyPacket()]

    return answer


def test_the_request_is_the_recorded_one_bit_by_bit(vectors: Vectors) -> None:
    packet = disconnect_request(kick(), identifier=8)
    assert packet.RequestPacket() == vectors["valid"]["disconnect_request"]


def test_a_router_that_obeys_sends_a_stop_later() -> None:
    with router(says(ACK)) as port:
        assert ONCE(kick(port)) == "asked"


def test_a_router_that_knows_no_such_session_has_nobody_to_send_off() -> None:
    with router(says(NAK, cause=503)) as port:
        assert ONCE(kick(port)) == "gone"


@pytest.mark.parametrize("cause", [None, 401, 504])
def test_a_router_that_refuses_is_asked_again_later(cause: int | None) -> None:
    with router(says(NAK, cause=cause)) as port, pytest.raises(RouterRefused):
        ONCE(kick(port))


def test_an_answer_with_another_secret_is_not_the_routers() -> None:
    def forged_then_true(request: Any) -> list[bytes]:
        return [
            b"noise",
            *says(ACK, secret=b"another")(request),
            *says(NAK, cause=503)(request),
        ]

    with router(forged_then_true) as port:
        assert ONCE(kick(port)) == "gone"


def test_a_router_that_is_silent_is_asked_again_later() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        with pytest.raises(RouterSilent):
            disconnect(kick(deaf.getsockname()[1]), wait_seconds=0.02)


def test_where_nobody_listens_is_silence_too() -> None:
    with pytest.raises(RouterSilent):
        disconnect(kick(port=9), wait_seconds=0.02)


def ordered(radius: Database, call: Callable[[Kick], Answer]) -> list[Message]:
    session_id = radius.row("SELECT session_id FROM sessions").session_id
    job = DisconnectSessionJob(session_id=session_id, reason="expired")
    handlers: Handlers = {DisconnectSessionJob: disconnecting(3799, call)}
    return run(handlers, job, radius.engine, now=NOON, service="radius")


def test_the_job_asks_the_router_that_the_guest_is_at(radius: Database) -> None:
    radius.give()
    book(radius, start())
    asked: list[Kick] = []

    def call(one: Kick) -> Answer:
        asked.append(one)
        return "asked"

    assert ordered(radius, call) == []
    assert asked == [
        Kick(
            address="127.0.0.1",
            port=3799,
            secret=SECRET,
            username="alice",
            session_id="80200001",
            ip="10.5.50.7",
        )
    ]
    assert radius.row("SELECT status FROM sessions").status == "online"


def test_a_session_that_its_router_does_not_know_is_ended_here(radius: Database) -> None:
    radius.give()
    book(radius, start())
    (told,) = ordered(radius, lambda _: "gone")
    assert isinstance(told, SessionEnded)
    row = radius.row("SELECT acctstoptime, acctterminatecause FROM radacct")
    assert tuple(row) == (NOON, "Admin-Reset")


def test_who_has_left_already_is_not_asked_for(radius: Database) -> None:
    radius.give()

    def call(_: Kick) -> Answer:
        raise AssertionError("nobody is online")

    assert ordered(radius, call) == []


def test_a_call_that_ended_unclear_is_tried_again(radius: Database) -> None:
    radius.give()
    book(radius, start())

    def call(_: Kick) -> Answer:
        raise ValueError("no idea")

    with pytest.raises(Retry):
        ordered(radius, call)


def test_a_router_whose_secret_is_unknown_cannot_be_asked(radius: Database) -> None:
    radius.give()
    book(radius, start())
    radius.execute("DELETE FROM nas")
    with pytest.raises(Reject):
        ordered(radius, lambda _: "asked")
