"""Whose word about a client's address counts."""

import pytest
from flask import Flask
from werkzeug.test import Client
from werkzeug.wrappers import Request, Response

from gateway.proxies import behind, keep_figures_inside
from hotspot.addresses import networks_of

OURS = networks_of(["10.0.0.7", "192.168.0.0/16", "fd00::/8"])


@Request.application
def told(request: Request) -> Response:
    """Answers who is said to ask, and how they came."""
    return Response(f"{request.remote_addr} {request.scheme}")


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        ("203.0.113.9", "1.2.3.4", "203.0.113.9"),  # nobody's word
        ("10.0.0.7", "1.2.3.4", "1.2.3.4"),
        ("10.0.0.7", "6.6.6.6, 1.2.3.4", "1.2.3.4"),  # what the client wrote itself
        ("10.0.0.7", "6.6.6.6, 1.2.3.4, 192.168.1.1", "1.2.3.4"),
        ("10.0.0.7", "1.2.3.4:5678", "1.2.3.4"),
        ("fd00::1", "[2001:db8::1]:443", "2001:db8::1"),
        ("::ffff:10.0.0.7", "::ffff:1.2.3.4", "1.2.3.4"),
        ("10.0.0.7", "", "10.0.0.7"),
        ("10.0.0.7", "6.6.6.6, nonsense", "10.0.0.7"),
    ],
)
def test_a_client_is_the_first_hop_that_no_proxy_of_ours_vouches_for(
    peer: str, forwarded_for: str, client: str
) -> None:
    headers = {"X-Forwarded-For": forwarded_for, "X-Forwarded-Proto": "https"}
    asking = Client(behind(told, OURS))
    answer = asking.get(headers=headers, environ_overrides={"REMOTE_ADDR": peer})
    scheme = "http" if peer == "203.0.113.9" else "https"
    assert answer.text == f"{client} {scheme}"


def test_without_proxies_nobody_is_believed() -> None:
    headers = {"X-Forwarded-For": "1.2.3.4", "X-Forwarded-Proto": "https"}
    asking = Client(behind(told, ()))
    answer = asking.get(headers=headers, environ_overrides={"REMOTE_ADDR": "10.0.0.7"})
    assert answer.text == "10.0.0.7 http"


def test_what_is_no_network_is_said() -> None:
    with pytest.raises(ValueError, match="has host bits"):
        networks_of(["10.0.0.7/8"])


def test_figures_are_for_those_who_ask_directly() -> None:
    app = Flask("gateway")
    app.add_url_rule("/metrics", "figures", view_func=lambda: "hotspot_alarm 0")
    app.add_url_rule("/api/v1/packages", "packages", view_func=lambda: "[]")
    keep_figures_inside(app)
    by_proxy = {"X-Forwarded-For": "1.2.3.4"}
    client = app.test_client()

    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", headers=by_proxy).status_code == 404
    assert client.get("/api/v1/packages", headers=by_proxy).status_code == 200
