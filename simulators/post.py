"""Posting to the product, as the outside world does."""

from typing import Final

import requests

POST_TIMEOUT: Final = 10.0


def post_once(url: str, body: bytes, headers: dict[str, str]) -> int:
    """Post to wherever it is addressed, and return the status; requests' errors come through.

    A connection of its own each time: one kept open may be closed by the other side just when
    it is used again, and a message lost that way is one that nobody meant to lose.
    """
    with requests.Session() as http:
        http.trust_env = False
        response = http.post(
            url, data=body, headers=headers, timeout=POST_TIMEOUT, allow_redirects=False
        )
        return response.status_code
