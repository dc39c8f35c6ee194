"""Talking to the running system over HTTP: the gateway as its owner, and the stand-ins."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import jwt
import requests

from hotspot.command.errors import Unable
from hotspot.command.system import Running

_TIMEOUT = 10.0  # seconds
_TOKEN_LIVES = timedelta(minutes=2)

Body = Mapping[str, Any]


class ApiError(Unable):
    """The system answered otherwise than hoped, or not at all; the text is its own reason."""

    def __init__(self, text: str, status: int | None = None) -> None:
        super().__init__(text)
        self.status = status


class Api:
    """One HTTP server of the running system."""

    def __init__(self, base: str, token: str | None = None) -> None:
        self._base = base
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy stands between a machine and itself
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def with_token(self, token: str) -> "Api":
        """The same server for somebody else."""
        return Api(self._base, token)

    def get(self, path: str, **headers: str) -> Body:
        """GET an object."""
        return self._call("GET", path, None, headers)

    def post(self, path: str, body: Body | None = None) -> Body:
        """POST an object."""
        return self._call("POST", path, body if body is not None else {}, {})

    def delete(self, path: str) -> Body:
        """DELETE."""
        return self._call("DELETE", path, None, {})

    def page(self, path: str, form: Mapping[str, str] | None = None) -> str:
        """The text of a page as a browser gets it, after redirects."""
        url = path if "://" in path else self._base + path
        try:
            answer = self._session.request(
                "POST" if form else "GET", url, data=form, timeout=_TIMEOUT
            )
        except requests.RequestException as error:
            raise ApiError(f"{url}: {error}") from error
        if not answer.ok:
            raise ApiError(f"{url}: {answer.status_code}", answer.status_code)
        return answer.text

    def items(self, path: str) -> Sequence[Body]:
        """GET a list, all of its pages."""
        found: list[Body] = []
        cursor = ""
        while True:
            page = self.get(f"{path}?limit=200{cursor}")
            found.extend(page["items"])
            if not page.get("next"):
                return found
            cursor = f"&cursor={page['next']}"

    def _call(self, method: str, path: str, body: Body | None, headers: Mapping[str, str]) -> Body:
        url = self._base + path
        try:
            answer = self._session.request(
                method, url, json=body, headers=dict(headers), timeout=_TIMEOUT
            )
        except requests.RequestException as error:
            raise ApiError(f"{method} {url}: {error}") from error
        content = _json(answer)
        if answer.ok:
            return content
        reason = content.get("detail") or content.get("title") or answer.reason
        errors = content.get("errors")
        detail = f" {json.dumps(errors)}" if errors else ""
        raise ApiError(
            f"{reason}{detail} ({method} {path}: {answer.status_code})", answer.status_code
        )


def gateway_as_owner(running: Running, now: datetime) -> Api:
    """The gateway, called with a token that this machine's owner may sign for themselves."""
    key = running.environments["gateway-web"]["JWT_PRIVATE_KEY"].replace("\\n", "\n")
    claims = {
        "sub": "command",
        "role": "owner",
        "type": "access",
        "iss": "hotspot",
        "iat": now,
        "exp": now + _TOKEN_LIVES,
    }
    return Api(running.url("gateway"), jwt.encode(claims, key, algorithm="EdDSA"))


def _json(answer: requests.Response) -> dict[str, Any]:
    try:
        content = answer.json()
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {"items": content}
