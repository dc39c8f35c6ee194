"""Calling the services over HTTP, on behalf of clients: one pool of connections, three errors."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import TypeVar

import requests
import structlog
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, NewConnectionError, ReadTimeoutError

from hotspot.web.problem import Problem

log = structlog.get_logger()

T = TypeVar("T")

LARGEST_ANSWER = 8 * 1024 * 1024
PIECE = 64 * 1024

# RFC 9110 section 7.6.1: these belong to one connection, whatever `Connection` names beside them.
HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)

Headers = tuple[tuple[str, str], ...]


class ServiceFailed(Problem):
    """A service gave no usable answer: 502, 503 or 504, saying which and what to do."""


class CutOff(Exception):
    """A service broke off in the middle of an answer whose beginning is with the client already."""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long to wait for a service, in seconds.

    `silence`: between two pieces of a stream; services send a comment every 15 s.
    """

    connect: float = 2.0
    answer: float = 10.0
    silence: float = 35.0


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request for a service. `target`: path and query, already escaped."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def may_be_repeated(self) -> bool:
        """Whether doing it twice does no more than doing it once."""
        return self.method in ("GET", "HEAD") or "Idempotency-Key" in self.headers


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A whole answer, without what belongs to the connection that it came by."""

    status: int
    headers: Headers
    body: bytes

    def header(self, name: str) -> str:
        """A header's value; empty where there is none."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


class Stream:
    """An answer that is passed on piece by piece, as it arrives."""

    def __init__(self, service: str, response: requests.Response) -> None:
        self.status = response.status_code
        self.headers = end_to_end(response.raw.headers.items())
        self._service = service
        self._response = response

    def pieces(self) -> Iterator[bytes]:
        """What arrives, at once. Raises CutOff."""
        raw: urllib3.HTTPResponse = self._response.raw
        try:
            while piece := raw.read1(PIECE, decode_content=False):
                yield piece
        except HTTPError as error:
            log.warning("stream cut off", service=self._service, error=str(error))
            if not self._is_event_stream():
                raise CutOff(f"{self._service}-service broke off: {error}") from error
            # Events are whole in themselves, and their listeners come back: this is an end.

    def close(self) -> None:
        """End it at the service too. Also right for a stream that nobody began to read."""
        self._response.close()

    def _is_event_stream(self) -> bool:
        kind = self._response.headers.get("Content-Type", "")
        return kind.startswith("text/event-stream")


class Services:
    """The services by name. Works under real threads and under gevent alike."""

    def __init__(self, urls: Mapping[str, str], patience: Patience | None = None) -> None:
        self.urls = urls
        self._patience = patience or Patience()
        self._session = requests.Session()
        self._session.headers.clear()
        self._session.trust_env = False  # no proxies, and no .netrc in place of a guest's token
        # One client's cookie must never travel with another's request.
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        adapter = HTTPAdapter(pool_connections=len(urls) + 1, pool_maxsize=1000)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    def ask(self, service: str, call: Call) -> Answer:
        """The whole answer of a service. Raises ServiceFailed."""
        latest = time.monotonic() + self._patience.answer
        response = self._open(service, call, self._patience.answer)
        try:
            return Answer(
                status=response.status_code,
                headers=end_to_end(response.raw.headers.items()),
                body=self._whole(service, response.raw, latest),
            )
        finally:
            response.close()

    def stream(self, service: str, call: Call) -> Stream | Answer:
        """An open stream, or the whole answer where it is none. Raises ServiceFailed."""
        latest = time.monotonic() + self._patience.silence
        response = self._open(service, call, self._patience.silence)
        stream = Stream(service, response)
        if response.status_code == 200 and call.method != "HEAD":
            return stream
        try:
            body = self._whole(service, response.raw, latest)
            return Answer(status=stream.status, headers=stream.headers, body=body)
        finally:
            stream.close()

    def _open(self, service: str, call: Call, patience: float) -> requests.Response:
        """Send, and wait for the status line."""
        tries = 2 if call.may_be_repeated else 1  # a kept connection may have died in the pool
        while True:
            tries -= 1
            try:
                return self._session.request(
                    call.method,
                    self.urls[service] + call.target,
                    headers=dict(call.headers),
                    data=call.body,
                    stream=True,
                    allow_redirects=False,
                    timeout=(self._patience.connect, patience),
                )
            except requests.Timeout as error:
                raise _too_slow(service, error) from error
            except requests.RequestException as error:
                if _was_refused(error):
                    raise _away(service) from error
                if not tries:
                    raise _broke_off(service, error) from error

    def _whole(self, service: str, raw: urllib3.HTTPResponse, latest: float) -> bytes:
        body = bytearray()
        try:
            while piece := raw.read1(PIECE, decode_content=False):
                body += piece
                if len(body) > LARGEST_ANSWER:
                    raise _broke_off(service, ValueError("the answer is too large"))
                if time.monotonic() > latest:  # a drop at a time would hold the client for ever
                    raise _too_slow(service, TimeoutError("the answer came too slowly"))
        except ReadTimeoutError as error:
            raise _too_slow(service, error) from error
        except HTTPError as error:
            raise _broke_off(service, error) from error
        return bytes(body)


def of_each(services: Services, ask: Callable[[str], T]) -> dict[str, T]:
    """Ask all services at once: one that hangs must not add its wait to that of the others."""
    names = list(services.urls)
    if not names:
        return {}
    with ThreadPoolExecutor(max_workers=len(names)) as pool:
        return dict(zip(names, pool.map(ask, names), strict=True))


def end_to_end(headers: Iterable[tuple[str, str]]) -> Headers:
    """The headers that are meant for the other end."""
    given = list(headers)
    named = {
        token.strip().lower()
        for name, value in given
        if name.lower() == "connection"
        for token in value.split(",")
    }
    return tuple(
        (name, value)
        for name, value in given
        if name.lower() not in HOP_BY_HOP and name.lower() not in named
    )


def _was_refused(error: requests.RequestException) -> bool:
    """Whether nothing was sent, because nobody took the connection."""
    cause = error.args[0] if error.args else None
    return isinstance(getattr(cause, "reason", None), NewConnectionError)


def _away(service: str) -> ServiceFailed:
    log.warning("service unreachable", to=service)
    return ServiceFailed(
        503,
        "service-unavailable",
        f"{service}-service cannot be reached. Nothing was done: try again in a moment.",
        headers={"Retry-After": "2"},
    )


def _too_slow(service: str, error: Exception) -> ServiceFailed:
    log.warning("service too slow", to=service, error=str(error))
    if isinstance(error, requests.ConnectTimeout):
        return _away(service)
    return ServiceFailed(
        504,
        "service-too-slow",
        f"{service}-service did not answer in time. What was asked may still be done:"
        " look before you ask again.",
    )


def _broke_off(service: str, error: Exception) -> ServiceFailed:
    log.warning("service gave no usable answer", to=service, error=str(error))
    return ServiceFailed(
        502,
        "bad-answer",
        f"{service}-service broke off its answer. What was asked may have been done:"
        " look before you ask again.",
    )
