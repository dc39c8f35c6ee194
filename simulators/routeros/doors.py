"""The API's doors: one port, behind whose addresses the routers are told apart.

Plain and by TLS alike: whichever port a router's menus say, the first byte tells what a client
speaks.
"""

import logging
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Final, Protocol

import gevent
from gevent.server import StreamServer

from simulators.routeros.api import Conversation
from simulators.routeros.certificate import server_context
from simulators.routeros.wire import BadWire, encode, read_sentence

log = logging.getLogger("simulators.routeros")

BACKLOG = 1024
HANDSHAKE: Final = b"\x16"


class Manner(Protocol):
    """How a router behaves towards those who connect: asked anew at each sentence."""

    def greet(self) -> bool:
        """Whether it takes the connection at all (down: no)."""

    def serves(self, *, tls: bool) -> bool:
        """Whether its API is open, plain or by TLS."""

    def wait(self) -> None:
        """How long it takes for an answer; for ever where it is a black hole."""

    def breaks_off(self) -> bool:
        """Whether it reboots now, in the middle."""


Meet = Callable[[str, str], "tuple[Manner, Conversation] | None"]


class ApiDoors:
    """Listens on one port of the addresses that routers have."""

    def __init__(self, port: int, meet: Meet) -> None:
        self._port = port
        self._meet = meet
        self._servers: dict[str, StreamServer] = {}

    def listen(self, address: str) -> None:
        """Open the door at an address, once. Raises OSError where the port is taken."""
        if address in self._servers:
            return
        server = StreamServer((address, self._port), self._serve, backlog=BACKLOG)
        server.start()
        self._servers[address] = server

    def close(self) -> None:
        """Close all doors."""
        for server in self._servers.values():
            server.stop()
        self._servers.clear()

    def _serve(self, sock: socket.socket, peer: tuple[str, int]) -> None:
        met = self._meet(sock.getsockname()[0], peer[0])
        if met is None or not met[0].greet():
            _hang_up(sock)
            return
        manner, conversation = met
        try:
            tls = sock.recv(1, socket.MSG_PEEK) == HANDSHAKE
            if not manner.serves(tls=tls):
                return
            if tls:
                manner.wait()
                sock = self._tls.wrap_socket(sock, server_side=True)
            _converse(sock, manner, conversation)
        except (BadWire, EOFError, OSError) as error:
            log.debug("conversation over: %s", error)
        finally:
            _hang_up(sock)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return server_context()


def _converse(sock: socket.socket, manner: Manner, conversation: Conversation) -> None:
    def read(length: int) -> bytes:
        data = b""
        while len(data) < length:
            got = sock.recv(length - len(data))
            if not got:
                raise EOFError
            data += got
        return data

    goes_on = True
    while goes_on:
        words = read_sentence(read)
        manner.wait()
        said: list[Sequence[str]] = []
        goes_on = conversation.hear(words, said.append)
        if manner.breaks_off():
            return  # what was said last was done, and nobody hears of it
        sock.sendall(b"".join(map(encode, said)))
        gevent.sleep(0)  # a client that asks without end must not keep the others waiting


def _hang_up(sock: socket.socket) -> None:
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()
