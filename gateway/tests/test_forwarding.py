"""What a guest asks reaches the service whole, and what the service says reaches the guest."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine
from werkzeug.serving import make_server

from hotspot.testing.identity import Keys

if TYPE_CHECKING:
    from .upstream import Upstream

PAYMENT = f"/api/v1/payments/{uuid4()}"


@pytest.fixture
def engine(one_database: Engine) -> Engine:
    return one_database


def test_the_answer_comes_back_with_its_status_and_headers(
    client: FlaskClient, upstream: "Upstream"
) -> None:
    upstream.answer(
        "/api/v1/payments",
        {"id": "1"},
        status=202,
        headers={"Location": "/api/v1/payments/1", "Idempotent-Replayed": "true"},
    )
    answer = client.post("/api/v1/payments?x=a%20b%2Fc", json={"phone": "nonsense"})
    assert (answer.status_code, answer.get_json()) == (202, {"id": "1"})
    assert answer.headers["Location"] == "/api/v1/payments/1"
    assert answer.headers["Idempotent-Replayed"] == "true"
    assert answer.headers["Content-Type"] == "application/json"
    assert upstream.seen[0].target == "/api/v1/payments?x=a%20b%2Fc"


def test_a_location_at_the_service_becomes_one_at_the_gateway(
    client: FlaskClient, upstream: "Upstream"
) -> None:
    upstream.answer("/api/v1/packages", {}, headers={"Location": f"{upstream.url}/api/v1/x"})
    assert client.get("/api/v1/packages").headers["Location"] == "/api/v1/x"


def test_what_matters_to_the_service_is_passed_on(
    client: FlaskClient, upstream: "Upstream"
) -> None:
    upstream.answer("/api/v1/payments", {}, status=202)
    client.post(
        "/api/v1/payments",
        data=b'{"phone": "?"}',
        headers={
            "Content-Type": "application/json",
            "Idempotency-Key": "k1",
            "Authorization": "Bearer claim",
            "X-Request-ID": "asked-7",
        },
    )
    (seen,) = upstream.seen
    assert seen.body == b'{"phone": "?"}'
    assert seen.headers["idempotency-key"] == "k1"
    assert seen.headers["authorization"] == "Bearer claim"
    assert seen.headers["x-request-id"] == "asked-7"
    assert seen.headers["x-forwarded-for"] == "127.0.0.1"


def test_what_belongs_to_the_clients_connection_is_not_passed_on(
    client: FlaskClient, upstream: "Upstream"
) -> None:
    upstream.answer("/api/v1/packages", {}, headers={"Connection": "X-Inner", "X-Inner": "1"})
    answer = client.get(
        "/api/v1/packages",
        headers={
            "Connection": "close, X-Private",
            "X-Private": "1",
            "Cookie": "a=b",
            "TE": "trailers",
            "X-Forwarded-For": "9.9.9.9",
        },
    )
    passed = upstream.seen[0].headers
    assert {"x-private", "cookie", "te"}.isdisjoint(passed)
    assert passed["x-forwarded-for"] == "127.0.0.1"
    assert "X-Inner" not in answer.headers


def test_a_request_without_an_id_gets_one_that_the_service_sees_too(
    client: FlaskClient, upstream: "Upstream"
) -> None:
    upstream.answer("/api/v1/packages", {})
    answer = client.get("/api/v1/packages")
    assert answer.headers["X-Request-ID"] == upstream.seen[0].headers["x-request-id"]


def test_one_guests_cookie_never_travels_with_anothers_request(
    client: FlaskClient, upstream: "Upstream"
) -> None:
    upstream.answer("/api/v1/packages", {}, headers={"Set-Cookie": "who=me"})
    client.get("/api/v1/packages")
    client.get("/api/v1/packages")
    assert "cookie" not in upstream.seen[1].headers


def test_head_asks_the_service_for_headers_only(client: FlaskClient, upstream: "Upstream") -> None:
    upstream.answer("/api/v1/packages", {"items": []})
    answer = client.head("/api/v1/packages")
    assert upstream.seen[0].method == "HEAD"
    assert (answer.status_code, answer.data) == (200, b"")


@pytest.mark.parametrize("path", ["/api/v1/payments/1", "/api/v1/payments/..%2Fusers", "/api/v2"])
def test_an_unknown_path_reaches_no_service(
    client: FlaskClient, upstream: "Upstream", path: str
) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.content_type == "application/problem+json"
    assert upstream.seen == []


def test_an_unknown_method_is_refused_with_those_that_are_known(client: FlaskClient) -> None:
    answer = client.delete("/api/v1/payments")
    assert answer.status_code == 405
    assert {"GET", "POST"} <= set(answer.headers["Allow"].split(", "))


def test_a_body_that_is_too_large_reaches_no_service(
    client: FlaskClient, upstream: "Upstream"
) -> None:
    answer = client.post("/api/v1/payments", data=b"x" * (64 * 1024 + 1))
    assert answer.status_code == 413
    assert answer.content_type == "application/problem+json"
    assert upstream.seen == []


def test_a_statement_may_be_larger_than_other_bodies(
    client: FlaskClient, upstream: "Upstream", keys: Keys
) -> None:
    upstream.answer("/api/v1/statements", {}, status=202)
    headers = keys.headers("operator")
    for size, status in ((5 * 1024 * 1024, 202), (6 * 1024 * 1024 + 1, 413)):
        answer = client.post("/api/v1/statements", data=b"x" * size, headers=headers)
        assert answer.status_code == status


def test_a_body_nested_beyond_reason_is_the_services_to_refuse(
    client: FlaskClient, upstream: "Upstream"
) -> None:
    upstream.answer("/api/v1/payments", {}, status=422)
    answer = client.post("/api/v1/payments", data=b"[" * 60_000)
    assert answer.status_code == 422


# --- when the service fails


def test_a_service_that_is_down_is_named(client: FlaskClient, viewer: dict[str, str]) -> None:
    answer = client.get("/api/v1/users", headers=viewer)
    assert answer.status_code == 503
    assert answer.content_type == "application/problem+json"
    assert "provisioning-service cannot be reached" in answer.get_json()["detail"]
    assert answer.headers["Retry-After"] == "2"


def test_a_service_that_is_slow_gives_504(impatient: FlaskClient, upstream: "Upstream") -> None:
    def never(told: "Upstream", _: BaseHTTPRequestHandler) -> None:
        told.go_on.wait(5)

    upstream.answers["/api/v1/packages"] = never
    answer = impatient.get("/api/v1/packages")
    assert answer.status_code == 504
    assert "payment-service did not answer in time" in answer.get_json()["detail"]


def test_an_answer_that_comes_a_drop_at_a_time_gives_504(
    impatient: FlaskClient, upstream: "Upstream"
) -> None:
    def drip(told: "Upstream", handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        for _ in range(1000):
            handler.wfile.write(b" ")
            if told.go_on.wait(0.05):
                break

    upstream.answers["/api/v1/packages"] = drip
    assert impatient.get("/api/v1/packages").status_code == 504


def test_an_answer_that_breaks_off_gives_502(client: FlaskClient, upstream: "Upstream") -> None:
    def break_off(_: "Upstream", handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b'{"items": [')
        handler.close_connection = True

    upstream.answers["/api/v1/packages"] = break_off
    answer = client.get("/api/v1/packages")
    assert answer.status_code == 502
    assert "payment-service broke off" in answer.get_json()["detail"]


def test_a_service_that_hangs_up_is_asked_again_only_where_that_is_safe(
    client: FlaskClient, upstream: "Upstream"
) -> None:
    def hang_up(_: "Upstream", handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        handler.connection.shutdown(socket.SHUT_RDWR)

    upstream.answers["/api/v1/packages"] = hang_up
    upstream.answers["/api/v1/payments"] = hang_up
    assert client.get("/api/v1/packages").status_code == 502
    assert len(upstream.seen) == 2
    assert client.post("/api/v1/payments", json={}).status_code == 502
    assert len(upstream.seen) == 3
    keyed = {"Idempotency-Key": "k"}
    assert client.post("/api/v1/payments", json={}, headers=keyed).status_code == 502
    assert len(upstream.seen) == 5


def test_what_is_no_http_gives_502(client: FlaskClient, upstream: "Upstream") -> None:
    def babble(_: "Upstream", handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"hello\r\n\r\n")
        handler.close_connection = True

    upstream.answers["/api/v1/packages"] = babble
    assert client.get("/api/v1/packages").status_code == 502


# --- streams


def _events(*frames: bytes) -> "object":
    """An event stream that says the first frame, and each further one when told to go on."""

    def speak(told: "Upstream", handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for frame in frames:
            handler.wfile.write(f"{len(frame):x}\r\n".encode() + frame + b"\r\n")
            told.go_on.wait(5)
        handler.wfile.write(b"0\r\n\r\n")

    return speak


def test_each_event_passes_as_soon_as_it_is_said(client: FlaskClient, upstream: "Upstream") -> None:
    upstream.answers[f"{PAYMENT}/events"] = _events(b"data: 1\n\n", b"data: 2\n\n")  # type: ignore[assignment]
    answer = client.get(f"{PAYMENT}/events", buffered=False)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/event-stream"
    assert answer.headers["X-Accel-Buffering"] == "no"
    pieces = answer.iter_encoded()
    assert next(pieces) == b"data: 1\n\n"  # while the service waits to be told
    upstream.go_on.set()
    assert list(pieces) == [b"data: 2\n\n"]
    answer.close()


def test_a_refused_stream_is_answered_whole(client: FlaskClient, upstream: "Upstream") -> None:
    upstream.answer(f"{PAYMENT}/events", {"status": 404}, status=404)
    answer = client.get(f"{PAYMENT}/events")
    assert (answer.status_code, answer.get_json()) == (404, {"status": 404})


def test_events_that_are_cut_off_end(client: FlaskClient, upstream: "Upstream") -> None:
    def break_off(_: "Upstream", handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"9\r\ndata: 1\n\n\r\n")
        handler.close_connection = True

    upstream.answers[f"{PAYMENT}/events"] = break_off
    assert client.get(f"{PAYMENT}/events").data == b"data: 1\n\n"


def test_a_service_that_falls_silent_ends_the_stream(
    impatient: FlaskClient, upstream: "Upstream"
) -> None:
    upstream.answers[f"{PAYMENT}/events"] = _events(b"data: 1\n\n", b"never")  # type: ignore[assignment]
    assert impatient.get(f"{PAYMENT}/events").data == b"data: 1\n\n"


def test_a_guest_who_leaves_ends_the_stream_at_the_service(
    app: Flask, upstream: "Upstream"
) -> None:
    def speak_on(told: "Upstream", handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        while not told.go_on.wait(0.01):
            handler.wfile.write(b"3\r\n: \n\r\n")

    upstream.answers[f"{PAYMENT}/events"] = speak_on
    with _served(app) as port, closing(socket.create_connection(("127.0.0.1", port), 5)) as guest:
        guest.sendall(f"GET {PAYMENT}/events HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert guest.recv(15) == b"HTTP/1.1 200 OK"
        guest.close()
        assert upstream.left.wait(5)


@contextmanager
def _served(app: Flask) -> Iterator[int]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server.server_port
    finally:  # what fails meanwhile must not leave a thread that pytest waits for
        server.shutdown()
        server.server_close()
        thread.join()
