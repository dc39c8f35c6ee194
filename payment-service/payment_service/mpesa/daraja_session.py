"""Requests to Daraja with a token that it accepts, and what is certain about those that failed."""

import time
from collections.abc import Callable, Mapping
from ssl import SSLCertVerificationError

import requests
import structlog
from requests.auth import AuthBase, HTTPBasicAuth
from urllib3.exceptions import MaxRetryError, NameResolutionError, NewConnectionError, SSLError

from payment_service.config import Config
from payment_service.mpesa import results
from payment_service.mpesa.api import DoNotRepeat, OutcomeUnknown, Reply, TryLater

log = structlog.get_logger()

CONNECT_SECONDS, READ_SECONDS = 3.05, 20.0
# A token is renewed this long before it ends, so that none ends on its way to Daraja.
TOKEN_MARGIN_SECONDS = 60.0
TOKEN_SECONDS = 3599.0
# Middle boxes forget quiet connections without a word, and a request into such a hole has an
# unknown outcome: start afresh rather than ask a guest twice.
IDLE_SECONDS = 20.0

_GENERATE = "/oauth/v1/generate?grant_type=client_credentials"


class DarajaSession:
    """The connection and the token of one process. Not for several threads at once."""

    def __init__(
        self,
        config: Config,
        *,
        http: requests.Session | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._http = http or requests.Session()
        self._monotonic = monotonic
        self._token = ""
        self._token_ends = 0.0
        self._used_at = 0.0

    def post(
        self, path: str, body: Mapping[str, str], *, read_seconds: float = READ_SECONDS
    ) -> Reply:
        """The reply to a request, with a token that Daraja accepts: renewed once where needed.

        Raises TryLater where it certainly never left, DoNotRepeat for wrong keys, else
        OutcomeUnknown.
        """
        for attempt in ("cached", "fresh"):
            token = self._access_token(renew=attempt == "fresh", read_seconds=read_seconds)
            reply = self._send(
                "POST", path, auth=_Bearer(token), json=body, read_seconds=read_seconds
            )
            if not reply.refuses_the_token:
                return reply
            log.info("daraja refuses the token", said=reply.described())
        raise TryLater("Daraja refuses a token that it has just given")

    def _access_token(self, *, renew: bool, read_seconds: float) -> str:
        if not renew and self._token and self._monotonic() < self._token_ends:
            return self._token
        auth = HTTPBasicAuth(self._config.daraja_consumer_key, self._config.daraja_consumer_secret)
        try:
            reply = self._send("GET", _GENERATE, auth=auth, read_seconds=read_seconds)
        except OutcomeUnknown as error:  # whatever became of it: no guest was prompted
            raise TryLater(f"no access token: {error}") from error
        token = reply.body.get("access_token")
        if reply.status in (400, 401, 403):
            log.error("daraja refuses DARAJA_CONSUMER_KEY and DARAJA_CONSUMER_SECRET")
            raise DoNotRepeat(results.MISCONFIGURED, f"OAuth: {reply.described()}")
        if reply.status != 200 or not isinstance(token, str) or not token:
            raise TryLater(f"no access token: {reply.described()}")
        self._token = token
        lives = _seconds(reply.body.get("expires_in"))
        self._token_ends = self._monotonic() + lives - TOKEN_MARGIN_SECONDS
        return token

    def _send(
        self,
        method: str,
        path: str,
        *,
        auth: AuthBase,
        read_seconds: float,
        json: Mapping[str, str] | None = None,
    ) -> Reply:
        """One request. Raises TryLater where it certainly never left, else OutcomeUnknown."""
        if self._monotonic() - self._used_at > IDLE_SECONDS:
            self._http.close()
        try:
            response = self._http.request(
                method,
                self._config.daraja_base_url + path,
                auth=auth,
                json=json,
                timeout=(CONNECT_SECONDS, read_seconds),
                allow_redirects=False,
            )
        except requests.RequestException as error:
            if _never_left(error):
                raise TryLater(f"Daraja is unreachable: {type(error).__name__}") from error
            raise OutcomeUnknown(f"no reply from Daraja: {type(error).__name__}") from error
        finally:
            self._used_at = self._monotonic()
        return Reply.of(response.status_code, response.text)


class _Bearer(AuthBase):
    """The token as `auth`: a header alone would be replaced by what a .netrc has for the host."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _never_left(error: requests.RequestException) -> bool:
    """Whether there was no connection: refused, unknown host, no answer, a false certificate."""
    if isinstance(error, requests.ConnectTimeout | requests.exceptions.ProxyError):
        return True
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    if isinstance(reason, SSLError):
        return any(isinstance(detail, SSLCertVerificationError) for detail in reason.args)
    return isinstance(reason, NewConnectionError | NameResolutionError)


def _seconds(value: object) -> float:
    """`expires_in`, which is a string of digits ("3599")."""
    text = str(value)
    return float(text) if text.isascii() and text.isdigit() else TOKEN_SECONDS
