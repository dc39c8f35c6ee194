"""Statements: tried out, imported, and their money settled in the one way."""

import io
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, insert, select

from hotspot.contract.message import Message
from hotspot.contract.money import Money
from hotspot.contract.payments import ImportStatementJob, StatementRow
from hotspot.ids import new_id
from hotspot.testing.handling import NOON, FakePublisher
from hotspot.testing.identity import Keys
from payment_service.models import Receipt, StatementLine

from .shop import RECEIPT, Shop, success
from .test_statements import GOOD, lines

OPERATOR = "operator"
URL = "/api/v1/statements"
CSV = {"Content-Type": "text/csv"}


def row(receipt: str, bob: int = 20, **more: Any) -> StatementRow:
    details = more.pop("details", "Pay Bill from 254712***678 - JOHN DOE Acc. nothing")
    values = {"completed_at": NOON, "paid_in": Money.shillings(bob), "details": details, **more}
    return StatementRow(receipt=receipt, **values)


def importing(*rows: StatementRow, part: int = 1, statement_id: UUID | None = None) -> Message:
    return ImportStatementJob(
        statement_id=statement_id or new_id(),
        part=part,
        parts=1,
        rows=rows,
        requested_by="op@example.com",
        requested_at=NOON,
        begins_at=NOON - timedelta(hours=1),
        ends_at=NOON + timedelta(hours=1),
    )


def found(shop: Shop) -> dict[str, tuple[str, str | None]]:
    with shop.engine.connect() as connection:
        rows = connection.execute(select(StatementLine.__table__)).all()
    return {one.receipt: (one.finding, one.outcome) for one in rows}


def test_what_we_have_matches_and_changes_nothing(shop: Shop) -> None:
    payment_id = shop.prompted()
    shop.call_back(payment_id, success())
    assert shop.run(importing(row(RECEIPT))) == []
    assert found(shop) == {RECEIPT: ("matched", None)}


def test_money_whose_news_never_came_is_settled(shop: Shop) -> None:
    payment_id = shop.prompted()
    paid = row("UAF7RT61AA", details=f"Pay Bill from 254712***678 Acc. {payment_id.hex[-12:]}")
    sent = shop.run(importing(paid))
    assert "PaymentCompleted" in [message.NAME for message in sent]
    assert shop.payment(payment_id).status == "completed"
    assert found(shop) == {"UAF7RT61AA": ("missing_here", "settled")}
    assert shop.run(importing(paid)) == [], "imported twice changes nothing"


def test_money_that_fits_nothing_is_held(shop: Shop) -> None:
    assert shop.run(importing(row("UAF7RT61AB", bob=3))) == []
    assert shop.receipt("UAF7RT61AB").held
    assert found(shop) == {"UAF7RT61AB": ("missing_here", "held")}


def test_another_amount_and_money_that_went_back_come_before_a_person(shop: Shop) -> None:
    first, second = shop.completed(), shop.completed()
    receipts = [shop.payment(one).receipt for one in (first, second)]
    shop.run(importing(row(receipts[0], bob=30), row(receipts[1], sent_back=True)))
    assert "KES 30.00" in shop.payment(first).needs_attention
    assert "sent back" in shop.payment(second).needs_attention
    assert {finding for finding, _ in found(shop).values()} == {"different_amount", "sent_back"}


def test_money_that_came_and_went_back_serves_nobody(shop: Shop) -> None:
    assert shop.run(importing(row("UAF7RT61AC", sent_back=True))) == []
    assert shop.receipt("UAF7RT61AC") is None


def test_a_part_that_comes_under_another_message_id_changes_nothing(shop: Shop) -> None:
    job = importing(row("UAF7RT61AD", bob=3))
    shop.run(job)
    assert shop.run(job) == []
    assert shop.count(StatementLine) == 1


# --- over HTTP


@pytest.fixture
def operator(keys: Keys) -> dict[str, str]:
    """Who may import."""
    return keys.headers(OPERATOR)


def heard_of(engine: Engine, receipt: str, bob: int = 20, minutes: int = 0) -> None:
    with engine.begin() as connection:
        connection.execute(
            insert(Receipt).values(
                receipt=receipt,
                amount=bob * 100,
                source="c2b_confirmation",
                paid_at=NOON + timedelta(minutes=minutes),
                recorded_at=NOON,
                held="for a test",
            )
        )


STATEMENT = lines(
    GOOD,
    GOOD.replace("UAF7RT61SV", "UAF7RT61SW").replace("12:00", "12:10"),
    GOOD.replace("UAF7RT61SV", "UAF7RT61SX").replace("20.00", "30.00"),
)


def test_a_dry_run_says_what_an_import_would_find_and_does_nothing(
    client: FlaskClient, engine: Engine, publisher: FakePublisher, operator: dict[str, str]
) -> None:
    heard_of(engine, "UAF7RT61SV")
    heard_of(engine, "UAF7RT61SX")
    heard_of(engine, "UAF7RT61ZZ", minutes=5)
    heard_of(engine, "UAF7RT61YY", minutes=11)
    answer = client.post(f"{URL}?dry_run=true", data=STATEMENT, headers=operator | CSV)
    assert answer.status_code == 200, answer.text
    report = answer.get_json()
    assert (report["id"], report["state"]) == (None, "dry_run")
    receipts = {
        name: [one["receipt"] for one in report[name]["rows"]]
        for name in ("matched", "missing_here", "missing_there", "different_amount")
    }
    assert receipts == {
        "matched": ["UAF7RT61SV"],
        "missing_here": ["UAF7RT61SW"],
        "missing_there": ["UAF7RT61ZZ"],
        "different_amount": ["UAF7RT61SX"],
    }
    assert report["missing_here"]["amount"] == {"amount": 2000, "currency": "KES"}
    assert publisher.sent == []
    assert client.get(URL, headers=operator).get_json()["items"] == []


def test_an_import_is_ordered_in_parts_and_reported(
    client: FlaskClient, shop: Shop, publisher: FakePublisher, operator: dict[str, str]
) -> None:
    heard_of(shop.engine, "UAF7RT61ZZ", minutes=5)
    answer = client.post(URL, data=STATEMENT, headers=operator | CSV)
    assert answer.status_code == 202, answer.text
    body = answer.get_json()
    (job,) = publisher.sent
    assert isinstance(job, ImportStatementJob)
    assert (str(job.statement_id), len(job.rows)) == (body["id"], 3)
    assert answer.headers["Location"] == f"{URL}/{body['id']}"
    assert client.get(f"{URL}/{body['id']}", headers=operator).status_code == 404
    shop.run(job)
    report = client.get(f"{URL}/{body['id']}", headers=operator).get_json()
    assert report["state"] == "done"
    assert report["missing_here"]["count"] == 3
    assert [one["receipt"] for one in report["missing_there"]["rows"]] == ["UAF7RT61ZZ"]
    (listed,) = client.get(URL, headers=operator).get_json()["items"]
    assert (listed["id"], listed["requested_by"]) == (body["id"], "test@hotspot.example")


def test_a_form_is_taken_as_well(client: FlaskClient, operator: dict[str, str]) -> None:
    form = {"file": (io.BytesIO(STATEMENT.encode()), "statement.csv")}
    answer = client.post(f"{URL}?dry_run=1", data=form, headers=operator)
    assert answer.status_code == 200, answer.text


def test_a_long_statement_goes_in_parts_of_200(
    client: FlaskClient, publisher: FakePublisher, operator: dict[str, str]
) -> None:
    rows = [GOOD.replace("UAF7RT61SV", f"UAF7R{number:05d}") for number in range(401)]
    answer = client.post(URL, data=lines(*rows), headers=operator | CSV)
    assert answer.get_json()["parts"] == 3
    sent = [job for job in publisher.sent if isinstance(job, ImportStatementJob)]
    assert [(job.part, len(job.rows)) for job in sent] == [(1, 200), (2, 200), (3, 1)]


def test_a_bad_file_is_refused_by_line_and_column(
    client: FlaskClient, publisher: FakePublisher, operator: dict[str, str]
) -> None:
    bad = lines(GOOD, GOOD.replace("20.00,,", "twenty,,"))
    answer = client.post(URL, data=bad, headers=operator | CSV)
    assert answer.status_code == 422
    assert list(answer.get_json()["errors"]) == ["line 3, Paid In"]
    assert publisher.sent == []


@pytest.mark.parametrize(
    ("data", "headers", "status"),
    [
        (b"x" * (5 * 1024 * 1024 + 1), CSV, 413),
        (b"{}", {"Content-Type": "application/json"}, 415),
        ({"other": "x"}, {"Content-Type": "multipart/form-data"}, 422),
    ],
)
def test_what_is_no_file_is_refused(
    client: FlaskClient, operator: dict[str, str], data: Any, headers: dict[str, str], status: int
) -> None:
    assert client.post(URL, data=data, headers=operator | headers).status_code == status


def test_only_operators_see_statements(client: FlaskClient, keys: Keys) -> None:
    for method, path in (("post", URL), ("get", URL), ("get", f"{URL}/{new_id()}")):
        assert getattr(client, method)(path).status_code == 401
        assert getattr(client, method)(path, headers=keys.headers("support")).status_code == 403
