"""Callbacks are as various as M-Pesa's, and receipts never repeat."""

import json
from typing import Any

import pytest

from simulators.behaviour import MpesaMode
from simulators.callbacks import Postman, callback_body
from simulators.prompts import PAID, Prompt, Prompts
from simulators.stk import StkRequest
from simulators.tests.fakes import NOW, Listener
from simulators.transactions import Receipts


def paid_prompt(url: str = "http://127.0.0.1:9/", prompts: Prompts | None = None) -> Prompt:
    prompts = prompts or Prompts()
    request = StkRequest(
        phone="254708374149",
        amount=20,
        callback_url=url,
        account_reference="1HOUR",
        description="WiFi",
        transaction_type="CustomerPayBillOnline",
    )
    prompt = prompts.open(request, MpesaMode.PAY, NOW)
    settled = prompts.settle(prompt.checkout_request_id, PAID, NOW)
    assert settled is not None
    return settled


def items(body: bytes) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(body)["Body"]["stkCallback"]["CallbackMetadata"][
        "Item"
    ]
    return found


def test_the_amount_is_written_in_three_ways() -> None:
    prompt = paid_prompt()
    bodies = [callback_body(prompt, turn) for turn in range(3)]
    written = [body.split(b'"Amount", "Value": ')[1].split(b"}")[0] for body in bodies]
    assert written == [b"20.00", b"20", b"20.0"]


def test_a_balance_without_a_value_comes_and_goes_and_the_order_turns() -> None:
    prompt = paid_prompt()
    orders = {tuple(item["Name"] for item in items(callback_body(prompt, t))) for t in range(4)}
    assert len(orders) == 3
    assert any("Balance" in order for order in orders)
    assert all("Value" not in i for i in items(callback_body(prompt, 1)) if i["Name"] == "Balance")


def test_receipts_are_ten_characters_dated_and_unlike() -> None:
    receipts = Receipts()
    issued = {receipts.issue(NOW) for _ in range(20_000)}
    assert len(issued) == 20_000
    assert {len(receipt) for receipt in issued} == {10}
    assert {receipt[:3] for receipt in issued} == {"UC5"}


def test_ids_come_in_several_shapes_and_are_unlike() -> None:
    prompts = Prompts()
    ids = [paid_prompt(prompts=prompts).checkout_request_id for _ in range(60)]
    assert len(set(ids)) == 60
    assert len({len(checkout_request_id) for checkout_request_id in ids}) > 1


@pytest.mark.parametrize("status", [200, 500])
def test_a_callback_is_posted_as_json_and_the_answer_is_noted(
    listener: Listener, status: int
) -> None:
    listener.status = status
    prompt, postman = paid_prompt(f"{listener.url}/callbacks/stk/token"), Postman()
    delivery = postman.deliver(prompt.request.callback_url, postman.write(prompt), NOW)
    assert delivery.status == status
    ((path, content_type, body),) = listener.received
    assert (path, content_type) == ("/callbacks/stk/token", "application/json")
    assert json.loads(body)["Body"]["stkCallback"]["ResultCode"] == 0


def test_a_callback_that_reaches_nobody_is_noted_too() -> None:
    prompt, postman = paid_prompt("http://127.0.0.1:9/"), Postman()
    delivery = postman.deliver(prompt.request.callback_url, postman.write(prompt), NOW)
    assert delivery.status is None
    assert delivery.error == "ConnectionError"
