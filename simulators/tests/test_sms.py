"""The SMS gateways: what they take, how they refuse, and their reports."""

from typing import Any
from urllib.parse import parse_qs

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from simulators.tests.fakes import HandClock, Listener


def send(client: FlaskClient, *, key: str = "sms-key", **form: str) -> TestResponse:
    fields = {"username": "sandbox", "to": "+254708374149", "message": "user 1234", **form}
    return client.post("/africastalking/version1/messaging", data=fields, headers={"apiKey": key})


def recipients(answer: TestResponse) -> list[dict[str, Any]]:
    assert answer.status_code == 201
    assert answer.json is not None
    found: list[dict[str, Any]] = answer.json["SMSMessageData"]["Recipients"]
    return found


def received(client: FlaskClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (client.get("/state").json or {})["sms"]
    return found


def test_a_message_is_taken_and_on_the_phone(client: FlaskClient) -> None:
    (recipient,) = recipients(send(client))
    assert recipient["statusCode"] == 101
    assert recipient["status"] == "Success"
    (sms,) = received(client)
    assert (sms["to"], sms["message"]) == ("+254708374149", "user 1234")
    assert (sms["provider"], sms["id"]) == ("africastalking", recipient["messageId"])


def test_several_recipients_are_judged_one_by_one(client: FlaskClient) -> None:
    answer = send(client, to="+254708374149,+2547123")
    assert [recipient["statusCode"] for recipient in recipients(answer)] == [101, 403]
    assert len(received(client)) == 1


def test_a_wrong_key_is_answered_in_plain_text(client: FlaskClient) -> None:
    answer = send(client, key="wrong")
    assert (answer.status_code, answer.mimetype) == (401, "text/plain")
    assert answer.text == "The supplied authentication is invalid"


@pytest.mark.parametrize("name", ["to", "message", "username"])
def test_a_missing_field_is_named_in_plain_text(client: FlaskClient, name: str) -> None:
    answer = send(client, **{name: ""})
    assert (answer.status_code, answer.mimetype) == (400, "text/plain")
    assert answer.text == f"Request is missing required form field '{name}'"


def test_json_is_not_what_africastalking_takes(client: FlaskClient) -> None:
    answer = client.post("/africastalking/version1/messaging", json={"to": "+254708374149"})
    assert answer.status_code == 415


def test_a_refusal_is_http_201_and_may_have_no_recipients(client: FlaskClient) -> None:
    client.post("/sms/behaviour", json={"mode": "refuse"})
    answers = [recipients(send(client)) for _ in range(2)]
    assert answers[0][0]["statusCode"] == 403
    assert answers[1] == []
    assert not received(client)


def test_a_slow_gateway_has_delivered_before_it_answers(
    client: FlaskClient, clock: HandClock
) -> None:
    client.post("/sms/behaviour", json={"mode": "slow", "delay_ms": 7000})
    recipients(send(client))
    assert clock.slept == [7.0]
    assert len(received(client)) == 1


def test_a_gateway_is_down_in_more_than_one_way(client: FlaskClient) -> None:
    client.post("/sms/behaviour", json={"mode": "down"})
    assert [send(client).status_code for _ in range(3)] == [502, 500, 503]
    assert not received(client)


def test_a_delivery_is_reported_as_a_form(
    client: FlaskClient, clock: HandClock, listener: Listener
) -> None:
    report_url = f"{listener.url}/callbacks/delivery/token"
    client.post("/sms/behaviour", json={"mode": "ok", "report_url": report_url})
    (recipient,) = recipients(send(client))
    clock.advance(1)
    ((path, content_type, body),) = listener.received
    assert path == "/callbacks/delivery/token"
    assert content_type == "application/x-www-form-urlencoded"
    form = parse_qs(body.decode())
    assert form["id"] == [recipient["messageId"]]
    assert form["status"] == ["Success"]
    assert form["phoneNumber"] == ["+254708374149"]
    assert received(client)[0]["status"] == "delivered"
    assert received(client)[0]["report_status"] == 200


def test_a_message_can_be_accepted_and_never_arrive(
    client: FlaskClient, clock: HandClock, listener: Listener
) -> None:
    client.post("/sms/behaviour", json={"mode": "ok", "report_url": listener.url})
    client.post("/sms/behaviour", json={"mode": "undelivered"})
    assert recipients(send(client))[0]["statusCode"] == 101
    clock.advance(1)
    form = parse_qs(listener.received[0][2].decode())
    assert form["status"] == ["Failed"]
    assert form["failureReason"] == ["DeliveryFailure"]
    assert received(client)[0]["status"] == "undelivered"


def send_advanta(client: FlaskClient, **changes: object) -> dict[str, Any]:
    body = {
        "apikey": "sms-key",
        "partnerID": "sandbox",
        "message": "user 1234",
        "shortcode": "WIFI",
        "mobile": "254708374149",
        **changes,
    }
    answer = client.post("/advanta/api/services/sendsms/", json=body)
    assert answer.status_code == 200
    assert answer.json is not None
    response: dict[str, Any] = answer.json["responses"][0]
    return response


def test_advanta_answers_with_its_famous_typing_error(client: FlaskClient) -> None:
    response = send_advanta(client)
    assert response["respose-code"] == 200
    assert response["mobile"] == 254708374149
    (sms,) = received(client)
    assert (sms["to"], sms["provider"]) == ("+254708374149", "advanta")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"apikey": "wrong"}, 1006),
        ({"partnerID": "other"}, 1006),
        ({"partnerID": None}, 4091),
        ({"apikey": None}, 4092),
        ({"shortcode": None}, 1001),
        ({"mobile": "12"}, 1003),
        ({"pass_type": "bm5"}, 1009),
    ],
)
def test_advanta_refuses_with_http_200(
    client: FlaskClient, changes: dict[str, object], code: int
) -> None:
    assert send_advanta(client, **changes)["respose-code"] == code
    assert not received(client)


def test_advanta_refuses_on_demand(client: FlaskClient) -> None:
    client.post("/sms/behaviour", json={"mode": "refuse"})
    assert send_advanta(client)["respose-code"] == 1004
