"""Operators see the money that came: what it bought, and what of it waits for a person."""

from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from hotspot.contract.money import Money
from hotspot.testing.identity import Keys

from .shop import RECEIPT, STRANGER, Shop, success
from .test_credit import MASK, confirmation


@pytest.fixture
def listed(client: FlaskClient, keys: Keys) -> Any:
    """Asks for receipts as a viewer."""

    def ask(query: str = "") -> list[dict[str, Any]]:
        answer = client.get(f"/api/v1/receipts{query}", headers=keys.headers("viewer"))
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.get_json()["items"]
        return items

    return ask


def bob(shillings: int) -> dict[str, object]:
    return {"amount": Money.shillings(shillings).amount, "currency": "KES"}


def test_money_is_listed_with_what_became_of_it(market: Shop, listed: Any) -> None:
    payment_id = market.prompted()
    market.call_back(payment_id, success())
    market.run(confirmation(receipt="UAF0000001", shillings="25.00", account="0722000111"))
    market.run(confirmation(receipt="UAF0000002", msisdn=MASK, account="rent"))
    alone, more, served = listed()
    assert (served["receipt"], served["payment_id"], served["held"]) == (
        RECEIPT,
        str(payment_id),
        None,
    )
    assert (more["amount"], more["left_over"], more["held"]) == (bob(25), bob(5), None)
    assert (alone["payment_id"], alone["payer"], alone["reference"]) == (None, MASK, "rent")
    assert "who paid" in alone["held"]
    assert alone["confirmed"]
    assert [one["receipt"] for one in listed("?held=true")] == ["UAF0000002", "UAF0000001"]
    assert [one["receipt"] for one in listed("?held=false")] == [RECEIPT]
    assert listed(f"?payment_id={payment_id}") == [served]
    assert listed("?receipt=%20uaf0000002") == [alone]


def test_what_only_a_stranger_said_is_in_sight_until_it_is_confirmed(
    market: Shop,
    listed: Any,
) -> None:
    told = confirmation(msisdn=MASK)
    for _ in range(2):
        market.run(replace(told, source_address=STRANGER))
    (said,) = listed("?held=true")
    assert (said["receipt"], said["confirmed"], said["amount"]) == (RECEIPT, False, bob(20))
    assert STRANGER in said["held"]
    market.run(confirmation())
    (known,) = listed()
    assert (known["receipt"], known["confirmed"], known["held"]) == (RECEIPT, True, None)


def test_receipts_come_in_pages_and_only_to_operators(
    market: Shop,
    client: FlaskClient,
    keys: Keys,
) -> None:
    for number in range(3):
        market.run(confirmation(receipt=f"UAF000000{number}", msisdn=MASK))
    path, seen = "/api/v1/receipts?limit=2", []
    while path:
        body = client.get(path, headers=keys.headers("viewer")).get_json()
        seen += [one["receipt"][-1] for one in body["items"]]
        path = f"/api/v1/receipts?limit=2&cursor={body['next']}" if body["next"] else ""
    assert seen == ["2", "1", "0"]
    assert client.get("/api/v1/receipts").status_code == 401
    answer = client.get("/api/v1/receipts?held=perhaps", headers=keys.headers("viewer"))
    assert answer.status_code == 422
