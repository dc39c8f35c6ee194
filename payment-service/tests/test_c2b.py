"""What M-Pesa says that answers no prompt: kept, answered, and its money never dropped."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from hotspot.contract.money import Money
from hotspot.contract.payments import RecordMpesaMessageJob
from hotspot.ids import new_id
from hotspot.testing.handling import NOON, FakePublisher
from hotspot.vault import Vault
from payment_service.models import MpesaMessage, Receipt
from payment_service.mpesa.callback_urls import DOORS, callback_url, door_url
from payment_service.settling.c2b import Confirmation, read_confirmation

from .shop import SAFARICOM, SUCCESS_MESSAGES, Shop, id_of, names, samples, success

CONFIRMATIONS = samples("c2b_confirmation")
OTHERS = {
    "c2b_validation": samples("c2b_validation"),
    "result": samples("transaction_status_result"),
}


def told(kind: Any, body: object) -> RecordMpesaMessageJob:
    text = body if isinstance(body, str) else json.dumps(body)
    return RecordMpesaMessageJob(kind=kind, body=text, source_address=SAFARICOM, received_at=NOON)


def receipts(shop: Shop) -> list[Any]:
    with shop.engine.connect() as connection:
        return list(connection.execute(select(Receipt.__table__)).all())


def kept(shop: Shop) -> list[Any]:
    with shop.engine.connect() as connection:
        wanted = select(MpesaMessage.__table__).where(MpesaMessage.kind.in_(DOORS))
        return list(connection.execute(wanted).all())


@pytest.mark.parametrize("sample", CONFIRMATIONS, ids=id_of)
def test_a_confirmation_without_a_prompt_is_held_for_a_person(
    shop: Shop, sample: dict[str, Any]
) -> None:
    assert shop.run(told("c2b_confirmation", sample["body"])) == []
    (receipt,) = receipts(shop)
    assert receipt.receipt == sample["body"]["TransID"]
    assert receipt.amount == round(float(sample["body"]["TransAmount"]) * 100)
    assert receipt.payment_id is None
    assert receipt.held
    assert receipt.payer.replace(" ", "") == sample["body"]["MSISDN"].replace(" ", "")
    assert receipt.reference == sample["body"]["BillRefNumber"]
    assert receipt.payer_name.startswith(sample["body"]["FirstName"])
    assert receipt.paid_at is not None
    (message,) = kept(shop)
    assert (json.loads(message.body), message.problem) == (sample["body"], "its money is held")


@pytest.mark.parametrize(
    ("kind", "sample"),
    [(kind, sample) for kind, found in OTHERS.items() for sample in found],
    ids=lambda value: value["id"] if isinstance(value, dict) else value,
)
def test_other_messages_are_kept_and_settle_nothing(
    shop: Shop, kind: str, sample: dict[str, Any]
) -> None:
    assert shop.run(told(kind, sample["body"])) == []
    assert receipts(shop) == []
    assert [json.loads(message.body) for message in kept(shop)] == [sample["body"]]


def confirmation_of(receipt: str, shillings: int) -> dict[str, str]:
    return {"TransID": receipt, "TransAmount": f"{shillings}.00", "TransTime": "20260115120000"}


@pytest.mark.parametrize("first", ["callback", "confirmation"])
def test_a_prompt_that_c2b_confirms_as_well_is_credited_once(shop: Shop, first: str) -> None:
    payment_id = shop.prompted()
    items = json.loads(success())["Body"]["stkCallback"]["CallbackMetadata"]["Item"]
    values = {item["Name"]: item.get("Value") for item in items}
    again = told(
        "c2b_confirmation",
        confirmation_of(values["MpesaReceiptNumber"], int(values["Amount"])),
    )
    if first == "confirmation":
        assert shop.run(again) == []
        assert names(shop.call_back(payment_id, success())) == SUCCESS_MESSAGES
    else:
        assert names(shop.call_back(payment_id, success())) == SUCCESS_MESSAGES
        assert shop.run(again) == []
    (receipt,) = receipts(shop)
    assert (receipt.payment_id, receipt.held) == (payment_id, None)


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        "5",
        "null",
        "{}",
        '{"TransID": "RKL51ZDR4F"}',
        '{"TransID": "", "TransAmount": "5"}',
        '{"TransID": "RKL51ZDR4F", "TransAmount": "-5"}',
        '{"TransID": {}, "TransAmount": []}',
    ],
)
def test_a_confirmation_that_names_no_money_is_kept_and_shown(shop: Shop, body: str) -> None:
    assert read_confirmation(body) is None
    shop.run(told("c2b_confirmation", body))
    assert [message.problem for message in kept(shop)] == ["names no receipt, or no amount"]


def test_a_confirmation_is_read_without_trusting_its_types() -> None:
    body = '{"TransID": "rkl51zdr4f", "TransAmount": 5.00, "TransTime": 20231121121325}'
    read = read_confirmation(body)
    assert isinstance(read, Confirmation)
    assert (read.receipt, read.amount) == ("RKL51ZDR4F", Money.shillings(5))


@pytest.mark.parametrize("kind", DOORS)
def test_each_door_opens_with_its_own_token_only(
    client: FlaskClient, publisher: FakePublisher, vault: Vault, kind: str
) -> None:
    own = door_url("", vault, kind)
    answer = client.post(own, json={"anything": 1})
    assert answer.status_code == 200
    assert answer.get_json() == {"ResultCode": 0, "ResultDesc": "Accepted"}
    (job,) = publisher.sent
    assert isinstance(job, RecordMpesaMessageJob)
    assert (job.kind, job.body) == (kind, '{"anything": 1}')
    others = [door_url("", vault, other) for other in DOORS if other != kind]
    tokens = [one.rsplit("/", 1)[1] for one in [*others, callback_url("", vault, new_id())]]
    for token in [*tokens, "x", "00" * 34]:
        assert client.post(f"/callbacks/{DOORS[kind]}/{token}", json={}).status_code == 404
    assert client.post(own, data="{").status_code == 400
    assert client.post(own, data="[" + "1," * 40_000 + "1]").status_code == 413
