"""POST to a gateway, and what each way to fail means for a message that must not go twice."""

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import requests
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError

from notification_service.gateways import (
    GatewayBusy,
    GatewayNotReached,
    GatewayRefusesUs,
    NoClearAnswer,
    clean,
)

CONNECT_SECONDS = 5.0
# Below the job's 30 s, so that a gateway that hangs is told apart from a worker that does.
READ_SECONDS = 15.0
BUSY_FOR = timedelta(seconds=30)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What came back: success, or 400 with the gateway's complaint about the message."""

    status: int
    text: str

    @property
    def is_complaint(self) -> bool:
        """Whether the gateway refused the request for what is in it."""
        return self.status == 400


def post(
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None,
    json: Mapping[str, str] | None = None,
    secrets: Sequence[str],
    read_seconds: float = READ_SECONDS,
) -> Reply:
    """POST once. Raises a Retry where nothing was sent for certain, else NoClearAnswer.

    `secrets` are struck out of what comes back: error pages like to repeat what they were sent,
    and what gateways say is logged and shown.
    """
    with requests.Session() as session:
        # A connection of its own for each message: an idle one that the gateway closes just as it
        # is used again would leave open whether the message was taken.
        session.trust_env = False
        try:
            response = session.post(
                url,
                headers=headers,
                data=form,
                json=json,
                timeout=(CONNECT_SECONDS, read_seconds),
                allow_redirects=False,
            )
        except requests.RequestException as error:
            kind = type(error).__name__
            if _never_left(error):
                raise GatewayNotReached(f"no connection to the SMS gateway: {kind}") from error
            raise NoClearAnswer(f"the SMS gateway did not answer: {kind}") from error
    text = response.text
    for secret in secrets:
        text = text.replace(secret, "***")
    return _judged(response.status_code, text)


def _judged(status: int, text: str) -> Reply:
    said = clean(text)
    if 200 <= status < 300 or status == 400:
        return Reply(status=status, text=text)
    if status in (408, 429, 503):
        raise GatewayBusy(f"the SMS gateway is busy: HTTP {status}", after=BUSY_FOR)
    if status >= 500:
        raise NoClearAnswer(f"the SMS gateway failed: HTTP {status} {said}")
    raise GatewayRefusesUs(f"the SMS gateway refuses us: HTTP {status} {said}")


def _never_left(error: requests.RequestException) -> bool:
    cause = error.args[0] if error.args else None
    if isinstance(cause, MaxRetryError):
        cause = cause.reason
    if isinstance(cause, NewConnectionError | ConnectTimeoutError):
        return True
    return any(isinstance(one, ssl.SSLCertVerificationError) for one in getattr(cause, "args", ()))
