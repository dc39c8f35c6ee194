"""Clients who come by way of a proxy of ours (an ingress, a TLS terminator): who they are.

Without it everybody would have the proxy's address, and be kept waiting for what anybody did.
"""

import ipaddress
from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask, abort, request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def networks_of(texts: Iterable[str]) -> tuple[Network, ...]:
    """Addresses and networks (`10.0.0.0/8`) as written. Raises ValueError naming the wrong one."""
    return tuple(ipaddress.ip_network(text.strip()) for text in texts if text.strip())


def behind(application: "WSGIApplication", proxies: tuple[Network, ...]) -> "WSGIApplication":
    """The application, told of each client what trusted proxies say of it.

    X-Forwarded-For is believed from them only, and only up to the first hop (from the right) that
    is none: everything left of it was written by whoever called. So is X-Forwarded-Proto.
    """

    def told(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        peer = _address(environ.get("REMOTE_ADDR", ""))
        if _is_in(peer, proxies):
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
    while hops and _is_in(peer, proxies):
        before = _address(hops.pop())
        if before is None:
            return peer
        peer = before
    return peer


def _is_in(address: Address | None, networks: tuple[Network, ...]) -> bool:
    return address is not None and any(address in network for network in networks)


def _address(text: str) -> Address | None:
    """As proxies write it: with a port or without, IPv4 also in the dress of IPv6."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
