"""What comes of prompts in each mode: callbacks, queries and what /state shows."""

from collections.abc import Mapping
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from simulators.mpesa import DUPLICATES
from simulators.tests.fakes import FakePostman, HandClock
from simulators.tests.test_daraja_requests import TIMESTAMP, password, push, stk_body, token


def behave(client: FlaskClient, **body: object) -> None:
    assert client.post("/mpesa/behaviour", json=body).status_code == 200


def prompt(client: FlaskClient) -> dict[str, Any]:
    state: Mapping[str, Any] = client.get("/state").json or {}
    newest: dict[str, Any] = state["prompts"][-1]
    return newest


def ask(client: FlaskClient, **changes: object) -> str:
    answer = push(client, stk_body(**changes))
    assert answer.status_code == 200
    assert answer.json is not None
    return str(answer.json["CheckoutRequestID"])


def query(client: FlaskClient, checkout_request_id: str) -> TestResponse:
    body = {
        "BusinessShortCode": "174379",
        "Password": password(),
        "Timestamp": TIMESTAMP,
        "CheckoutRequestID": checkout_request_id,
    }
    headers = {"Authorization": f"Bearer {token(client)}"}
    return client.post("/daraja/mpesa/stkpushquery/v1/query", json=body, headers=headers)


def result_of_query(client: FlaskClient, checkout_request_id: str) -> str:
    answer = query(client, checkout_request_id)
    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json["ResponseCode"] == "0"
    return str(answer.json["ResultCode"])


def test_a_guest_pays_after_a_moment(
    client: FlaskClient, clock: HandClock, postman: FakePostman
) -> None:
    checkout = ask(client)
    clock.advance(0.2)
    assert not postman.callbacks
    clock.advance(0.2)
    (callback,) = postman.callbacks
    assert callback["CheckoutRequestID"] == checkout
    assert callback["ResultCode"] == 0
    items = {item["Name"]: item.get("Value") for item in callback["CallbackMetadata"]["Item"]}
    assert items["Amount"] == 20
    assert items["PhoneNumber"] == 254708374149
    assert items["TransactionDate"] == 20260305123000
    shown = prompt(client)
    assert shown["state"] == "paid"
    assert shown["receipt"] == items["MpesaReceiptNumber"]
    assert shown["callbacks"][0]["status"] == 200
    assert result_of_query(client, checkout) == "0"


def test_the_delay_is_the_one_that_was_asked_for(
    client: FlaskClient, clock: HandClock, postman: FakePostman
) -> None:
    behave(client, mode="pay", delay_ms=4000)
    ask(client)
    clock.advance(3.9)
    assert not postman.callbacks
    clock.advance(0.2)
    assert len(postman.callbacks) == 1


@pytest.mark.parametrize(
    ("mode", "ends"),
    [
        ("cancel", (1032, "cancelled")),
        ("wrong_pin", (2001, "wrong_pin")),
        ("no_balance", (1, "no_balance")),
        ("timeout", (1037, "timed_out")),
        ("manual", (1037, "timed_out")),
    ],
)
def test_a_prompt_that_is_not_paid_is_called_back_without_metadata(
    client: FlaskClient, clock: HandClock, postman: FakePostman, mode: str, ends: tuple[int, str]
) -> None:
    code, state = ends
    behave(client, mode=mode)
    checkout = ask(client)
    clock.advance(60)
    (callback,) = postman.callbacks
    assert callback["ResultCode"] == code
    assert "CallbackMetadata" not in callback
    assert prompt(client)["state"] == state
    assert result_of_query(client, checkout) == str(code)


def test_any_other_result_can_be_chosen(
    client: FlaskClient, clock: HandClock, postman: FakePostman
) -> None:
    behave(client, mode="result", result_code="SFC_IC0003")
    ask(client)
    clock.advance(1)
    assert postman.callbacks[0]["ResultCode"] == "SFC_IC0003"


def test_a_paid_prompt_whose_callback_is_lost_is_told_to_who_asks(
    client: FlaskClient, clock: HandClock, postman: FakePostman
) -> None:
    behave(client, mode="no_callback")
    checkout = ask(client)
    clock.advance(1800)
    assert not postman.callbacks
    assert prompt(client)["state"] == "paid"
    assert result_of_query(client, checkout) == "0"


def test_a_late_callback_leaves_the_query_without_a_result_until_then(
    client: FlaskClient, clock: HandClock, postman: FakePostman
) -> None:
    behave(client, mode="late_callback", delay_ms=90_000)
    checkout = ask(client)
    clock.advance(60)
    assert prompt(client)["state"] == "processing"
    first, second = query(client, checkout), query(client, checkout)
    assert first.status_code == 500
    assert first.json == {
        "requestId": checkout,
        "errorCode": "500.001.1001",
        "errorMessage": "The transaction is being processed",
    }
    assert second.status_code == 200
    assert second.json is not None
    assert second.json["ResultCode"] == "4999"
    clock.advance(30)
    assert postman.callbacks[0]["ResultCode"] == 0


def test_a_duplicate_callback_is_the_same_several_times(
    client: FlaskClient, clock: HandClock, postman: FakePostman
) -> None:
    behave(client, mode="duplicate")
    ask(client)
    clock.advance(2)
    assert len(postman.bodies) == len(DUPLICATES)
    assert len(set(postman.bodies)) == 1


def test_a_callback_can_come_before_the_reply(client: FlaskClient, postman: FakePostman) -> None:
    behave(client, mode="callback_first")
    checkout = ask(client)
    assert postman.callbacks[0]["CheckoutRequestID"] == checkout


def test_a_reply_can_be_lost_of_a_prompt_that_is_paid(
    client: FlaskClient, clock: HandClock, postman: FakePostman
) -> None:
    behave(client, mode="reply_lost")
    assert push(client, stk_body()).status_code == 502
    clock.advance(1)
    assert postman.callbacks[0]["ResultCode"] == 0


def test_daraja_is_down_in_more_than_one_way(client: FlaskClient, clock: HandClock) -> None:
    authorization = {"Authorization": f"Bearer {token(client)}"}
    behave(client, mode="down")
    path = "/daraja/mpesa/stkpush/v1/processrequest"
    answers = [client.post(path, json=stk_body(), headers=authorization) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [502, 500, 503, 502]
    assert clock.slept == [30.0]
    assert client.get("/state").json is not None
    assert not (client.get("/state").json or {})["prompts"]


def test_one_phone_can_have_a_behaviour_of_its_own(
    client: FlaskClient, clock: HandClock, postman: FakePostman
) -> None:
    behave(client, mode="cancel", phone="0711000001")
    ask(client, PhoneNumber="254711000001")
    ask(client, PhoneNumber="254711000002")
    clock.advance(1)
    assert [callback["ResultCode"] for callback in postman.callbacks] == [1032, 0]


def test_down_for_one_phone_leaves_the_others_alone(client: FlaskClient) -> None:
    behave(client, mode="down", phone="254711000001")
    assert push(client, stk_body(PhoneNumber="254711000001")).status_code == 502
    assert push(client, stk_body(PhoneNumber="254711000002")).status_code == 200


def test_the_same_amount_again_may_be_refused(
    client: FlaskClient, clock: HandClock, postman: FakePostman
) -> None:
    behave(client, mode="pay", refuse_repeats=True)
    for _ in range(2):
        ask(client)
        clock.advance(1)
    ask(client, Amount="50")
    clock.advance(1)
    assert [callback["ResultCode"] for callback in postman.callbacks] == [0, 17, 0]


def test_a_callback_that_is_not_taken_is_noted_and_not_repeated(
    client: FlaskClient, clock: HandClock, postman: FakePostman
) -> None:
    postman.status = 503
    ask(client)
    clock.advance(3600)
    assert [delivery["status"] for delivery in prompt(client)["callbacks"]] == [503]


def test_a_prompt_can_be_answered_by_hand_once(
    client: FlaskClient, clock: HandClock, postman: FakePostman
) -> None:
    behave(client, mode="manual")
    checkout = ask(client)
    answered = client.post(f"/mpesa/prompts/{checkout}", json={"answer": "pay"})
    assert answered.status_code == 200
    again = client.post(f"/mpesa/prompts/{checkout}", json={"answer": "cancel"})
    assert again.status_code == 409
    clock.advance(60)
    assert [callback["ResultCode"] for callback in postman.callbacks] == [0]


def test_an_unknown_prompt_has_no_result(client: FlaskClient) -> None:
    answer = query(client, "ws_CO_unknown")
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["errorMessage"] == "Bad Request - Invalid CheckoutRequestID"
