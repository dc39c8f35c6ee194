"""The HTTP server: gevent's, with a way to hang up on a client."""

import logging
import socket
from contextlib import suppress
from typing import Any

from flask import Flask
from gevent.pywsgi import WSGIHandler, WSGIServer

from simulators.trouble import HANG_UP

BACKLOG = 1024


class HangUpHandler(WSGIHandler):  # type: ignore[misc]  # gevent has no types
    """Gives the application the means to close the connection instead of answering."""

    def get_environ(self) -> dict[str, Any]:
        """The request's environment, with the means in it."""
        environ: dict[str, Any] = super().get_environ()
        environ[HANG_UP] = self._hang_up
        return environ

    def _hang_up(self) -> None:
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)


def http_server(app: Flask, host: str, port: int) -> Any:
    """A server that is not started yet."""
    return WSGIServer(
        (host, port),
        app,
        backlog=BACKLOG,
        handler_class=HangUpHandler,
        log=None,
        error_log=logging.getLogger("simulators.http"),
    )
