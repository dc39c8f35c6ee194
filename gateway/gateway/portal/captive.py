"""The captive portal API (RFC 8908): whether a device must still log in, and how long it may stay.

A device asks without saying who it is, and routers hide guests behind their own address: so
whoever asks may name the device (`?mac=` or `?ip=`), and else it is known only where its address
reaches us as it is (ADR 25).
"""

import json

from flask import Blueprint, Response, request

from gateway.portal.guest import base_url
from gateway.portal.left import NOTHING, Left, Remaining
from gateway.portal.place import told
from gateway.portal.settings import PortalSettings
from gateway.throttle import Throttle
from hotspot.web.app import now
from hotspot.web.problem import Problem


def captive_blueprint(
    throttle: Throttle, remaining: Remaining, settings: PortalSettings
) -> Blueprint:
    """`GET /captive`."""
    blueprint = Blueprint("captive", __name__)

    @blueprint.get("/captive")
    def captive() -> Response:
        address = request.remote_addr or ""
        if not throttle.may_look(address):
            raise Problem(429, "too-many-requests", "Ask later.", headers={"Retry-After": "60"})
        left = _left(remaining, address)
        if left is None:
            # `true` would put the login page in front of somebody who is online.
            raise Problem(
                503, "unknown", "What is left is not known now.", headers={"Retry-After": "10"}
            )
        body = json.dumps(answer_for(left, f"{base_url(settings)}/"))
        response = Response(body, content_type="application/captive+json")
        response.headers["Cache-Control"] = "private, no-store"
        return response

    return blueprint


def answer_for(left: Left, portal: str) -> dict[str, object]:
    """The body of RFC 8908 section 5. Seconds and bytes are told to who is online only."""
    is_captive = left.state != "online"
    body: dict[str, object] = {
        "captive": is_captive,
        "user-portal-url": portal,
        "can-extend-session": True,
    }
    if not is_captive:
        body["seconds-remaining"] = left.seconds
        if left.bytes_left is not None:
            body["bytes-remaining"] = left.bytes_left
    return body


def _left(remaining: Remaining, address: str) -> Left | None:
    """What is left to who asks; None where that cannot be known now."""
    named = told(request.query_string, now())
    if named is not None and named.mac:
        return remaining.to(now(), mac=named.mac)
    ip = named.ip if named is not None and named.ip else address
    return remaining.to(now(), ip=ip) if ip else NOTHING
