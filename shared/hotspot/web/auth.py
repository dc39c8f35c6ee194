"""Who calls: access tokens signed by the gateway, checked by each service for itself."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import wraps
from typing import ParamSpec, TypeVar

import jwt
from flask import current_app, g, request

from hotspot.web.problem import Problem

P = ParamSpec("P")
R = TypeVar("R")

# Each role may all that those before it may.
ROLES = ("viewer", "support", "operator", "owner")
ISSUER = "hotspot"
ALGORITHM = "EdDSA"


@dataclass(frozen=True, kw_only=True)
class Caller:
    """An operator, as the access token names them. `until`: when it expires."""

    subject: str
    role: str
    until: datetime | None = field(default=None, compare=False)

    def may_act_as(self, role: str) -> bool:
        """Whether this caller's role includes another."""
        return ROLES.index(self.role) >= ROLES.index(role)


def needs_role(role: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Only for operators of this role or a higher one: 401 without a token, 403 with too little."""

    def protect(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            caller = caller_of_request()
            if not caller.may_act_as(role):
                raise Problem(
                    403, "forbidden", f"This needs the role {role}; yours is {caller.role}."
                )
            return view(*args, **kwargs)

        checked.needs_role = role  # type: ignore[attr-defined]
        return checked

    return protect


def caller_of_request() -> Caller:
    """Who sent the request in hand. Raises Problem 401."""
    caller = caller_of_token(bearer_token(), current_app.config["HOTSPOT"].jwt_public_key)
    g.caller = caller
    return caller


def bearer_token() -> str:
    """The token of the Authorization header. Raises Problem 401."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise _unauthorized("Send `Authorization: Bearer <token>`.")
    return token.strip()


def caller_of_token(token: str, public_key: str) -> Caller:
    """The caller that a valid access token names. Raises Problem 401."""
    try:
        claims = jwt.decode(
            token,
            public_key,
            algorithms=[ALGORITHM],
            issuer=ISSUER,
            leeway=5,
            options={"require": ["sub", "role", "exp", "iat", "type"]},
        )
    except jwt.ExpiredSignatureError as error:
        raise _unauthorized("The access token has expired: get a new one.") from error
    except jwt.InvalidTokenError as error:
        raise _unauthorized("The access token is not valid.") from error
    if claims["type"] != "access" or claims["role"] not in ROLES:
        raise _unauthorized("This token is not an access token.")
    until = datetime.fromtimestamp(claims["exp"], UTC)
    return Caller(subject=str(claims["sub"]), role=str(claims["role"]), until=until)


def _unauthorized(detail: str) -> Problem:
    return Problem(401, "unauthorized", detail, headers={"WWW-Authenticate": "Bearer"})
