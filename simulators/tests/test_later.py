"""Transaction status and reversal: taken at once, answered later, in many shapes."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from simulators.later import Result, result_body
from simulators.tests.fakes import NOW, FakePostman, HandClock
from simulators.tests.test_c2b import pay, transactions
from simulators.tests.test_daraja_requests import error, token
from simulators.transactions import Kind, Transaction

RESULT = "http://127.0.0.1:8001/callbacks/result/abc"
TIMEOUT = "http://127.0.0.1:8001/callbacks/result/abc/timeout"
COMMON: dict[str, object] = {
    "Initiator": "testapi",
    "SecurityCredential": "c2VhbGVk",
    "ResultURL": RESULT,
    "QueueTimeOutURL": TIMEOUT,
    "Remarks": "Claim",
}


def ask(client: FlaskClient, path: str, body: dict[str, object]) -> TestResponse:
    given = {name: value for name, value in body.items() if value is not None}
    headers = {"Authorization": f"Bearer {token(client)}"}
    return client.post(f"/daraja/mpesa/{path}", json=given, headers=headers)


def status(client: FlaskClient, receipt: str, **changes: object) -> TestResponse:
    body: dict[str, object] = {
        "CommandID": "TransactionStatusQuery",
        "TransactionID": receipt,
        "PartyA": "174379",
        "IdentifierType": "4",
    }
    return ask(client, "transactionstatus/v1/query", COMMON | body | changes)


def reverse(client: FlaskClient, receipt: str, **changes: object) -> TestResponse:
    body: dict[str, object] = {
        "CommandID": "TransactionReversal",
        "TransactionID": receipt,
        "Amount": "20",
        "ReceiverParty": "174379",
        "RecieverIdentifierType": "11",
    }
    return ask(client, "reversal/v1/request", COMMON | body | changes)


def behave(client: FlaskClient, **body: object) -> None:
    assert client.post("/mpesa/results/behaviour", json=body).status_code == 200


def results(postman: FakePostman) -> list[dict[str, Any]]:
    return [told["Result"] for told in postman.told(RESULT)]


def parameters(result: dict[str, Any]) -> dict[str, Any]:
    """The last value of each key that has one."""
    listed = result["ResultParameters"]["ResultParameter"]
    return {item["Key"]: item["Value"] for item in listed if "Value" in item}


def codes(postman: FakePostman) -> list[str]:
    return [str(result["ResultCode"]) for result in results(postman)]


def test_the_status_of_a_receipt_comes_later_to_the_result_url(
    client: FlaskClient, clock: HandClock, postman: FakePostman
) -> None:
    receipt = pay(client)["receipt"]
    reply = status(client, receipt)
    assert reply.status_code == 200
    assert (reply.json or {})["ResponseCode"] == "0"
    assert postman.posted == []
    clock.advance(1)
    (result,) = results(postman)
    for name in ("ConversationID", "OriginatorConversationID"):
        assert result[name] == (reply.json or {})[name]
    told = parameters(result)
    assert told["ReceiptNo"] == receipt
    assert told["DebitPartyName"] == "254708374149 - JOHN DOE"
    assert told["CreditPartyName"] == "174379 - HOTSPOT"
    assert told["TransactionStatus"] == "Completed"
    assert float(told["Amount"]) == 20
    (request,) = (client.get("/state").json or {})["requests"]
    assert (request["receipt"], request["result_code"]) == (receipt, 0)
    assert [delivery["status"] for delivery in request["results"]] == [200]
    assert "c2VhbGVk" not in client.get("/state").text


def test_what_is_wrong_with_who_asks_or_what_for_is_a_result(
    client: FlaskClient, clock: HandClock, postman: FakePostman
) -> None:
    receipt = pay(client)["receipt"]
    for answer in (
        status(client, "UC50000000"),
        status(client, receipt, SecurityCredential="d3Jvbmc="),
        status(client, receipt, Initiator="someone"),
        status(client, receipt, PartyA="600000"),
        reverse(client, "UC50000000"),
        reverse(client, receipt, Amount="19"),
    ):
        assert answer.status_code == 200
    clock.advance(1)
    assert codes(postman) == ["2032", "2001", "2001", "SFC_IC0003", "R000002", "R000002"]
    assert all("ResultParameters" not in result for result in results(postman))


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"Initiator": None}, "Initiator"),
        ({"SecurityCredential": ""}, "SecurityCredential"),
        ({"CommandID": "Reversal"}, "CommandID"),
        ({"TransactionID": "UC5 000"}, "TransactionID"),
        ({"Amount": "20.50"}, "Amount"),
        ({"ReceiverParty": None}, "ReceiverParty"),
        (
            {"RecieverIdentifierType": None, "ReceiverIdentifierType": "11"},
            "RecieverIdentifierType",
        ),
        ({"RecieverIdentifierType": "4"}, "RecieverIdentifierType"),
        ({"ResultURL": "https://a.example/mpesa"}, "ResultURL"),
        ({"QueueTimeOutURL": None}, "QueueTimeOutURL"),
        ({"Remarks": ""}, "Remarks"),
    ],
)
def test_a_wrong_field_is_an_error(
    client: FlaskClient, changes: dict[str, object], what: str
) -> None:
    answer = reverse(client, "UC50000000", **changes)
    assert error(answer) == (400, "400.002.02", f"Bad Request - Invalid {what}")


def test_money_is_sent_back_once(
    client: FlaskClient, clock: HandClock, postman: FakePostman
) -> None:
    receipt = pay(client)["receipt"]
    reverse(client, receipt)
    reverse(client, receipt)
    clock.advance(1)
    assert codes(postman) == ["0", "R000001"]
    done = results(postman)[0]
    paid, back = transactions(client)
    assert paid["reversed_by"] == back["receipt"] == done["TransactionID"]
    assert parameters(done)["OriginalTransactionID"] == receipt
    status(client, receipt)
    status(client, back["receipt"])
    reverse(client, back["receipt"])
    clock.advance(1)
    first, second = results(postman)[2:4]
    assert parameters(first)["TransactionStatus"] == "Reversed"
    # What was sent back went out of the shortcode.
    assert parameters(second)["DebitPartyName"] == "174379 - HOTSPOT"
    assert codes(postman)[4] == "R000002"


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        # The reply's status; the results by then; a second later
        ({"mode": "lost"}, (200, 0, 0)),
        ({"mode": "duplicate"}, (200, 0, 3)),
        ({"mode": "late", "delay_ms": 4000}, (200, 0, 0)),
        ({"mode": "first"}, (200, 1, 1)),
        ({"mode": "reply_lost"}, (502, 0, 1)),
    ],
)
def test_results_misbehave(
    client: FlaskClient,
    clock: HandClock,
    postman: FakePostman,
    mode: dict[str, object],
    expected: tuple[int, int, int],
) -> None:
    receipt = pay(client)["receipt"]
    behave(client, **mode)
    reply = reverse(client, receipt)
    at_once = len(results(postman))
    clock.advance(1)
    assert (reply.status_code, at_once, len(results(postman))) == expected
    clock.advance(5)
    assert transactions(client)[0]["reversed_by"]


@pytest.mark.parametrize("mode", [{"mode": "timed_out"}, {"mode": "result", "result_code": 21}])
def test_what_is_not_done_is_not_done(
    client: FlaskClient, clock: HandClock, postman: FakePostman, mode: dict[str, object]
) -> None:
    receipt = pay(client)["receipt"]
    behave(client, **mode)
    reverse(client, receipt)
    clock.advance(1)
    assert transactions(client)[0]["reversed_by"] is None
    assert (len(postman.told(TIMEOUT)), codes(postman)) in [(1, []), (0, ["21"])]


def test_requests_can_be_down_while_prompts_are_not(client: FlaskClient) -> None:
    behave(client, mode="down")
    assert status(client, "UC50000000").status_code == 502
    assert token(client)
    assert client.post("/reset").status_code == 204
    assert status(client, "UC50000000").status_code == 200


def test_a_behaviour_without_its_code_is_refused(client: FlaskClient) -> None:
    answer = client.post("/mpesa/results/behaviour", json={"mode": "result"})
    assert answer.status_code == 422


def test_results_come_in_the_shapes_that_were_seen() -> None:
    paid = Transaction(
        receipt="UC57RT61SV",
        kind=Kind.C2B,
        phone="254708374149",
        name="JOHN DOE",
        amount=20,
        reference="",
        at=NOW,
    )
    result = Result(
        conversation_id="AG_1",
        originator_conversation_id="1-2-3",
        shortcode="174379",
        occasion="claim",
        at=NOW,
        code=0,
        looked_up=paid,
    )
    bodies = [json.loads(result_body(result, turn=turn))["Result"] for turn in range(12)]
    amounts = {repr(parameters(body)["Amount"]) for body in bodies}
    assert amounts == {"20", "'20'", "20.0", "'20.00'"}
    assert {type(body["ResultCode"]) for body in bodies} == {int, str}
    assert {type(parameters(body)["FinalisedTime"]) for body in bodies} == {int, str}
    keys = [[p["Key"] for p in body["ResultParameters"]["ResultParameter"]] for body in bodies]
    assert {names.count("DebitPartyName") for names in keys} == {1, 3}
    assert len({tuple(names) for names in keys}) == 3
    masked = json.loads(result_body(result, mask_payer=True, turn=0))["Result"]
    assert parameters(masked)["DebitPartyName"] == "2547 ***** 149 - JOHN DOE"
