"""Who asks: an operator by access token, or a program by API key."""

from uuid import UUID

from flask import Flask, current_app, g, request

from gateway import keys, tokens
from hotspot.web.app import config_of, now
from hotspot.web.auth import Caller, caller_of_request
from hotspot.web.problem import Problem

HEADER = "X-API-Key"


def exchange_keys(app: Flask) -> None:
    """Have a key's owner known before any view runs, also where nobody needs to be.

    The services know no keys: they get an access token that is good for the one request.
    """
    app.before_request(_exchange)


def caller() -> Caller:
    """Who sent the request in hand. Raises Problem 401."""
    known: Caller | None = g.get("caller")
    return known or caller_of_request()


def caller_if_told() -> Caller | None:
    """Who sent it, where they say so. Raises Problem 401 for what is no right token."""
    told = "Authorization" in request.headers or "caller" in g
    return caller() if told else None


def is_key(who: Caller) -> bool:
    """Whether a program asks, not a person."""
    return who.subject.startswith(keys.OF_KEY)


def operator_of(who: Caller) -> UUID | None:
    """The account of the person who asks; None where it is no person."""
    try:
        return UUID(who.subject)
    except ValueError:
        return None


def _exchange() -> None:
    secret = request.headers.get(HEADER)
    if secret is None or "Authorization" in request.headers:
        return
    key = keys.find(current_app.extensions["engine"], secret, now())
    if key is None:
        raise Problem(401, "unauthorized", f"{HEADER} is not a key of ours, or was revoked.")
    g.caller = Caller(subject=keys.subject_of(key.id), role=key.role)
    g.caller_name = key.name
    token = tokens.for_one_request(g.caller, config_of().jwt_private_key, now())
    g.authorization = f"Bearer {token}"
