"""Routes by which operators get tokens."""

from dataclasses import asdict
from typing import Any

from flask import current_app, request
from flask_smorest import Blueprint
from sqlalchemy.orm import Session

from gateway import operators, tokens
from gateway.schemas import GrantSchema, LoginSchema, RefreshSchema
from gateway.throttle import Throttle
from hotspot.web.app import config_of, now
from hotspot.web.problem import Problem


def login_blueprint(throttle: Throttle) -> Blueprint:
    """POST /auth/token and /auth/refresh."""
    blueprint = Blueprint("login", __name__, url_prefix="/api/v1/auth")

    @blueprint.post("/token")
    @blueprint.arguments(LoginSchema)
    @blueprint.response(200, GrantSchema)
    def log_in(body: dict[str, str]) -> dict[str, Any]:
        """Log in with e-mail address and password."""
        throttle.check_login(_address())
        with _accounts() as session, session.begin():
            operator = operators.who_logs_in(session, body["email"], body["password"])
            if operator is not None:
                key = config_of().jwt_private_key
                return asdict(tokens.log_in(session, operator, key, now()))
        throttle.count_wrong_login(_address())
        raise Problem(401, "wrong-credentials", "E-mail address or password is wrong.")

    @blueprint.post("/refresh")
    @blueprint.arguments(RefreshSchema)
    @blueprint.response(200, GrantSchema)
    def refresh(body: dict[str, str]) -> dict[str, Any]:
        """Get the next tokens; the refresh token is good for this one use."""
        throttle.check_login(_address())
        with _accounts() as session, session.begin():
            token, key = body["refresh_token"], config_of().jwt_private_key
            granted = tokens.refresh(session, token, key, now())
        if granted is None:
            throttle.count_wrong_login(_address())
            raise Problem(401, "wrong-credentials", "This login has ended: log in again.")
        return asdict(granted)

    return blueprint


def _address() -> str:
    return request.remote_addr or ""


def _accounts() -> Session:
    """A session that may write: logins are the gateway's own rows (see `gateway.tokens`)."""
    return Session(current_app.extensions["engine"])
