"""Daraja's access tokens."""

import base64
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Final

from simulators.kept import Kept
from simulators.stk import DarajaError

LIFETIME: Final = timedelta(seconds=3599)
TOKENS_KEPT: Final = 1000


class Tokens:
    """Issues tokens against the consumer key and secret, and knows which still hold."""

    def __init__(self, *, consumer_key: str, consumer_secret: str) -> None:
        clear = f"{consumer_key}:{consumer_secret}".encode()
        self._credentials = b"Basic " + base64.b64encode(clear)
        self._expires: Kept[str, datetime] = Kept(TOKENS_KEPT)

    def accepts(self, authorization: str | None) -> bool:
        """Whether it is Basic authorization with the right key and secret."""
        return hmac.compare_digest((authorization or "").encode(), self._credentials)

    def issue(self, now: datetime) -> str:
        """A token for the next hour, less a second."""
        token = secrets.token_urlsafe(21)
        self._expires.add(token, now + LIFETIME)
        return token

    def check(self, authorization: str | None, now: datetime) -> None:
        """Raise DarajaError unless it is Bearer authorization with a token that still holds."""
        if not authorization:
            raise DarajaError(404, "404.001.04", "Invalid Authentication Header")
        scheme, _, token = authorization.partition(" ")
        expires = self._expires.get(token.strip())
        if scheme.lower() != "bearer" or expires is None or expires <= now:
            raise DarajaError(404, "404.001.03", "Invalid Access Token")

    def forget(self) -> None:
        """Let no token hold any longer, as happens at Safaricom now and then."""
        self._expires.clear()
