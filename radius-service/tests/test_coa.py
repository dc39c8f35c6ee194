"""Disconnect- and CoA-Requests: what routers answer, and what that means."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from pyrad.packet import CoAPacket

from radius_service.coa import (
    Answer,
    Extension,
    Kick,
    disconnect,
    disconnect_request,
    extend,
)
from radius_service.packets import DICTIONARY

from .conftest import Vectors
from .world import SECRET

ACK, NAK, COA_ACK = 41, 42, 44
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
        assert ONCE(kick(port)) == Answer(outcome="asked")


def test_a_router_that_knows_no_such_session_has_nobody_to_send_off() -> None:
    with router(says(NAK, cause=503)) as port:
        assert ONCE(kick(port)).outcome == "gone"


@pytest.mark.parametrize("cause", [None, 401, 504])
def test_a_router_that_refuses_says_why(cause: int | None) -> None:
    with router(says(NAK, cause=cause)) as port:
        answer = ONCE(kick(port))
    assert answer == Answer(outcome="refused", detail=f"Error-Cause {cause or 'not given'}")


def test_an_answer_with_another_secret_is_not_the_routers() -> None:
    def forged_then_true(request: Any) -> list[bytes]:
        return [
            b"noise",
            *says(ACK, secret=b"another")(request),
            *says(NAK, cause=503)(request),
        ]

    with router(forged_then_true) as port:
        assert ONCE(kick(port)).outcome == "gone"


def test_a_router_that_hears_no_such_requests_is_silent() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        assert disconnect(kick(deaf.getsockname()[1]), wait_seconds=0.02).outcome == "silent"


def test_where_nobody_listens_is_silence_too() -> None:
    assert disconnect(kick(port=9), wait_seconds=0.02).outcome == "silent"


def test_a_router_is_told_the_whole_time_since_the_login_and_the_speed() -> None:
    told: list[Any] = []

    def answer(request: Any) -> list[bytes]:
        told.append((request["Session-Timeout"], request["Mikrotik-Rate-Limit"]))
        return says(COA_ACK)(request)  # type: ignore[no-any-return]

    with router(answer) as port:
        extension = Extension(whom=kick(port), session_seconds=7200, rate_limit="2M/5M")
        assert extend(extension, wait_seconds=0.2).outcome == "asked"
    assert told == [([7200], ["2M/5M"])]
