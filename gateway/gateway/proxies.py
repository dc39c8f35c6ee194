"""Clients who come by way of a proxy of ours (an ingress, a TLS terminator): who they are.

Without it everybody would have the proxy's address, and be kept waiting for what anybody did.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask, abort, request

from hotspot.addresses import Address, Network, address_of, is_in

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def behind(application: "WSGIApplication", proxies: tuple[Network, ...]) -> "WSGIApplication":
    """The application, told of each client what trusted proxies say of it.

    X-Forwarded-For is believed from them only, and only up to the first hop (from the right) that
    is none: everything left of it was written by whoever called. So is X-Forwarded-Proto.
    """

    def told(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        peer = address_of(environ.get("REMOTE_ADDR", ""))
        if is_in(peer, proxies):
            hops = environ.get("HTTP_X_FORWARDED_FOR", "").split(",")
            environ["REMOTE_ADDR"] = str(_client(peer, hops, proxies))
            scheme = environ.get("HTTP_X_FORWARDED_PROTO", "").rpartition(",")[2].strip().lower()
            if scheme in ("http", "https"):
                environ["wsgi.url_scheme"] = scheme
        return application(environ, start_response)

    return told


def keep_figures_inside(app: Flask) -> None:
    """Show /metrics only to who asks directly: whoever comes by way of a proxy may be a guest."""

    @app.before_request
    def not_by_proxy() -> None:
        if request.path == "/metrics" and "X-Forwarded-For" in request.headers:
            abort(404)


def _client(peer: Address | None, hops: list[str], proxies: tuple[Network, ...]) -> Address | None:
    """The last hop that is no proxy of ours; the nearest that makes sense where one is nonsense."""
    while hops and is_in(peer, proxies):
        before = address_of(hops.pop())
        if before is None:
            return peer
        peer = before
    return peer
