"""Talking to the running supervisor over its UNIX socket."""

import http.client
import socket
import xmlrpc.client
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from hotspot.command.errors import Unable

_TIMEOUT = 30.0  # the keeper does not answer while it imports


@dataclass(frozen=True, kw_only=True)
class Process:
    """What supervisor knows of a process."""

    name: str
    group: str
    state: str  # RUNNING, STARTING, BACKOFF, STOPPED, EXITED, FATAL ...
    pid: int
    started: int  # unix time
    checked: int  # unix time of this answer
    status: int  # of its last exit


class SupervisorIsAway(Unable):
    """Nothing answers at the socket."""


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_TIMEOUT)
        self._path = path

    def connect(self) -> None:
        with ExitStack() as otherwise:
            self.sock = otherwise.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            self.sock.settimeout(_TIMEOUT)
            self.sock.connect(str(self._path))
            otherwise.pop_all()


class _Transport(xmlrpc.client.Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._to_supervisor = _Connection(path)

    def make_connection(self, host: object) -> http.client.HTTPConnection:
        return self._to_supervisor

    def close(self) -> None:
        self._to_supervisor.close()


class Supervisor:
    """The running supervisor's calls that the command needs."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def processes(self) -> list[Process]:
        """All processes. Raises SupervisorIsAway."""
        rows = cast("list[dict[str, str | int]]", self._call("getAllProcessInfo"))
        return [
            Process(
                name=str(row["name"]),
                group=str(row["group"]),
                state=str(row["statename"]),
                pid=int(row["pid"]),
                started=int(row["start"]),
                checked=int(row["now"]),
                status=int(row["exitstatus"]),
            )
            for row in rows
        ]

    def start(self, group: str, process: str = "*") -> None:
        """Start a process, or all of a group, without waiting for it."""
        try:
            if process == "*":
                self._call("startProcessGroup", group, False)
            else:
                self._call("startProcess", f"{group}:{process}", False)
        except xmlrpc.client.Fault as fault:
            if "ALREADY_STARTED" not in fault.faultString:
                raise

    def _call(self, method: str, *arguments: str | bool) -> object:
        try:
            with xmlrpc.client.ServerProxy(
                "http://localhost", transport=_Transport(self._path)
            ) as server:
                return getattr(server.supervisor, method)(*arguments)
        except (OSError, http.client.HTTPException) as error:
            raise SupervisorIsAway(str(error)) from error
