"""Posting to the product, as the outside world does."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import requests

POST_TIMEOUT: Final = 10.0


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One attempt to call back. `status` is None where no answer came."""

    at: datetime
    ms: int
    status: int | None
    error: str | None = None


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What the product answered."""

    status: int
    text: str


def post_once(
    url: str, body: bytes, headers: dict[str, str], timeout: float = POST_TIMEOUT
) -> Answered:
    """Post to wherever it is addressed; requests' errors come through.

    A connection of its own each time: one kept open may be closed by the other side just when
    it is used again, and a message lost that way is one that nobody meant to lose.
    """
    with requests.Session() as http:
        http.trust_env = False
        response = http.post(
            url, data=body, headers=headers, timeout=timeout, allow_redirects=False
        )
        return Answered(status=response.status_code, text=response.text)
