"""Clients' requests on their way to the service that owns them, and the answers back."""

import json
import socket
from urllib.parse import quote

from flask import Flask, Response, g, request

from gateway.door import ROUTES, SUPPORT, Route
from gateway.identity import caller_if_told
from gateway.services import Answer, Call, Services, Stream, end_to_end
from gateway.throttle import Throttle, network_of
from hotspot.contract.table import PAYMENT
from hotspot.phone import normalize

# Ours to say, or meant for the gateway alone.
NOT_PASSED_ON = frozenset(
    {
        "content-length",
        "cookie",
        "expect",
        "forwarded",
        "host",
        "x-api-key",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-request-id",
    }
)
# Told by payment-service of a claim, and nobody else's business (`ask_to_claim`)
OWN_RECEIPT = "X-Own-Receipt"
NOT_PASSED_BACK = frozenset({"date", "server", "x-request-id", OWN_RECEIPT.lower()})
MOST_UNSENT = 64 * 1024
# What query strings may hold beside letters and digits (RFC 3986), with `%` left alone.
_QUERY = "!$%&'()*+,/:;=?@-._~"


def add_forwarded_routes(app: Flask, services: Services, throttle: Throttle) -> None:
    """Serve each row of the table that a service answers."""
    for row in ROUTES:
        if row.is_passed_on:
            _add(app, row, services, throttle)


def pass_on(row: Route, services: Services) -> Response:
    """Ask the service what the client asks. Raises ServiceFailed."""
    call = call_of_request()
    if not row.streams:
        return _response(services.ask(row.service.name, call), services.urls[row.service.name])
    found = services.stream(row.service.name, call)
    return _response(found, services.urls[row.service.name])


def ask_to_pay(services: Services, throttle: Throttle, call: Call) -> Answer:
    """Pass a wish to pay on, unless its phone was prompted often enough. Raises TooOften."""
    phone, key = phone_in(call.body), call.headers.get("Idempotency-Key")
    if phone is None:  # the service says what is wrong with it, beside what else is wrong
        return services.ask(PAYMENT.name, call)
    with throttle.turn_of(phone):
        throttle.check_prompt(phone, key)
        answer = services.ask(PAYMENT.name, call)
        if answer.status == 202:
            replayed = answer.header("Idempotent-Replayed").lower() == "true"
            throttle.count_prompt(phone, key, replayed=replayed)
    return answer


def ask_to_redeem(services: Services, throttle: Throttle, call: Call) -> Answer:
    """Pass a voucher's code on, unless its sender is guessing. Raises TooOften."""
    address = request.remote_addr or ""
    with throttle.turn_of(f"code/{network_of(address)}"):
        throttle.check_code(address)
        answer = services.ask(PAYMENT.name, call)
        if answer.status == 404:
            throttle.count_wrong_code(address)
    return answer


def ask_to_claim(services: Services, throttle: Throttle, call: Call) -> Answer:
    """Pass a receipt on, unless its sender is guessing. Raises TooOften; staff may always ask."""
    phone, address = phone_in(call.body), request.remote_addr or ""
    if phone is None or _is_staff():
        return services.ask(PAYMENT.name, call)
    with throttle.turn_of(f"claim/{network_of(address)}"), throttle.turn_of(f"claim/{phone}"):
        throttle.check_claim(phone, address)
        answer = services.ask(PAYMENT.name, call)
        if answer.status == 202:
            throttle.count_claim(phone, address, is_own=bool(answer.header(OWN_RECEIPT)))
    return answer


def call_of_request() -> Call:
    """The request in hand as a service shall see it."""
    query = quote(request.query_string, safe=_QUERY)
    return Call(
        method=request.method,
        target=quote(request.path) + (f"?{query}" if query else ""),
        headers=_headers_of_client() | _identity() | headers_of_gateway(),
        body=request.get_data(),
    )


def headers_of_gateway() -> dict[str, str]:
    """What a service shall know of the request that it answers a part of."""
    return {
        "X-Request-ID": g.request_id,
        "X-Forwarded-For": request.remote_addr or "",
        "X-Forwarded-Host": request.host,
        "X-Forwarded-Proto": request.scheme,
    }


def phone_in(body: bytes) -> str | None:
    """The phone to be prompted, in its one form; None where the body names none."""
    try:
        asked = json.loads(body)
        return normalize(asked["phone"]) if isinstance(asked["phone"], str) else None
    except (ValueError, KeyError, TypeError, RecursionError):  # not JSON, no phone, or a bad one
        return None


def hold_no_longer_than(seconds: float) -> None:
    """End the client's connection where it takes nothing for so long.

    A phone that left the network without a word would keep its stream open for many minutes; and
    what one that takes nothing is sent would pile up in the kernel by megabytes.
    """
    connection = request.environ.get("gunicorn.socket")
    if connection is not None:
        connection.settimeout(seconds)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MOST_UNSENT)
        # Linux: also where so little is sent that it never piles up
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(seconds * 1000))


# What may not be asked as often as anybody likes.
LIMITED = {
    ("POST", "/api/v1/payments"): ask_to_pay,
    ("POST", "/api/v1/payments/claim"): ask_to_claim,
    ("POST", "/api/v1/vouchers/redeem"): ask_to_redeem,
}


def _add(app: Flask, row: Route, services: Services, throttle: Throttle) -> None:
    def view(**_: object) -> Response:
        request.max_content_length = row.largest_body
        limited = LIMITED.get((row.method, row.path))
        if limited is not None:
            answer = limited(services, throttle, call_of_request())
            return _response(answer, services.urls[PAYMENT.name])
        return pass_on(row, services)

    app.add_url_rule(row.path, f"{row.method} {row.path}", view, methods=[row.method])


def _is_staff() -> bool:
    """Whether an operator asks who may claim for guests. Raises Problem 401 for a wrong token."""
    who = caller_if_told()
    return who is not None and who.may_act_as(SUPPORT)


def _identity() -> dict[str, str]:
    """What stands for an API key at a service."""
    return {"Authorization": g.authorization} if "authorization" in g else {}


def _headers_of_client() -> dict[str, str]:
    return {
        name: value
        for name, value in end_to_end(request.headers.items())
        if name.lower() not in NOT_PASSED_ON
    }


def _response(found: Answer | Stream, base_url: str) -> Response:
    response = Response(found.pieces() if isinstance(found, Stream) else found.body)
    response.status_code = found.status
    response.headers.clear()
    for name, value in found.headers:
        lower = name.lower()
        if lower in NOT_PASSED_BACK or (lower == "content-length" and request.method != "HEAD"):
            continue
        relative = value.removeprefix(base_url) if lower == "location" else value
        response.headers.add(name, relative)
    if isinstance(found, Stream):
        # Not in the generator: one that was never begun runs no `finally`.
        response.call_on_close(found.close)
        response.headers["X-Accel-Buffering"] = "no"
        hold_no_longer_than(30)
    elif request.method != "HEAD":
        response.content_length = len(found.body)
    return response
