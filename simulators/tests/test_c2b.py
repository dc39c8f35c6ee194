"""Money that is paid by hand, and prompts that C2B confirms as well."""

from collections.abc import Mapping
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from simulators.tests.fakes import FakePostman, HandClock
from simulators.tests.test_daraja_requests import error, token
from simulators.tests.test_mpesa_modes import ask, behave

PAYER = "254708374149"
CONFIRM = "http://127.0.0.1:8001/callbacks/c2b/confirmation/abc"
VALIDATE = "http://127.0.0.1:8001/callbacks/c2b/validation/abc"


def register(
    client: FlaskClient, changes: Mapping[str, object] | None = None, *, version: int = 2
) -> TestResponse:
    body: dict[str, object] = {
        "ShortCode": "174379",
        "ResponseType": "Completed",
        "ConfirmationURL": CONFIRM,
        "ValidationURL": VALIDATE,
        **(changes or {}),
    }
    headers = {"Authorization": f"Bearer {token(client)}"}
    return client.post(f"/daraja/mpesa/c2b/v{version}/registerurl", json=body, headers=headers)


def pay(client: FlaskClient, **changes: object) -> dict[str, Any]:
    body = {"phone": "0708 374 149", "amount": 20, "reference": "HOUR1"} | changes
    answer = client.post("/mpesa/c2b", json=body)
    assert answer.status_code == 201
    paid: dict[str, Any] = answer.json or {}
    return paid


def transactions(client: FlaskClient) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = (client.get("/state").json or {})["transactions"]
    return listed


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"ShortCode": "600000"}, "ShortCode"),
        ({"ResponseType": "Maybe"}, "ResponseType"),
        ({"ConfirmationURL": "not a url"}, "ConfirmationURL"),
        ({"ConfirmationURL": "https://a.example/MPESA/confirmed"}, "ConfirmationURL"),
        ({"ValidationURL": "https://a.example/cmd"}, "ValidationURL"),
        ({"ValidationURL": "https://a.example/?query=1"}, "ValidationURL"),
    ],
)
def test_urls_are_checked(client: FlaskClient, changes: dict[str, object], what: str) -> None:
    assert error(register(client, changes)) == (
        400,
        "400.002.02",
        f"Bad Request - Invalid {what}",
    )
    assert (client.get("/state").json or {})["c2b"] is None


def test_urls_are_registered_once(client: FlaskClient) -> None:
    answer = register(client)
    assert (answer.status_code, (answer.json or {})["ResponseCode"]) == (200, "0")
    assert error(register(client)) == (500, "500.003.1001", "Urls are already registered")
    assert client.delete("/mpesa/c2b").status_code == 204
    assert register(client, version=1).status_code == 200
    assert register(client, version=3).status_code == 404


@pytest.mark.parametrize(("version", "payer"), [(2, "2547 ***** 149"), (1, "bbff37ce")])
def test_money_paid_by_hand_is_validated_then_confirmed(
    client: FlaskClient, clock: HandClock, postman: FakePostman, version: int, payer: str
) -> None:
    register(client, version=version)
    receipt = pay(client)["receipt"]
    (validation,) = postman.told(VALIDATE)
    assert postman.told(CONFIRM) == []
    clock.advance(1)
    (confirmation,) = postman.told(CONFIRM)
    assert validation["TransID"] == confirmation["TransID"] == receipt
    assert validation["OrgAccountBalance"] == ""
    assert float(confirmation["TransAmount"]) == 20
    assert isinstance(confirmation["TransAmount"], str)
    assert confirmation["BillRefNumber"] == "HOUR1"
    assert confirmation["MSISDN"].startswith(payer)
    (paid,) = transactions(client)
    assert (paid["receipt"], paid["phone"], paid["confirmations"][0]["status"]) == (
        receipt,
        PAYER,
        200,
    )


def test_a_validation_can_refuse_and_its_silence_is_the_response_types_say(
    client: FlaskClient, postman: FakePostman
) -> None:
    register(client)
    postman.says = '{"ResultCode": "C2B00012", "ResultDesc": "Rejected"}'
    body = {"phone": PAYER, "amount": 20}
    assert client.post("/mpesa/c2b", json=body).status_code == 409
    assert transactions(client) == []
    postman.status, postman.says = None, ""
    assert client.post("/mpesa/c2b", json=body).status_code == 201
    client.delete("/mpesa/c2b")
    register(client, {"ResponseType": "Cancelled"})
    assert client.post("/mpesa/c2b", json=body).status_code == 409


@pytest.mark.parametrize(("mode", "times"), [("ok", 1), ("late", 1), ("lost", 0), ("duplicate", 3)])
def test_confirmations_misbehave(
    client: FlaskClient, clock: HandClock, postman: FakePostman, mode: str, times: int
) -> None:
    register(client)
    pay(client, mode=mode, delay_ms=4000)
    clock.advance(3.9)
    assert postman.told(CONFIRM) == []
    clock.advance(2)
    assert len(postman.told(CONFIRM)) == times


def test_without_urls_nobody_hears_of_money(
    client: FlaskClient, clock: HandClock, postman: FakePostman
) -> None:
    pay(client)
    clock.advance(10)
    assert postman.posted == []
    assert len(transactions(client)) == 1


def test_a_paid_prompt_is_confirmed_as_well_before_or_after_its_callback(
    client: FlaskClient, clock: HandClock, postman: FakePostman
) -> None:
    register(client)
    for _ in range(2):
        ask(client)
        clock.advance(1)
    urls = [url for url, _ in postman.posted]
    callback = "http://127.0.0.1:8001/callbacks/stk/abc"
    assert urls == [CONFIRM, callback, callback, CONFIRM]
    receipts = [
        {item["Name"]: item.get("Value") for item in told["CallbackMetadata"]["Item"]}
        for told in postman.callbacks
    ]
    assert [told["TransID"] for told in postman.told(CONFIRM)] == [
        items["MpesaReceiptNumber"] for items in receipts
    ]
    assert postman.told(CONFIRM)[0]["BillRefNumber"] == "1HOUR"


def test_whether_a_prompt_is_confirmed_as_well_can_be_chosen(
    client: FlaskClient, clock: HandClock, postman: FakePostman
) -> None:
    register(client)
    for behaviour in (
        {"mode": "pay", "c2b": "none"},
        {"mode": "cancel"},
        {"mode": "no_callback"},
        {"mode": "no_callback", "c2b": "after"},
    ):
        behave(client, **behaviour)
        ask(client)
        clock.advance(1)
    assert len(postman.told(CONFIRM)) == 1
    assert [callback["ResultCode"] for callback in postman.callbacks] == [0, 1032]


@pytest.mark.parametrize(
    "changes", [{"phone": "12"}, {"amount": 0}, {"amount": 2.5}, {"reference": "x" * 21}]
)
def test_what_makes_no_sense_is_named(client: FlaskClient, changes: dict[str, object]) -> None:
    answer = client.post("/mpesa/c2b", json={"phone": PAYER, "amount": 20} | changes)
    assert answer.status_code == 422
    assert set((answer.json or {})["errors"]) == set(changes)
