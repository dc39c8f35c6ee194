"""What guests and operators ask about vouchers: parsed, dispatched, answered."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from hotspot.contract.vouchers import CancelVouchersJob, CreateVoucherBatchJob, RedeemVoucherJob
from hotspot.ids import new_id
from hotspot.testing.handling import NOON, FakePublisher
from hotspot.testing.identity import Keys
from payment_service.models import Package
from payment_service.seed import insert_starters
from payment_service.vouchers.batches import AT_ONCE

from .paper import words_of
from .shop import PHONE, Shop, package
from .stall import MAC, OTHER_MAC, Stall, batch_job, redeem_job

PATH = "/api/v1/vouchers"
TOMORROW = NOON + timedelta(days=1)


@pytest.fixture
def stall(shop: Shop) -> Stall:
    """A shop that sells vouchers."""
    return Stall(shop=shop)


@pytest.fixture
def on_sale(shop: Shop) -> dict[str, UUID]:
    """The starter packages: ids by code."""
    with shop.engine.begin() as connection:
        insert_starters(connection, NOON)
        return {row.code: row.id for row in connection.execute(select(Package.code, Package.id))}


@pytest.fixture
def operator(keys: Keys) -> dict[str, str]:
    return keys.headers("operator")


@pytest.fixture
def redeem(client: FlaskClient) -> Callable[..., Any]:
    """POST a code, with what is given beside."""

    def post(code: object, **fields: Any) -> Any:
        return client.post(f"{PATH}/redeem", json={"code": code, **fields})

    return post


# --- guests


def test_a_code_is_taken_and_the_page_sees_how_it_goes_on(
    redeem: Callable[..., Any],
    stall: Stall,
    client: FlaskClient,
    publisher: FakePublisher,
) -> None:
    voucher = stall.voucher()
    answer = redeem(voucher.code.lower().replace("-", " "), mac="02-00-5e-10-00-01", phone="")
    assert answer.status_code == 202
    body = answer.get_json()
    assert (set(body), body["status"]) == ({"id", "status", "claim_token"}, "pending")
    assert answer.headers["Location"] == f"/api/v1/payments/{body['id']}"
    job = publisher.sent[-1]
    assert isinstance(job, RedeemVoucherJob)
    assert (str(job.payment_id), job.mac, job.phone) == (body["id"], MAC, None)
    assert publisher.parcels[-1].envelope.correlation_id == job.payment_id

    def see() -> Any:
        headers = {"Authorization": f"Bearer {body['claim_token']}"}
        return client.get(answer.headers["Location"], headers=headers).get_json()

    assert (see()["status"], see()["phone"], see()["access"]) == ("pending", None, None)
    stall.shop.run(job)
    stall.shop.cache_credentials(job.payment_id, TOMORROW)
    seen = see()
    assert (seen["status"], seen["phone"], seen["receipt"]) == ("completed", None, None)
    assert (seen["access"]["voucher"], seen["access"]["state"]) == (voucher.code, "ready")


def test_the_page_that_is_reloaded_shows_the_same_access(
    redeem: Callable[..., Any], stall: Stall, client: FlaskClient
) -> None:
    voucher = stall.voucher()
    job = redeem_job(voucher.id, mac=MAC, phone=PHONE)
    stall.shop.run(job)
    again = redeem(voucher.code, mac=MAC)
    assert (again.status_code, again.get_json()["status"]) == (202, "completed")
    headers = {"Authorization": f"Bearer {again.get_json()['claim_token']}"}
    seen = client.get(again.headers["Location"], headers=headers).get_json()
    assert (seen["id"], seen["phone"]) == (str(job.payment_id), "2547*****678")


def test_a_code_that_gives_nothing_says_why(
    redeem: Callable[..., Any], stall: Stall, publisher: FakePublisher
) -> None:
    used, expired = stall.voucher(), stall.voucher(expires_at=NOON)
    stall.shop.run(redeem_job(used.id, mac=MAC))
    for code in ("CCCCC-CCCCC-CCCCC", "4KQC-X9DM-7RHA", "nonsense", "\x00"):
        unknown = redeem(code)
        assert (unknown.status_code, unknown.get_json()["status"]) == (404, 404)
    answers = [redeem(used.code, mac=OTHER_MAC), redeem(expired.code)]
    assert [answer.status_code for answer in answers] == [409, 409]
    assert [answer.get_json()["type"].rpartition(":")[2] for answer in answers] == [
        "voucher-used",
        "voucher-expired",
    ]
    assert publisher.sent == []


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"code": ""}, "code"),
        ({"code": "x" * 101}, "code"),
        ({"code": 5}, "code"),
        ({"phone": "12"}, "phone"),
        ({"mac": "zz"}, "mac"),
        ({"link_login_only": "javascript:alert(1)"}, "link_login_only"),
        ({"pin": "1234"}, "pin"),
    ],
)
def test_a_field_that_makes_no_sense_is_named(
    redeem: Callable[..., Any], fields: dict[str, Any], named: str
) -> None:
    answer = redeem(**{"code": "CCCCC-CCCCC-CCCCC", **fields})
    assert answer.status_code == 422
    assert set(answer.get_json()["errors"]) == {named}


# --- operators


def test_an_operator_orders_a_batch(
    client: FlaskClient,
    operator: dict[str, str],
    on_sale: dict[str, UUID],
    publisher: FakePublisher,
    shop: Shop,
) -> None:
    body = {
        "package_id": str(on_sale["DAY1"]),
        "count": 3,
        "expires_at": "2026-02-01T00:00:00+03:00",
    }
    answer = client.post(PATH, json=body, headers=operator)
    assert answer.status_code == 202
    job = publisher.sent[-1]
    assert isinstance(job, CreateVoucherBatchJob)
    assert answer.get_json() == {"batch_id": str(job.batch_id)}
    assert (job.package.package_id, job.count, job.made) == (on_sale["DAY1"], 3, 0)
    path = answer.headers["Location"]
    assert client.get(path, headers=operator).status_code == 404  # until a worker begins
    shop.run(job)
    seen = client.get(path, headers=operator).get_json()
    assert (seen["number"], seen["status"], seen["made"], seen["count"]) == (1, "ready", 3, 3)
    assert (seen["expires_at"], seen["vouchers"]) == ("2026-01-31T21:00:00Z", {"unused": 3})
    (listed,) = client.get(f"{PATH}/batches", headers=operator).get_json()["items"]
    assert listed["id"] == str(job.batch_id)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"count": 0}, "count"),
        ({"count": 5001}, "count"),
        ({"count": "3"}, "count"),
        ({"expires_at": "2026-01-15T09:00:00Z"}, "expires_at"),
        ({"expires_at": "2027-01-01T00:00:00"}, "expires_at"),
        ({"package_id": str(new_id())}, "package_id"),
        ({"package_id": "HOME10"}, "package_id"),
    ],
)
def test_a_batch_that_makes_no_sense_is_refused(
    client: FlaskClient,
    operator: dict[str, str],
    on_sale: dict[str, UUID],
    fields: dict[str, Any],
    named: str,
) -> None:
    if fields.get("package_id") == "HOME10":  # a subscription
        fields = {"package_id": str(on_sale["HOME10"])}
    body = {"package_id": str(on_sale["DAY1"]), "count": 3, **fields}
    answer = client.post(PATH, json=body, headers=operator)
    assert answer.status_code == 422
    assert set(answer.get_json()["errors"]) == {named}


def test_nothing_is_printed_before_all_of_it_is_there(
    client: FlaskClient, operator: dict[str, str], shop: Shop
) -> None:
    job = batch_job(AT_ONCE + 1)
    _, following = shop.run(job)
    path = f"{PATH}/batches/{job.batch_id}"
    for kind in ("pdf", "csv"):
        early = client.get(f"{path}.{kind}", headers=operator)
        assert early.status_code == 409
        assert f"{AT_ONCE} of {AT_ONCE + 1} vouchers" in early.get_json()["detail"]
    assert client.get(path, headers=operator).get_json()["status"] == "making"
    shop.run(following)
    assert client.get(f"{path}.csv", headers=operator).status_code == 200
    assert client.get(f"{PATH}/batches/{new_id()}.pdf", headers=operator).status_code == 404


def test_the_spreadsheet_lists_all_and_runs_nothing(
    client: FlaskClient, operator: dict[str, str], stall: Stall
) -> None:
    from dataclasses import replace

    trap = replace(package(), name='=HYPERLINK("http://example.com";"1 hour")')
    batch_id = stall.batch(2, package=trap, expires_at=TOMORROW)
    first, second = stall.vouchers(batch_id)
    stall.shop.run(redeem_job(first.id))
    answer = client.get(f"{PATH}/batches/{batch_id}.csv", headers=operator)
    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="vouchers-1.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True))))
    assert rows == [
        {
            "code": voucher.code,
            "package": f"'{trap.name}",
            "price": "20.00",
            "expires_at": "2026-01-16T09:00:00Z",
            "status": status,
        }
        for voucher, status in ((first, "redeemed"), (second, "unused"))
    ]


def test_the_cards_that_can_still_be_sold_are_printed(
    client: FlaskClient, operator: dict[str, str], stall: Stall
) -> None:
    batch_id = stall.batch(1)
    path = f"{PATH}/batches/{batch_id}.pdf"
    answer = client.get(path, headers=operator)
    assert (answer.status_code, answer.content_type) == (200, "application/pdf")
    assert answer.data.startswith(b"%PDF-")
    assert "WiFi" in words_of(answer.data)
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "wifi.example.co.ke"}
    by_gateway = client.get(path, headers={**operator, **forwarded})
    assert "Scan, or type it at wifi.example.co.ke" in words_of(by_gateway.data)
    stall.shop.run(redeem_job(stall.vouchers(batch_id)[0].id))
    assert client.get(path, headers=operator).status_code == 409


def test_codes_are_for_operators_and_reading_is_for_all_roles(
    client: FlaskClient, keys: Keys, stall: Stall
) -> None:
    batch_id = stall.batch(1)
    (voucher,) = stall.vouchers(batch_id)
    viewer, operator = keys.headers("viewer"), keys.headers("operator")
    for path in (PATH, f"{PATH}/{voucher.id}", f"{PATH}/batches", f"{PATH}/batches/{batch_id}"):
        assert client.get(path).status_code == 401
        assert voucher.code not in client.get(path, headers=viewer).get_data(as_text=True)
    assert client.get(f"{PATH}/{voucher.id}", headers=operator).get_json()["code"] == voucher.code
    for path in (f"{PATH}/batches/{batch_id}.pdf", f"{PATH}/batches/{batch_id}.csv"):
        assert client.get(path, headers=viewer).status_code == 403
    for path in (f"{PATH}/batches/{batch_id}", f"{PATH}/{voucher.id}"):
        assert client.delete(path, headers=viewer).status_code == 403
    assert client.post(PATH, json={}, headers=viewer).status_code == 403


def test_vouchers_are_found_by_what_is_known_of_them(
    client: FlaskClient, operator: dict[str, str], stall: Stall
) -> None:
    batch_id = stall.batch(2)
    used, unused = stall.vouchers(batch_id)
    stall.shop.run(redeem_job(used.id, phone=PHONE))
    expired = stall.voucher(expires_at=NOON)

    def found(query: str) -> list[str]:
        answer = client.get(f"{PATH}?{query}", headers=operator)
        return [item["id"] for item in answer.get_json()["items"]]

    assert found("") == [str(expired.id), str(unused.id), str(used.id)]
    assert found("status=redeemed") == found("phone=0712345678") == [str(used.id)]
    assert found("status=expired") == [str(expired.id)]
    assert found(f"batch_id={batch_id}&status=unused") == [str(unused.id)]
    assert found(f"code={used.code.lower()}") == [str(used.id)]
    assert found("code=nonsense") == found("since=2026-01-15T10:00:00Z") == []
    wrong = client.get(f"{PATH}?status=lost", headers=operator)
    assert set(wrong.get_json()["errors"]) == {"status"}
    (item,) = client.get(f"{PATH}?phone={PHONE}", headers=operator).get_json()["items"]
    assert (item["serial"], item["phone"], item["redeemed_at"]) == (
        1,
        PHONE,
        "2026-01-15T09:00:00Z",
    )


def test_an_operator_cancels_a_voucher_or_a_whole_batch(
    client: FlaskClient, operator: dict[str, str], stall: Stall, publisher: FakePublisher
) -> None:
    batch_id = stall.batch(2)
    used, unused = stall.vouchers(batch_id)
    stall.shop.run(redeem_job(used.id))
    assert client.delete(f"{PATH}/{used.id}", headers=operator).status_code == 409
    assert client.delete(f"{PATH}/{new_id()}", headers=operator).status_code == 404
    assert client.delete(f"{PATH}/{unused.id}", headers=operator).status_code == 202
    assert client.delete(f"{PATH}/batches/{batch_id}", headers=operator).status_code == 202
    one, whole = publisher.sent
    assert isinstance(one, CancelVouchersJob)
    assert isinstance(whole, CancelVouchersJob)
    assert (one.voucher_id, whole.batch_id) == (unused.id, batch_id)
    stall.shop.run(whole)
    path = f"{PATH}/batches/{batch_id}"
    assert client.get(path, headers=operator).get_json()["status"] == "cancelled"
    assert client.get(f"{path}.pdf", headers=operator).status_code == 409
