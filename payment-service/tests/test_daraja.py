"""Daraja over HTTP, against a server that plays the recorded replies."""

import base64
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from hotspot.testing.handling import NOON
from payment_service.config import Config
from payment_service.mpesa.api import (
    Answered,
    DoNotRepeat,
    NotYet,
    OutcomeUnknown,
    PromptRequest,
    TryLater,
)
from payment_service.mpesa.daraja import Daraja
from payment_service.mpesa.daraja_session import DarajaSession

from .shop import id_of, samples

PROMPT = PromptRequest(
    phone="254712345678",
    shillings=20,
    reference="3FA9C2E1B0D7",
    description="1 hour",
    callback_url="https://pay.example.co.ke/callbacks/stk/0a1b2c",
)
TOKEN = (200, samples("oauth_response")[0]["body"])
ACCEPTED = (200, samples("stk_response")[0]["body"])
INVALID_TOKEN = (404, {"errorCode": "404.001.03", "errorMessage": "Invalid Access Token"})
HANG_UP = (0, "")


@dataclass
class Safaricom:
    """Answers in the order of `replies`, and remembers what it was asked."""

    replies: list[tuple[int, object]]
    asked: list[tuple[str, str, Any]] = field(default_factory=list)

    @property
    def paths(self) -> list[str]:
        """Which calls were made, by the last part of their paths."""
        return [path.partition("?")[0].rpartition("/")[2] for path, _, _ in self.asked]


def serve(safaricom: Safaricom) -> ThreadingHTTPServer:
    """A server on a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            safaricom.asked.append((self.path, self.headers["Authorization"], body))
            status, reply = safaricom.replies.pop(0)
            if status == 0:
                self.close_connection = True
                return
            content = reply.encode() if isinstance(reply, str) else json.dumps(reply).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = handle_any  # noqa: N815  # the names that http.server looks for

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)


class Clockwork:
    """A monotonic clock that tests move."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@dataclass(kw_only=True)
class Line:
    """A client and the server that it talks to."""

    daraja: Daraja
    safaricom: Safaricom
    clock: Clockwork


@pytest.fixture
def line(config: Config) -> Iterator[Line]:
    """A client of a server that answers with a token, then as the test says."""
    safaricom = Safaricom([TOKEN])
    server = serve(safaricom)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    clock = Clockwork()
    with requests.Session() as http:
        http.trust_env = False
        there = replace(config, daraja_base_url=f"http://127.0.0.1:{server.server_address[1]}")
        session = DarajaSession(there, http=http, monotonic=clock)
        daraja = Daraja(there, session=session, clock=lambda: NOON)
        yield Line(daraja=daraja, safaricom=safaricom, clock=clock)
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("sample", samples("stk_request"), ids=id_of)
def test_a_prompt_is_asked_for_in_the_recorded_shape(line: Line, sample: dict[str, Any]) -> None:
    line.safaricom.replies.append(ACCEPTED)
    accepted = line.daraja.prompt(PROMPT)
    assert accepted.checkout_request_id == "ws_CO_191220191020363925"
    path, authorization, body = line.safaricom.asked[1]
    assert path == "/mpesa/stkpush/v1/processrequest"
    assert authorization == "Bearer c9SQxWWhmdVRlyh0zh8gZDTkubVF"
    assert set(body) == set(sample["body"])
    assert all(isinstance(value, str) for value in body.values())
    assert body["Amount"] == "20"
    assert len(body["AccountReference"]) <= 12
    assert 1 <= len(body["TransactionDesc"]) <= 13


def test_requests_are_signed_in_east_africa_time(line: Line) -> None:
    line.safaricom.replies.append(ACCEPTED)
    line.daraja.prompt(PROMPT)
    body = line.safaricom.asked[1][2]
    assert body["Timestamp"] == "20260115120000"
    assert base64.b64decode(body["Password"]) == b"174379passkey20260115120000"


def test_the_token_is_asked_for_once_and_again_before_it_ends(line: Line) -> None:
    line.safaricom.replies += [ACCEPTED, ACCEPTED, TOKEN, ACCEPTED]
    line.daraja.prompt(PROMPT)
    line.clock.seconds += 3530
    line.daraja.prompt(PROMPT)
    assert line.safaricom.paths == ["generate", "processrequest", "processrequest"]
    line.clock.seconds += 10
    line.daraja.prompt(PROMPT)
    assert line.safaricom.paths[3:] == ["generate", "processrequest"]
    credentials = base64.b64encode(b"key:secret").decode()
    assert line.safaricom.asked[0][1] == f"Basic {credentials}"


def test_a_token_that_no_longer_holds_is_renewed_once(line: Line) -> None:
    line.safaricom.replies += [INVALID_TOKEN, TOKEN, ACCEPTED]
    assert line.daraja.prompt(PROMPT).checkout_request_id
    assert line.safaricom.paths == ["generate", "processrequest", "generate", "processrequest"]


def test_a_token_that_is_refused_when_fresh_is_tried_later(line: Line) -> None:
    line.safaricom.replies += [INVALID_TOKEN, TOKEN, INVALID_TOKEN]
    with pytest.raises(TryLater):
        line.daraja.prompt(PROMPT)
    assert line.safaricom.replies == []


def test_wrong_keys_answer_400_with_an_empty_body_and_end_the_payment(line: Line) -> None:
    line.safaricom.replies[:] = [(400, "")]
    with pytest.raises(DoNotRepeat) as refused:
        line.daraja.prompt(PROMPT)
    assert refused.value.failure.code == "mpesa_misconfigured"


@pytest.mark.parametrize("reply", [(500, ""), (503, "<html>"), (200, {}), (200, "[]"), HANG_UP])
def test_without_a_token_nothing_was_sent(line: Line, reply: tuple[int, object]) -> None:
    line.safaricom.replies[:] = [reply]
    with pytest.raises(TryLater):
        line.daraja.prompt(PROMPT)


def test_where_nobody_listens_nothing_was_sent(config: Config) -> None:
    with socket.socket() as nobody, requests.Session() as http:
        nobody.bind(("127.0.0.1", 0))
        http.trust_env = False
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        there = replace(config, daraja_base_url=url)
        daraja = Daraja(there, session=DarajaSession(there, http=http))
        with pytest.raises(TryLater):
            daraja.prompt(PROMPT)


@pytest.mark.parametrize(
    "reply",
    [
        HANG_UP,
        (500, ""),
        (502, "<html>bad gateway</html>"),
        (504, ""),
        (408, ""),
        (200, ""),
        (200, {"ResponseCode": "0"}),
        (302, ""),
        (500, {"errorCode": "500.001.1001", "errorMessage": "The transaction is being processed"}),
    ],
)
def test_a_reply_that_says_nothing_leaves_the_outcome_unknown(
    line: Line, reply: tuple[int, object]
) -> None:
    line.safaricom.replies.append(reply)
    with pytest.raises(OutcomeUnknown):
        line.daraja.prompt(PROMPT)
    assert line.safaricom.paths.count("processrequest") == 1


@pytest.mark.parametrize("code", ["500.003.02", "500.003.03"])
def test_daraja_is_given_time_when_it_asks_for_it(line: Line, code: str) -> None:
    line.safaricom.replies.append((500, {"errorCode": code, "errorMessage": "Spike Arrest"}))
    with pytest.raises(TryLater) as later:
        line.daraja.prompt(PROMPT)
    assert later.value.after is not None
    assert later.value.after.total_seconds() == 5


def test_a_refusal_in_an_accepted_reply_is_a_refusal(line: Line) -> None:
    line.safaricom.replies.append((200, {"ResponseCode": "1001", "CheckoutRequestID": "ws_CO"}))
    with pytest.raises(DoNotRepeat) as refused:
        line.daraja.prompt(PROMPT)
    assert refused.value.failure.code == "phone_busy"


def test_a_connection_that_idled_is_not_trusted_with_a_payment(line: Line) -> None:
    line.safaricom.replies += [ACCEPTED, ACCEPTED]
    line.daraja.prompt(PROMPT)
    line.clock.seconds += 60
    assert line.daraja.prompt(PROMPT).checkout_request_id


def test_a_query_tells_a_final_code(line: Line) -> None:
    line.safaricom.replies.append((200, samples("stk_query_response")[1]["body"]))
    assert line.daraja.query("ws_CO_1") == Answered(result_code="1032")
    path, _, body = line.safaricom.asked[1]
    assert path == "/mpesa/stkpushquery/v1/query"
    assert set(body) == {"BusinessShortCode", "Password", "Timestamp", "CheckoutRequestID"}


@pytest.mark.parametrize("reply", [HANG_UP, (500, ""), (429, ""), (503, "<html>")])
def test_a_query_that_fails_leaves_the_payment_open_and_says_that_daraja_is_down(
    line: Line, reply: tuple[int, object]
) -> None:
    line.safaricom.replies.append(reply)
    answer = line.daraja.query("ws_CO_1")
    assert isinstance(answer, NotYet)
    assert answer.daraja_is_down


@pytest.mark.parametrize("reply", [HANG_UP, (500, ""), (400, "")])
def test_secrets_are_in_no_error_and_no_log(
    line: Line, reply: tuple[int, object], capsys: pytest.CaptureFixture[str]
) -> None:
    line.safaricom.replies.append(reply)
    with pytest.raises((OutcomeUnknown, DoNotRepeat)) as error:
        line.daraja.prompt(PROMPT)
    said = "".join(capsys.readouterr()) + str(error.value)
    for secret in ("passkey", "secret", "c9SQxWWhmdVRlyh0zh8gZDTkubVF", PROMPT.callback_url):
        assert secret not in said
