"""How a place answers that is down: never twice in the same way."""

import itertools
from collections.abc import Callable
from typing import Final, cast

from flask import Response, request

from simulators.clock import Clock

# Longer than any client should wait.
HANGING_SECONDS: Final = 30.0
HANG_UP: Final = "simulators.hang_up"

BAD_GATEWAY_PAGE: Final = (
    "<html><head><title>503 Service Temporarily Unavailable</title></head>"
    "<body><center><h1>503 Service Temporarily Unavailable</h1></center></body></html>"
)


def hang_up() -> Response:
    """Close the client's connection instead of answering."""
    close = cast(Callable[[], None] | None, request.environ.get(HANG_UP))
    if close is not None:
        close()
    # No server but ours closes on demand: under any other, an answer that says what was meant.
    return Response("connection dropped\n", status=502, mimetype="text/plain")


class Trouble:
    """Takes turns in what can be wrong: dropped, failing, unavailable, hanging."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._turn = itertools.count()

    def answer(self) -> Response:
        """The next kind of no answer."""
        kinds = (hang_up, self._failing, self._unavailable, self._hanging)
        return kinds[next(self._turn) % len(kinds)]()

    def _failing(self) -> Response:
        return Response("Internal Server Error", status=500, mimetype="text/plain")

    def _unavailable(self) -> Response:
        return Response(BAD_GATEWAY_PAGE, status=503, mimetype="text/html")

    def _hanging(self) -> Response:
        self._clock.sleep(HANGING_SECONDS)
        return hang_up()
