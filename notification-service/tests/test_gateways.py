"""Each documented reply of each gateway leads to the one right thing."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import structlog

from hotspot.bus.outcome import Retry
from hotspot.contract.money import Money
from notification_service.advanta import Advanta
from notification_service.africastalking import AfricasTalking
from notification_service.gateways import (
    Accepted,
    GatewayBusy,
    GatewayNotReached,
    GatewayRefusesUs,
    NoClearAnswer,
    Refused,
    SmsGateway,
)
from notification_service.log import Log

from .fakes import PASSWORD, PHONE, GatewayServer

SAMPLES: dict[str, Any] = json.loads((Path(__file__).parent / "samples.json").read_text())
TEXT = f"WiFi 1 hour: username 0712345678 password {PASSWORD}."
KEY = "an-api-key"


@pytest.fixture
def africastalking(server: GatewayServer) -> AfricasTalking:
    return AfricasTalking(
        base_url=server.url,
        username="sandbox",
        api_key=KEY,
        sender_id="HOTSPOT",
        read_seconds=0.3,
    )


@pytest.fixture
def advanta(server: GatewayServer) -> Advanta:
    return Advanta(
        base_url=server.url, partner_id="123", api_key=KEY, sender_id="HOTSPOT", read_seconds=0.3
    )


@pytest.fixture(params=["africastalking", "advanta"])
def either(request: pytest.FixtureRequest) -> SmsGateway:
    gateway: SmsGateway = request.getfixturevalue(request.param)
    return gateway


def outcome(gateway: SmsGateway) -> Accepted | Refused | Exception:
    """What sending came to: an answer, or the error that was raised."""
    try:
        return gateway.send(PHONE, TEXT)
    except (Retry, NoClearAnswer) as error:
        return error


def at_reply(code: int, status: str, cost: str = "0") -> str:
    recipient = {
        "statusCode": code,
        "number": f"+{PHONE}",
        "status": status,
        "cost": cost,
        "messageId": "ATXid_1" if code < 200 else "None",
    }
    return json.dumps({"SMSMessageData": {"Message": "", "Recipients": [recipient]}})


def advanta_reply(code: int, text: str, spelt: str = "respose-code") -> str:
    return json.dumps({"responses": [{spelt: code, "response-description": text}]})


# Africa's Talking


def test_africastalking_is_asked_as_it_documents(
    server: GatewayServer, africastalking: AfricasTalking
) -> None:
    server.answer(201, at_reply(101, "Success"))

    africastalking.send(PHONE, TEXT)

    (asked,) = server.asked
    assert asked.path == "/version1/messaging"
    assert asked.headers["apikey"] == KEY
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qs(asked.body) == {
        "username": ["sandbox"],
        "to": [f"+{PHONE}"],
        "message": [TEXT],
        "from": ["HOTSPOT"],
    }


def test_without_a_sender_id_africastalking_chooses_one(server: GatewayServer) -> None:
    server.answer(201, at_reply(101, "Success"))

    AfricasTalking(base_url=server.url, username="sandbox", api_key=KEY).send(PHONE, TEXT)

    assert "from" not in parse_qs(server.asked[0].body)


AT_SAMPLE_OUTCOMES = [
    Accepted(
        provider_message_id="ATXid_263022d5954c5c2a7adb3a80e34e6ed2",
        cost=Money(amount=80, currency="KES"),
    ),
    Accepted(
        provider_message_id="ATXid_b2b536b6e5ef4de2132f7c85f66b796f",
        cost=Money(amount=80, currency="KES"),
    ),
    Refused(reason="403 InvalidPhoneNumber"),
    Refused(reason="InvalidSenderId"),
    Refused(reason="Request is missing required form field 'to'"),
    GatewayRefusesUs,
]


@pytest.mark.parametrize(
    ("sample", "expected"),
    list(zip(SAMPLES["africastalking"]["responses"], AT_SAMPLE_OUTCOMES, strict=True)),
)
def test_every_recorded_reply_of_africastalking_is_understood(
    server: GatewayServer,
    africastalking: AfricasTalking,
    sample: dict[str, Any],
    expected: Accepted | Refused | type[Exception],
) -> None:
    server.answer(sample["http"], sample.get("text") or json.dumps(sample["body"]))

    found = outcome(africastalking)

    assert found == expected or type(found) is expected


AT_CODES: dict[str, type[object]] = {
    "100": Accepted,
    "101": Accepted,
    "102": Accepted,
    "401": Refused,
    "402": Refused,
    "403": Refused,
    "404": Refused,
    "405": GatewayRefusesUs,
    "406": Refused,
    "407": Refused,
    "409": Refused,
    "500": GatewayBusy,
    "501": GatewayBusy,
    "502": Refused,
}


@pytest.mark.parametrize(("code", "name"), list(SAMPLES["africastalking"]["status_codes"].items()))
def test_every_status_code_of_africastalking_is_judged(
    server: GatewayServer, africastalking: AfricasTalking, code: str, name: str
) -> None:
    server.answer(201, at_reply(int(code), name))

    found = outcome(africastalking)

    assert type(found) is AT_CODES[code]
    if isinstance(found, Refused):
        assert found.reason == f"{code} {name}"


@pytest.mark.parametrize(
    ("cost", "expected"),
    [
        ("KES 0.8000", Money(amount=80)),
        ("KES 1.255", Money(amount=126)),
        ("UGX 35", Money(amount=3500, currency="UGX")),
        ("0", None),
        ("a lot", None),
        ("KES 99999999999999999999", None),
    ],
)
def test_the_cost_is_kept_in_cents_where_it_can_be_read(
    server: GatewayServer, africastalking: AfricasTalking, cost: str, expected: Money | None
) -> None:
    server.answer(201, at_reply(101, "Success", cost))

    accepted = africastalking.send(PHONE, TEXT)

    assert isinstance(accepted, Accepted)
    assert accepted.cost == expected


# Advanta


def test_advanta_is_asked_as_it_documents(server: GatewayServer, advanta: Advanta) -> None:
    server.answer(200, json.dumps(SAMPLES["advanta"]["response"]))

    advanta.send(PHONE, TEXT)

    (asked,) = server.asked
    assert asked.path == "/api/services/sendsms/"
    assert json.loads(asked.body) == {
        "apikey": KEY,
        "partnerID": "123",
        "message": TEXT,
        "shortcode": "HOTSPOT",
        "mobile": PHONE,
        "pass_type": "plain",
    }


def test_the_recorded_reply_of_advanta_is_understood(
    server: GatewayServer, advanta: Advanta
) -> None:
    server.answer(200, json.dumps(SAMPLES["advanta"]["response"]))

    assert advanta.send(PHONE, TEXT) == Accepted(provider_message_id="8290842")


ADVANTA_CODES: dict[str, type[object]] = {
    "200": Accepted,
    "1001": Refused,
    "1002": Refused,
    "1003": Refused,
    "1004": GatewayRefusesUs,
    "1005": GatewayBusy,
    "1006": GatewayRefusesUs,
    "1007": GatewayBusy,
    "1008": Refused,
    "1009": Refused,
    "1010": Refused,
    "4090": GatewayBusy,
    "4091": GatewayRefusesUs,
    "4092": GatewayRefusesUs,
    "4093": Refused,
}


@pytest.mark.parametrize("spelt", ["respose-code", "response-code"])
@pytest.mark.parametrize(("code", "text"), list(SAMPLES["advanta"]["codes"].items()))
def test_every_code_of_advanta_is_judged_however_it_is_spelt(
    server: GatewayServer, advanta: Advanta, code: str, text: str, spelt: str
) -> None:
    server.answer(200, advanta_reply(int(code), text, spelt))

    assert type(outcome(advanta)) is ADVANTA_CODES[code]


def test_advanta_names_how_long_to_wait_and_is_obeyed(
    server: GatewayServer, advanta: Advanta
) -> None:
    server.answer(200, advanta_reply(4090, "internal error, try again after 5 minutes"))

    found = outcome(advanta)

    assert isinstance(found, GatewayBusy)
    assert found.after is not None
    assert found.after.total_seconds() == 300


# Either: only what was certainly not sent may be tried again


def test_a_refused_connection_may_be_tried_again(server: GatewayServer, either: SmsGateway) -> None:
    server.close()

    assert type(outcome(either)) is GatewayNotReached


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (301, GatewayRefusesUs),
        (400, Refused),
        (401, GatewayRefusesUs),
        (403, GatewayRefusesUs),
        (404, GatewayRefusesUs),
        (415, GatewayRefusesUs),
        (408, GatewayBusy),
        (429, GatewayBusy),
        (503, GatewayBusy),
        (500, NoClearAnswer),
        (502, NoClearAnswer),
        (504, NoClearAnswer),
    ],
)
def test_every_kind_of_http_failure_is_judged(
    server: GatewayServer, either: SmsGateway, status: int, expected: type[object]
) -> None:
    server.answer(status, "something went wrong")

    assert type(outcome(either)) is expected


def test_a_connection_that_breaks_after_the_request_leaves_it_unclear(
    server: GatewayServer, either: SmsGateway
) -> None:
    server.answer(None)

    assert type(outcome(either)) is NoClearAnswer


def test_a_gateway_that_hangs_leaves_it_unclear(server: GatewayServer, either: SmsGateway) -> None:
    server.answer(200, "{}", delay=0.45)

    assert type(outcome(either)) is NoClearAnswer


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html>All is well</html>",
        "null",
        "[]",
        "{}",
        '{"responses": []}',
        '{"responses": [{}]}',
        '{"responses": [{"respose-code": "many"}]}',
        '{"SMSMessageData": {}}',
        '{"SMSMessageData": {"Recipients": [{"status": "Success"}]}}',
    ],
)
def test_success_without_a_readable_reply_leaves_it_unclear(
    server: GatewayServer, either: SmsGateway, body: str
) -> None:
    server.answer(200, body)

    assert type(outcome(either)) is NoClearAnswer


@pytest.mark.parametrize("status", [200, 400, 401, 500])
def test_what_a_gateway_repeats_of_the_message_is_struck_out(
    server: GatewayServer, either: SmsGateway, status: int
) -> None:
    server.answer(status, f"Traceback: message={TEXT}\x00 key={KEY}")

    found = outcome(either)

    said = found.reason if isinstance(found, Refused) else str(found)
    assert "Traceback: message=***" in said
    assert PASSWORD not in said
    assert KEY not in said
    assert "\x00" not in said


# The log


def test_the_log_provider_tells_that_a_message_was_due_and_not_its_secret() -> None:
    with structlog.testing.capture_logs() as lines:
        assert Log().send(PHONE, TEXT) == Accepted()

    (line,) = lines
    assert line["phone"] == "2547*****678"
    assert PASSWORD not in str(line)
