"""What Daraja lets pass, and its words where it does not."""

import base64
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from simulators.tests.fakes import NOW, HandClock

TIMESTAMP = (NOW + timedelta(hours=3)).strftime("%Y%m%d%H%M%S")


def password(timestamp: str = TIMESTAMP, passkey: str = "passkey") -> str:
    return base64.b64encode(f"174379{passkey}{timestamp}".encode()).decode()


def stk_body(**changes: object) -> dict[str, object]:
    body: dict[str, object] = {
        "BusinessShortCode": "174379",
        "Password": password(),
        "Timestamp": TIMESTAMP,
        "TransactionType": "CustomerPayBillOnline",
        "Amount": "20",
        "PartyA": "254708374149",
        "PartyB": "174379",
        "PhoneNumber": "254708374149",
        "CallBackURL": "http://127.0.0.1:8001/callbacks/stk/abc",
        "AccountReference": "1HOUR",
        "TransactionDesc": "WiFi",
    }
    return {name: value for name, value in {**body, **changes}.items() if value is not None}


def token(client: FlaskClient) -> str:
    answer = client.get(
        "/daraja/oauth/v1/generate?grant_type=client_credentials", auth=("key", "secret")
    )
    return str(answer.json["access_token"]) if answer.json else ""


def push(client: FlaskClient, body: Mapping[str, object]) -> TestResponse:
    headers = {"Authorization": f"Bearer {token(client)}"}
    return client.post("/daraja/mpesa/stkpush/v1/processrequest", json=body, headers=headers)


def error(answer: TestResponse) -> tuple[int, str, str]:
    body: dict[str, Any] = answer.json or {}
    assert body["requestId"]
    return answer.status_code, body["errorCode"], body["errorMessage"]


def test_a_token_lasts_an_hour_and_its_lifetime_is_a_string(client: FlaskClient) -> None:
    answer = client.get(
        "/daraja/oauth/v1/generate?grant_type=client_credentials", auth=("key", "secret")
    )
    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json["expires_in"] == "3599"


def test_wrong_keys_are_answered_400_without_a_word(client: FlaskClient) -> None:
    answer = client.get(
        "/daraja/oauth/v1/generate?grant_type=client_credentials", auth=("key", "wrong")
    )
    assert (answer.status_code, answer.data) == (400, b"")


def test_another_grant_type_is_refused(client: FlaskClient) -> None:
    answer = client.get("/daraja/oauth/v1/generate", auth=("key", "secret"))
    assert error(answer) == (400, "400.008.02", "Invalid grant type passed")


def test_a_right_request_is_accepted(client: FlaskClient) -> None:
    answer = push(client, stk_body())
    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json["ResponseCode"] == "0"
    assert answer.json["CheckoutRequestID"].startswith("ws_CO_")
    assert answer.json["MerchantRequestID"]


def test_numbers_are_taken_as_well_as_strings(client: FlaskClient) -> None:
    body = stk_body(Amount=20, PhoneNumber=254708374149, BusinessShortCode=174379)
    assert push(client, body).status_code == 200


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"Amount": "20.50"}, "Amount"),
        ({"Amount": 20.5}, "Amount"),
        ({"Amount": "0"}, "Amount"),
        ({"Amount": "250001"}, "Amount"),
        ({"Amount": "-1"}, "Amount"),
        ({"PhoneNumber": "0708374149"}, "PhoneNumber"),
        ({"PhoneNumber": "+254708374149"}, "PhoneNumber"),
        ({"PhoneNumber": "254208374149"}, "PhoneNumber"),
        ({"PartyA": None}, "PartyA"),
        ({"PartyB": "paybill"}, "PartyB"),
        ({"CallBackURL": "not a url"}, "CallBackURL"),
        ({"CallBackURL": "ftp://host/path"}, "CallBackURL"),
        ({"CallBackURL": "http://host:port/"}, "CallBackURL"),
        ({"CallBackURL": None}, "CallBackURL"),
        ({"AccountReference": "THIRTEEN CHAR"}, "AccountReference"),
        ({"AccountReference": None}, "AccountReference"),
        ({"TransactionDesc": None}, "Remarks"),
        ({"TransactionDesc": "fourteen chars"}, "TransactionDesc"),
        ({"TransactionType": "PayBill"}, "TransactionType"),
        ({"Timestamp": "2026-03-05 12:30"}, "Timestamp"),
        ({"Timestamp": "20261305123000"}, "Timestamp"),
        ({"Password": None}, "Password"),
        ({"BusinessShortCode": ""}, "BusinessShortCode"),
    ],
)
def test_a_wrong_field_is_named(client: FlaskClient, changes: dict[str, object], what: str) -> None:
    answer = push(client, stk_body(**changes))
    assert error(answer) == (400, "400.002.02", f"Bad Request - Invalid {what}")


def test_a_body_that_is_not_json_is_refused(client: FlaskClient) -> None:
    headers = {"Authorization": f"Bearer {token(client)}"}
    answer = client.post(
        "/daraja/mpesa/stkpush/v1/processrequest", data=b"Amount=20", headers=headers
    )
    assert error(answer) == (400, "400.002.05", "Invalid Request Payload")


WRONG_CREDENTIALS = (500, "500.001.1001", "[MerchantValidate] - Wrong credentials")


def test_a_wrong_passkey_is_http_500(client: FlaskClient) -> None:
    answer = push(client, stk_body(Password=password(passkey="other")))
    assert error(answer) == WRONG_CREDENTIALS


def test_a_timestamp_in_utc_is_three_hours_off_and_refused(client: FlaskClient) -> None:
    utc = NOW.strftime("%Y%m%d%H%M%S")
    answer = push(client, stk_body(Timestamp=utc, Password=password(utc)))
    assert error(answer) == WRONG_CREDENTIALS


def test_another_shortcode_is_no_merchant(client: FlaskClient) -> None:
    answer = push(client, stk_body(BusinessShortCode="600000"))
    assert error(answer) == (500, "500.001.1001", "Merchant does not exist")


def test_an_unknown_token_is_refused(client: FlaskClient) -> None:
    answer = client.post(
        "/daraja/mpesa/stkpush/v1/processrequest",
        json=stk_body(),
        headers={"Authorization": "Bearer guessed"},
    )
    assert error(answer) == (404, "404.001.03", "Invalid Access Token")


def test_a_token_expires_and_can_be_forgotten_earlier(
    client: FlaskClient, clock: HandClock
) -> None:
    query = "/daraja/mpesa/stkpushquery/v1/query"
    old = {"Authorization": f"Bearer {token(client)}"}
    clock.advance(3600)
    assert error(client.post(query, json={}, headers=old))[1] == "404.001.03"
    fresh = {"Authorization": f"Bearer {token(client)}"}
    assert error(client.post(query, json={}, headers=fresh))[1] == "400.002.02"
    assert client.delete("/mpesa/tokens").status_code == 204
    assert error(client.post(query, json={}, headers=fresh))[1] == "404.001.03"


def test_without_authorization_the_header_is_missed(client: FlaskClient) -> None:
    answer = client.post("/daraja/mpesa/stkpush/v1/processrequest", json=stk_body())
    assert error(answer)[1] == "404.001.04"


def test_a_phone_shows_one_prompt_at_a_time(client: FlaskClient, clock: HandClock) -> None:
    assert push(client, stk_body()).status_code == 200
    status, code, message = error(push(client, stk_body()))
    assert (status, code) == (500, "500.001.1001")
    assert message.startswith("Unable to lock subscriber")
    clock.advance(1)
    assert push(client, stk_body()).status_code == 200
