"""Routes by which operators get tokens."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from flask import Response, current_app, g, request
from flask_smorest import Blueprint
from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway import accounts, operators, tokens
from gateway.account_schemas import (
    GrantSchema,
    LoginGrantSchema,
    LoginSchema,
    PasswordSchema,
    RefreshSchema,
)
from gateway.guessing import Attempt, LoginThrottle
from gateway.identity import caller, operator_of
from gateway.models import Operator
from gateway.operators import Passwords
from hotspot.web.app import config_of, now
from hotspot.web.auth import Caller
from hotspot.web.openapi import refuses
from hotspot.web.problem import Problem

_TOO_OFTEN = "Too many tries: each wrong one doubles the wait."


def login_blueprint(throttle: LoginThrottle, passwords: Passwords) -> Blueprint:
    """/auth: token, refresh, logout (here or everywhere) and password."""
    blueprint = Blueprint("login", __name__, url_prefix="/api/v1/auth")

    @blueprint.post("/token")
    @blueprint.arguments(LoginSchema)
    @blueprint.response(200, LoginGrantSchema)
    @refuses({401: "E-mail address or password is wrong.", 429: _TOO_OFTEN})
    def log_in(body: dict[str, str]) -> dict[str, Any]:
        """Log in with e-mail address and password.

        Send the `device_token` of an earlier answer with it: then nobody else's wrong tries keep
        you waiting.
        """
        with open_accounts() as session, session.begin():
            operator = operators.by_email(session, body["email"])
            device = _device(body.get("device_token"), operator)
            if not _is_right(throttle, passwords, operator, body, device):
                raise Problem(401, "wrong-credentials", "E-mail address or password is wrong.")
            assert operator is not None
            # For the audit: from here on it is known who this is.
            g.caller = Caller(subject=str(operator.id), role=operator.role)
            key = config_of().jwt_private_key
            return asdict(tokens.log_in(session, operator, key, now(), device))

    @blueprint.post("/refresh")
    @blueprint.arguments(RefreshSchema)
    @blueprint.response(200, GrantSchema)
    @refuses({401: "The login has ended, or the token was used already."})
    def refresh(body: dict[str, str]) -> dict[str, Any]:
        """Get the next tokens; the refresh token is good for this one use."""
        with open_accounts() as session, session.begin():
            token, key = body["refresh_token"], config_of().jwt_private_key
            granted = tokens.refresh(session, token, key, now())
        if granted is None:
            raise Problem(401, "wrong-credentials", "This login has ended: log in again.")
        return asdict(granted)

    @blueprint.post("/logout")
    @blueprint.arguments(RefreshSchema)
    @blueprint.response(204)
    def log_out(body: dict[str, str]) -> Response:
        """End a login: its refresh token is worthless from now on."""
        with open_accounts() as session, session.begin():
            tokens.log_out(session, body["refresh_token"], now())
        return Response(status=204)

    @blueprint.post("/logout-everywhere")
    @blueprint.response(204)
    @refuses({403: "API keys have no logins."})
    def log_out_everywhere() -> Response:
        """End all of one's own logins. Access tokens live on for their few minutes."""
        operator_id = operator_of(caller())
        if operator_id is None:
            raise Problem(403, "forbidden", "An API key has no logins: revoke it instead.")
        with open_accounts() as session, session.begin():
            tokens.revoke_all(session, operator_id, now())
        return Response(status=204)

    @blueprint.post("/password")
    @blueprint.arguments(PasswordSchema)
    @blueprint.response(200, LoginGrantSchema)
    @refuses({403: "API keys have no password, or the current one is wrong.", 429: _TOO_OFTEN})
    def change_password(body: dict[str, str]) -> dict[str, Any]:
        """Change one's own password. It ends all of one's logins; the answer begins a new one."""
        who = caller()
        with open_accounts() as session, session.begin():
            wanted = select(Operator).where(Operator.id == operator_of(who)).with_for_update()
            operator = session.scalar(wanted)
            if operator is None:
                raise Problem(403, "forbidden", "An API key has no password; or the account went.")
            tried = {"email": operator.email, "password": body["current"]}
            # Who has the access token is a place of their own, and cannot keep logins waiting.
            if not _is_right(throttle, passwords, operator, tried, operator.id):
                raise Problem(403, "wrong-password", "The current password is wrong.")
            accounts.set_password(session, operator, body["new"], passwords, now())
            return asdict(tokens.log_in(session, operator, config_of().jwt_private_key, now()))

    return blueprint


def open_accounts() -> Session:
    """A session that may write: logins and accounts are the gateway's own rows (ADR 5)."""
    return Session(current_app.extensions["engine"])


def _is_right(
    throttle: LoginThrottle,
    passwords: Passwords,
    operator: Operator | None,
    body: dict[str, str],
    device: UUID | None,
) -> bool:
    """Whether the password is right. Raises TooOften before it is looked at."""
    attempt = Attempt(email=body["email"], address=request.remote_addr or "", device=device)
    with throttle.turn_of(attempt):
        throttle.check(attempt)
        if not passwords.are_of(operator, body["password"]):
            throttle.count_wrong(attempt)
            return False
        throttle.forget(attempt)
        return True


def _device(token: str | None, operator: Operator | None) -> UUID | None:
    if not token or operator is None:
        return None
    return tokens.device_of(token, operator.id, config_of().jwt_public_key)
