"""Bodies of requests: whole and in time, or refused; and JSON that can be read."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, cast

from flask import Request
from flask_smorest import Blueprint
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import RequestTimeout
from werkzeug.utils import cached_property
from werkzeug.wsgi import LimitedStream, get_input_stream

# A body may take so long, and as much longer as it is long: 6 MB over a bad line come in time.
AT_LEAST_SECONDS = 20.0
SLOWEST_BYTES_A_SECOND = 8 * 1024


class WholeBodies(Request):
    """A request that has all of its body in time, or is answered 413 or 408.

    werkzeug cuts a body that does not tell its length (chunked) at the limit without a word: half
    of a list would be taken for all of it. And nothing else ends a body that never ends: whoever
    sends a byte now and then would hold one of the connections that there are for ever.
    """

    @cached_property
    def stream(self) -> IO[bytes]:
        """The body, no longer than it may be."""
        found = get_input_stream(self.environ, max_content_length=self.max_content_length)
        if not isinstance(found, LimitedStream):
            return found
        told, waits = self.content_length, "gunicorn.socket" in self.environ
        size = found.limit if told is None else told
        within = AT_LEAST_SECONDS + size / SLOWEST_BYTES_A_SECOND if waits else None
        body = Body(self.environ["wsgi.input"], size, is_limit=told is None, within=within)
        return cast(IO[bytes], body)


class Body(LimitedStream):
    """So many bytes, or at most so many (`is_limit`), `within` so many seconds (None: any time)."""

    def __init__(
        self, stream: IO[bytes], limit: int, *, is_limit: bool, within: float | None
    ) -> None:
        super().__init__(stream, limit, is_max=is_limit)
        self._ends = None if within is None else time.monotonic() + within

    def readinto(self, b: bytearray) -> int | None:  # type: ignore[override]
        with self._in_time():
            return super().readinto(b)

    def readall(self) -> bytes:
        data = super().readall()
        if self._limit_is_max and self.is_exhausted:
            self.on_exhausted()  # there may be more: raises RequestEntityTooLarge
        return data

    @contextmanager
    def _in_time(self) -> Iterator[None]:
        """Raises RequestTimeout."""
        if self._ends is None:
            yield
            return
        from gevent import Timeout  # workers import this module too, and serve nothing

        with Timeout(max(0.001, self._ends - time.monotonic()), RequestTimeout()):
            yield


class ReadableJson(FlaskParser):
    """What is valid JSON but too much for a reader is answered 400 too: ten thousand brackets in
    one another (RecursionError), or a number of more digits than Python takes (ValueError)."""

    def _raw_load_json(self, req: Request) -> Any:
        try:
            return super()._raw_load_json(req)
        except (json.JSONDecodeError, UnicodeDecodeError):
            raise
        except (RecursionError, ValueError) as error:
            raise json.JSONDecodeError("nested too deeply, or too long a number", "?", 0) from error


def read_no_monsters() -> None:
    """Have every blueprint that is made from now on read its arguments so."""
    Blueprint.ARGUMENTS_PARSER = ReadableJson()
