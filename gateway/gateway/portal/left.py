"""What is left of a guest's access: time and data, as radius-service counts them."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import urlencode

import jwt

from gateway.forwarding import headers_of_gateway
from gateway.services import Call, Services
from hotspot.contract.table import RADIUS
from hotspot.web.auth import ALGORITHM, ISSUER
from hotspot.web.problem import Problem

_TOKEN_LIVES = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class Left:
    """`bytes_left`: None where data is not capped."""

    state: Literal["online", "ready", "none"]
    until: datetime | None = None
    seconds: int = 0
    bytes_left: int | None = None


NOTHING = Left(state="none")


class Remaining:
    """Asks radius-service on behalf of a guest, as a reader: guests have no account."""

    def __init__(self, services: Services, private_key: str) -> None:
        self._services = services
        self._private_key = private_key

    def to(self, now: datetime, **whose: str) -> Left | None:
        """What is left to a `username`, a `mac` or an `ip`; None where that cannot be known."""
        headers = {"Authorization": f"Bearer {self._token(now)}"}
        call = Call(
            method="GET",
            target=f"/api/v1/access?{urlencode(whose)}",
            headers=headers_of_gateway() | headers,
        )
        try:
            answer = self._services.ask(RADIUS.name, call)
            return _left(json.loads(answer.body)) if answer.status == 200 else None
        except (Problem, ValueError, KeyError, TypeError):
            return None  # the page says less, and works

    def _token(self, now: datetime) -> str:
        claims = {
            "sub": "gateway",
            "role": "viewer",
            "type": "access",
            "iss": ISSUER,
            "iat": now,
            "exp": now + _TOKEN_LIVES,
        }
        return jwt.encode(claims, self._private_key, algorithm=ALGORITHM)


def _left(body: dict[str, object]) -> Left:
    state, until, capped = body["state"], body["until"], body["bytes_left"]
    if state not in ("online", "ready") or not isinstance(until, str):
        return NOTHING
    return Left(
        state="online" if state == "online" else "ready",
        until=datetime.fromisoformat(until),
        seconds=int(str(body["seconds_left"])),
        bytes_left=capped if isinstance(capped, int) else None,
    )
