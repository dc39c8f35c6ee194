"""The API, as the dashboard asks it: the gateway's own, with the operator's token, by no side door.

The call goes through the whole application, so that roles, limits and records hold as for anyone.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder, run_wsgi_app

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

T = TypeVar("T")
AT_ONCE = 8
# What the API shall know of the browser's request: who asks, by which address, in which request.
_PASSED_ON = (
    "REMOTE_ADDR",
    "HTTP_HOST",
    "HTTP_USER_AGENT",
    "HTTP_LAST_EVENT_ID",
    "gunicorn.socket",
    "wsgi.url_scheme",
    "wsgi.multithread",
    "wsgi.multiprocess",
)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A question of the API: path below /api/v1, and query (None: left out)."""

    path: str
    query: tuple[tuple[str, str | None], ...] = ()
    method: str = "GET"
    body: object = None
    raw: bytes | None = None
    content_type: str | None = None

    @property
    def target(self) -> str:
        """Path and query."""
        given = [(name, value) for name, value in self.query if value]
        return f"/api/v1{self.path}" + (f"?{urlencode(given)}" if given else "")


@dataclass(frozen=True)
class Told:
    """What the API answered."""

    status: int
    headers: Headers
    body: bytes

    @property
    def is_good(self) -> bool:
        """Whether it is what was asked for."""
        return self.status < 300

    @cached_property
    def json(self) -> Any:
        """The body; an empty object where it is none."""
        try:
            return json.loads(self.body or b"{}")
        except ValueError:
            return {}

    @property
    def items(self) -> list[dict[str, Any]]:
        """The rows of a list; none where it could not be had."""
        found = self.json.get("items") if self.is_good else None
        return list(found) if isinstance(found, list) else []

    @property
    def problem(self) -> str | None:
        """What went wrong, in the API's own words; None where nothing did."""
        if self.is_good:
            return None
        said = self.json.get("detail") if isinstance(self.json, dict) else None
        return str(said or f"The answer was {self.status}, without a reason.")

    @property
    def errors(self) -> Mapping[str, list[str]]:
        """What is wrong with each field."""
        found = self.json.get("errors") if not self.is_good else None
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True)
class Streamed:
    """An answer that comes piece by piece. `pieces` must be closed."""

    status: int
    headers: Headers
    pieces: Iterable[bytes]


class Api:
    """The application itself, asked by one operator (or, to log in, by nobody yet)."""

    def __init__(
        self,
        application: "WSGIApplication",
        came_in: "WSGIEnvironment",
        request_id: str,
        token: str | None = None,
    ) -> None:
        self._application = application
        self._base = {name: came_in[name] for name in _PASSED_ON if name in came_in}
        self._headers = {"X-Request-ID": request_id}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"

    def ask(self, asked: Asked) -> Told:
        """One answer."""
        return self.ask_all({"it": asked})["it"]

    def get(self, path: str, **query: str | None) -> Told:
        """One answer to a GET."""
        return self.ask(Asked(path=path, query=tuple(query.items())))

    def ask_all(self, asked: Mapping[str, Asked]) -> dict[str, Told]:
        """All answers, asked at once: a service that hangs must not add its wait to the others'."""
        return self._at_once({name: partial(self._told, one) for name, one in asked.items()})

    def stream(self, asked: Asked) -> Streamed:
        """An answer that begins at once and goes on."""

        def begin() -> Streamed:
            pieces, status, headers = run_wsgi_app(self._application, self._environ(asked))
            return Streamed(int(status.split()[0]), headers, pieces)

        return self._at_once({"it": begin})["it"]

    def _told(self, asked: Asked) -> Told:
        pieces, status, headers = run_wsgi_app(
            self._application, self._environ(asked), buffered=True
        )
        return Told(int(status.split()[0]), headers, b"".join(pieces))

    def _environ(self, asked: Asked) -> "WSGIEnvironment":
        data = asked.raw if asked.body is None else json.dumps(asked.body).encode()
        kind = asked.content_type or ("application/json" if asked.body is not None else None)
        builder = EnvironBuilder(
            path=asked.target,
            method=asked.method,
            headers=Headers(self._headers),
            data=data or b"",
            content_type=kind,
            environ_overrides=self._base,
        )
        try:
            return builder.get_environ()
        finally:
            builder.close()

    def _at_once(self, wanted: Mapping[str, Callable[[], T]]) -> dict[str, T]:
        # In threads also where it is one: the request in hand keeps its own context and log words.
        with ThreadPoolExecutor(max_workers=min(AT_ONCE, len(wanted))) as pool:
            begun = {name: pool.submit(call) for name, call in wanted.items()}
            return {name: one.result() for name, one in begun.items()}
