"""Listeners to live events, many in one process: beside the gateway, as browsers are."""

import multiprocessing
import re
import selectors
import socket
import time
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any

from hotspot.testing.brokers import wait_for

# Long enough for an id, which may be cut in two by what a socket takes at once
_TAIL = 64
_ID = re.compile(rb"id: ([0-9a-f-]{36})\n")
_BEGUN = b"retry: "
# Of a reader that never reads: its own buffer is soon full
_SMALLEST_BUFFER = 2048


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What one process heard. `whole`: streams that had all events, in order, once."""

    whole: int
    streams: int
    delays: Sequence[float]


@dataclass
class _Stream:
    socket: socket.socket
    begun: bool = False
    tail: bytes = b""
    ids: list[bytes] = field(default_factory=list)
    times: "array[float]" = field(default_factory=lambda: array("d"))

    def take(self) -> bool:
        """Read what there is; False where the stream ended."""
        data = self.socket.recv(1 << 18)
        now = time.monotonic()
        data = self.tail + data if data else b""
        end = 0
        for found in _ID.finditer(data):
            self.ids.append(found[1])
            self.times.append(now)
            end = found.end()
        self.begun = self.begun or _BEGUN in data
        self.tail = data[max(end, len(data) - _TAIL) :]
        return bool(data)


class Readers:
    """Processes that hold streams between them. Times are of the machine's monotonic clock."""

    def __init__(self, lines: Sequence[Connection]) -> None:
        self._lines = lines

    def open(self, port: int, token: str, count: int, last_id: str | None = None) -> None:
        """Hold so many more, and wait until each was greeted."""
        self._all("open", port, token, count // len(self._lines), last_id)

    def close(self) -> None:
        """Hold none any more."""
        self._all("close")

    def have(self, last_id: str) -> bool:
        """Whether every stream has heard this event."""
        return all(self._all("have", last_id))

    def heard(self, published: Mapping[str, float]) -> Heard:
        """What was heard since the last call; `published`: when each event was, in order."""
        parts: list[Heard] = self._all("heard", published)
        return Heard(
            whole=sum(one.whole for one in parts),
            streams=sum(one.streams for one in parts),
            delays=[delay for one in parts for delay in one.delays],
        )

    def wait_for(self, last_id: str, seconds: float = 60) -> None:
        """Until every stream has heard this event."""
        wait_for(lambda: self.have(last_id), seconds)

    def _all(self, order: str, *details: object) -> list[Any]:
        for line in self._lines:
            line.send((order, details))
        answers = [line.recv() for line in self._lines]
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        return answers


@contextmanager
def readers(processes: int) -> Iterator[Readers]:
    """Processes of their own, for as long as the block lasts."""
    spawn = multiprocessing.get_context("spawn")
    with ExitStack() as stack:
        lines = []
        for _ in range(processes):
            mine, theirs = spawn.Pipe()
            process = spawn.Process(target=_read, args=(theirs,), daemon=True)
            process.start()
            stack.callback(_end, process, mine)
            lines.append(mine)
        yield Readers(lines)


@contextmanager
def never_reading(port: int, token: str, count: int) -> Iterator[None]:
    """Listeners who ask for events and take none."""
    with ExitStack() as stack:
        for _ in range(count):
            slow = stack.enter_context(socket.socket())
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALLEST_BUFFER)
            slow.connect(("127.0.0.1", port))
            slow.sendall(_request(token, None))
        yield


def _end(process: SpawnProcess, line: Connection) -> None:
    line.close()
    process.join(10)


def _read(line: Connection) -> None:
    """A process: reads all streams as they speak, and does as it is told in between."""
    held = _Held()
    held.chosen.register(line, selectors.EVENT_READ)
    while True:
        for key, _ in held.chosen.select():
            if key.fileobj is not line:
                held.take(key.data)
                continue
            try:
                order, details = line.recv()
            except EOFError:
                return
            try:
                line.send(getattr(held, order)(*details))
            except (OSError, AssertionError) as error:
                line.send(error)


class _Held:
    """The streams of one process."""

    def __init__(self) -> None:
        self.chosen = selectors.DefaultSelector()
        self.streams: list[_Stream] = []

    def take(self, stream: _Stream) -> None:
        if not stream.take():
            self.chosen.unregister(stream.socket)

    def open(self, port: int, token: str, count: int, last_id: str | None) -> None:
        asked = _request(token, last_id)
        for _ in range(count):
            opened = socket.create_connection(("127.0.0.1", port), 30)
            opened.sendall(asked)
            stream = _Stream(opened)
            self.streams.append(stream)
            self.chosen.register(opened, selectors.EVENT_READ, stream)
        end = time.monotonic() + 30
        while not all(stream.begun for stream in self.streams):
            assert time.monotonic() < end, "some streams were never greeted"
            for key, _ in self.chosen.select(0.1):
                if key.data is not None:
                    self.take(key.data)

    def close(self) -> None:
        for stream in self.streams:
            if stream.socket in self.chosen.get_map():
                self.chosen.unregister(stream.socket)
            stream.socket.close()
        self.streams.clear()

    def have(self, last_id: str) -> bool:
        wanted = last_id.encode()
        return all(stream.ids and stream.ids[-1] == wanted for stream in self.streams)

    def heard(self, published: Mapping[str, float]) -> Heard:
        wanted = [one.encode() for one in published]
        times = list(published.values())
        delays: list[float] = []
        whole = 0
        for stream in self.streams:
            if stream.ids == wanted:
                whole += 1
                pairs = zip(stream.times, times, strict=True)
                delays += [heard - sent for heard, sent in pairs]
            stream.ids.clear()
            del stream.times[:]
        return Heard(whole=whole, streams=len(self.streams), delays=delays)


def _request(token: str, last_id: str | None) -> bytes:
    lines = [
        "GET /api/v1/events HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {token}",
        *([f"Last-Event-ID: {last_id}"] if last_id else []),
    ]
    return "\r\n".join([*lines, "", ""]).encode()
