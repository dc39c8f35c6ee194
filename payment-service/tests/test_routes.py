"""What guests and operators ask: parsed, dispatched, answered."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, select, update

from hotspot.contract.payments import RequestPaymentJob
from hotspot.ids import new_id
from hotspot.testing.handling import NOON, FakePublisher
from hotspot.testing.identity import Keys
from payment_service.claims.tokens import Claim, Claims
from payment_service.models import Package
from payment_service.seed import insert_starters

from .shop import PHONE, PRICE, RECEIPT, Shop, failure, success

Asking = Callable[..., Any]


@pytest.fixture
def on_sale(engine: Engine) -> dict[str, UUID]:
    """The starter packages: ids by code."""
    with engine.begin() as connection:
        insert_starters(connection, NOON)
        rows = connection.execute(select(Package.code, Package.id)).all()
    return {row.code: row.id for row in rows}


@pytest.fixture
def ask(client: FlaskClient, on_sale: dict[str, UUID]) -> Asking:
    """POST /api/v1/payments for an hour, with what is given instead or beside."""

    def post(key: str | None = None, **fields: Any) -> Any:
        body = {"package_id": str(on_sale["HOUR1"]), "phone": "0712 345 678", **fields}
        headers = {} if key is None else {"Idempotency-Key": key}
        return client.post("/api/v1/payments", json=body, headers=headers)

    return post


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def sent_job(publisher: FakePublisher, index: int = -1) -> RequestPaymentJob:
    job = publisher.sent[index]
    assert isinstance(job, RequestPaymentJob)
    return job


def test_packages_on_sale_are_listed_the_cheapest_first(
    client: FlaskClient, on_sale: dict[str, UUID], engine: Engine
) -> None:
    with engine.begin() as connection:
        connection.execute(update(Package).where(Package.code == "MONTH").values(on_sale=False))
    answer = client.get("/api/v1/packages").get_json()
    assert answer["next"] is None
    assert [item["code"] for item in answer["items"]] == [
        code for code in on_sale if code != "MONTH"
    ]
    assert answer["items"][1] == {
        "id": str(on_sale["HOUR1"]),
        "code": "HOUR1",
        "name": "1 hour",
        "price": {"amount": 2000, "currency": "KES"},
        "duration_seconds": 3600,
        "down_kbps": 5000,
        "up_kbps": 2500,
        "data_bytes": None,
        "devices": 1,
        "kind": "hotspot",
    }


def test_packages_come_in_pages(client: FlaskClient, on_sale: dict[str, UUID]) -> None:
    seen: list[str] = []
    query = "?limit=3"
    while query:
        answer = client.get(f"/api/v1/packages{query}").get_json()
        seen += [item["code"] for item in answer["items"]]
        query = f"?limit=3&cursor={answer['next']}" if answer["next"] else ""
    assert seen == list(on_sale)


def test_a_request_is_dispatched_and_answered_at_once(
    ask: Asking, publisher: FakePublisher, on_sale: dict[str, UUID]
) -> None:
    answer = ask(mac="01-23-45-67-89-ab", ip="10.5.50.21", router_id="lobby", link_login_only="")
    assert answer.status_code == 202
    body = answer.get_json()
    assert set(body) == {"id", "status", "claim_token"}
    assert body["status"] == "pending"
    assert answer.headers["Location"] == f"/api/v1/payments/{body['id']}"
    job = sent_job(publisher)
    assert (str(job.payment_id), job.phone) == (body["id"], PHONE)
    assert job.payment_id.version == 7
    assert (job.mac, job.ip, job.link_login_only) == ("01:23:45:67:89:AB", "10.5.50.21", None)
    assert job.package.package_id == on_sale["HOUR1"]
    assert job.package.price == PRICE
    assert publisher.parcels[0].envelope.correlation_id == job.payment_id


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("phone", "12"),
        ("phone", "+1 202 555 0100"),
        ("phone", None),
        ("phone", 712345678),
        ("phone", ""),
        ("package_id", "HOUR1"),
        ("package_id", str(new_id())),
        ("package_id", None),
        ("mac", "01:23"),
        ("mac", "zz:23:45:67:89:ab"),
        ("mac", 5),
        ("ip", "10.5.50"),
        ("ip", "localhost"),
        ("router_id", "x" * 101),
        ("router_id", "a\u0000b"),
        ("link_login_only", "javascript:alert(1)"),
        ("link_login_only", "http://"),
        ("link_login_only", "http://a b/"),
        ("link_login_only", "http://a:99999/"),
        ("link_login_only", "http://a/" + "x" * 2000),
        ("amount", 1),
    ],
)
def test_what_is_wrong_is_named(
    ask: Asking, publisher: FakePublisher, field: str, value: object
) -> None:
    answer = ask(**{field: value})
    assert answer.status_code == 422
    assert answer.content_type == "application/problem+json"
    assert set(answer.get_json()["errors"]) == {field}
    assert publisher.sent == []


def test_a_package_that_was_withdrawn_is_not_sold(
    ask: Asking, engine: Engine, publisher: FakePublisher
) -> None:
    with engine.begin() as connection:
        connection.execute(update(Package).values(on_sale=False))
    answer = ask()
    assert answer.status_code == 422
    assert "package_id" in answer.get_json()["errors"]
    assert publisher.sent == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"{}"])
def test_a_body_that_is_no_request_is_refused(
    client: FlaskClient, publisher: FakePublisher, body: bytes
) -> None:
    answer = client.post("/api/v1/payments", data=body, content_type="application/json")
    assert answer.status_code in (400, 422)
    assert answer.content_type == "application/problem+json"
    assert publisher.sent == []


def test_nothing_is_promised_while_the_broker_is_away(
    ask: Asking, publisher: FakePublisher
) -> None:
    publisher.away = True
    assert ask().status_code == 503


def test_the_same_request_under_one_key_is_one_payment_before_anything_is_recorded(
    ask: Asking, publisher: FakePublisher
) -> None:
    first, second = ask("5d0c91b2").get_json(), ask("5d0c91b2").get_json()
    assert first["id"] == second["id"]
    assert UUID(first["id"]).version == 7
    other_key, no_key = ask("another").get_json(), ask().get_json()
    assert len({first["id"], other_key["id"], no_key["id"]}) == 3
    assert ask("5d0c91b2", phone="0712000001").get_json()["id"] != first["id"]
    assert sent_job(publisher, 0).idempotency_key == "5d0c91b2"


def test_the_same_request_under_one_key_is_answered_again(
    ask: Asking, client: FlaskClient, publisher: FakePublisher, shop: Shop, engine: Engine
) -> None:
    first = ask("5d0c91b2")
    assert "Idempotent-Replayed" not in first.headers
    shop.run(sent_job(publisher))
    with engine.begin() as connection:  # whatever became of the package since
        connection.execute(update(Package).values(on_sale=False))
    again = ask("5d0c91b2")
    assert again.status_code == 202
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Location"] == first.headers["Location"]
    assert len(publisher.sent) == 1
    seen = client.get(again.headers["Location"], headers=bearer(again.get_json()["claim_token"]))
    assert seen.get_json()["id"] == first.get_json()["id"]


@pytest.mark.parametrize("fields", [{"phone": "0712000001"}, {"mac": "01:23:45:67:89:AB"}])
def test_another_request_under_a_used_key_is_refused(
    ask: Asking, publisher: FakePublisher, shop: Shop, fields: dict[str, str]
) -> None:
    ask("5d0c91b2")
    shop.run(sent_job(publisher))
    answer = ask("5d0c91b2", **fields)
    assert answer.status_code == 422
    assert set(answer.get_json()["errors"]) == {"Idempotency-Key"}
    assert len(publisher.sent) == 1


def test_a_key_that_is_too_long_is_refused(ask: Asking) -> None:
    answer = ask("x" * 201)
    assert answer.status_code == 422
    assert set(answer.get_json()["errors"]) == {"Idempotency-Key"}


def test_the_page_sees_its_payment_before_any_worker_does(
    ask: Asking, client: FlaskClient, on_sale: dict[str, UUID]
) -> None:
    accepted = ask().get_json()
    seen = client.get(f"/api/v1/payments/{accepted['id']}", headers=bearer(accepted["claim_token"]))
    assert seen.status_code == 200
    assert seen.headers["Cache-Control"] == "no-store"
    assert seen.get_json() == {
        "id": accepted["id"],
        "status": "pending",
        "price": {"amount": 2000, "currency": "KES"},
        "phone": "2547*****678",
        "package_id": str(on_sale["HOUR1"]),
        "receipt": None,
        "failure": None,
        "waits_for": None,
        "access": None,
    }


@pytest.fixture
def see(client: FlaskClient, keys: Keys) -> Callable[[UUID], Any]:
    """The payment as its page sees it."""

    def get(payment_id: UUID) -> Any:
        claim = Claim(
            payment_id=payment_id, package_id=new_id(), price=PRICE, masked_phone="2547*****678"
        )
        token = Claims(keys.encryption).token(claim)
        return client.get(f"/api/v1/payments/{payment_id}", headers=bearer(token)).get_json()

    return get


def test_the_page_sees_how_it_goes_on(shop: Shop, see: Callable[[UUID], Any]) -> None:
    payment_id = shop.prompted()
    assert see(payment_id)["status"] == "pending"
    shop.call_back(payment_id, failure(1032))
    cancelled = see(payment_id)
    assert cancelled["status"] == "cancelled"
    assert cancelled["failure"]["code"] == "cancelled_by_user"
    assert cancelled["failure"]["message"]
    shop.call_back(payment_id, success())
    paid = see(payment_id)
    assert (paid["status"], paid["receipt"], paid["failure"]) == ("completed", RECEIPT, None)
    assert paid["access"]["state"] == "provisioning"
    assert paid["access"]["password"] is None
    assert paid["phone"] == "2547*****678"


def test_the_page_gets_what_it_needs_to_log_in(shop: Shop, see: Callable[[UUID], Any]) -> None:
    payment_id = shop.completed()
    shop.cache_credentials(payment_id, NOON + timedelta(hours=1))
    assert see(payment_id)["access"] == {
        "state": "ready",
        "username": "0712345678",
        "password": "kifaru42",
        "voucher": None,
        "login_url": None,
        "until": "2026-01-15T10:00:00Z",
    }


def test_time_that_ran_out_ends_the_access_without_a_message(
    shop: Shop, see: Callable[[UUID], Any]
) -> None:
    payment_id = shop.completed()
    shop.cache_credentials(payment_id, NOON)
    assert see(payment_id)["access"]["state"] == "ended"


@pytest.mark.parametrize("path", ["", "/events"])
@pytest.mark.parametrize("token", ["", "nonsense", "a.b", "a.b.c", "of another payment"])
def test_without_its_claim_token_nobody_learns_whether_a_payment_exists(
    shop: Shop, client: FlaskClient, keys: Keys, path: str, token: str
) -> None:
    if token == "of another payment":
        token = Claims(keys.encryption).token(
            Claim(payment_id=new_id(), package_id=new_id(), price=PRICE, masked_phone="")
        )
    answers = [
        client.get(f"/api/v1/payments/{payment_id}{path}", headers=bearer(token))
        for payment_id in (shop.prompted(), new_id())
    ]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].get_json() == answers[1].get_json()
    assert answers[0].content_type == "application/problem+json"


def test_claim_tokens_outlive_a_rotation_of_keys(keys: Keys) -> None:
    from cryptography.fernet import Fernet

    claim = Claim(payment_id=new_id(), package_id=new_id(), price=PRICE, masked_phone="2547")
    token = Claims(keys.encryption).token(claim)
    newer = Fernet.generate_key().decode()
    assert Claims((newer, *keys.encryption)).read(token) == claim
    assert Claims((newer,)).read(token) is None
    # Not the last letter: of its six bits some mean nothing.
    altered = token[:-9] + ("A" if token[-9] != "A" else "B") + token[-8:]
    assert Claims(keys.encryption).read(altered) is None
    fresh = Claims((newer, *keys.encryption)).token(claim)
    assert Claims((newer,)).read(fresh) == claim


def test_operators_list_payments_newest_first_in_pages(
    shop: Shop, client: FlaskClient, keys: Keys
) -> None:
    payments = [shop.request(requested_at=NOON + timedelta(minutes=minute)) for minute in range(5)]
    seen: list[str] = []
    query = "?limit=2"
    while query:
        answer = client.get(f"/api/v1/payments{query}", headers=keys.headers("viewer"))
        assert answer.status_code == 200, answer.get_json()
        seen += [item["id"] for item in answer.get_json()["items"]]
        following = answer.get_json()["next"]
        query = f"?limit=2&cursor={following}" if following else ""
    assert seen == [str(payment_id) for payment_id in reversed(payments)]


def test_operators_filter_payments(shop: Shop, client: FlaskClient, keys: Keys) -> None:
    paid, wrong = shop.completed(), shop.prompted(checkout="ws_CO_wrong")
    shop.call_back(wrong, success(checkout="ws_CO_wrong", receipt="UAF0000009", amount=1))
    other = shop.request(phone="254712000001", requested_at=datetime(2026, 2, 1, tzinfo=UTC))

    def listed(query: str) -> set[UUID]:
        answer = client.get(f"/api/v1/payments?{query}", headers=keys.headers("viewer"))
        return {UUID(item["id"]) for item in answer.get_json()["items"]}

    assert listed("status=completed") == {paid}
    assert listed("phone=0712000001") == {other}
    assert listed("since=2026-01-20T00:00:00Z") == {other}
    assert listed("needs_attention=true") == {wrong}
    assert listed("needs_attention=false") == {paid, other}


@pytest.mark.parametrize(
    "query", ["status=lost", "phone=1", "since=yesterday", "limit=0", "limit=201", "cursor=x"]
)
def test_a_filter_that_makes_no_sense_is_named(client: FlaskClient, keys: Keys, query: str) -> None:
    answer = client.get(f"/api/v1/payments?{query}", headers=keys.headers("viewer"))
    assert answer.status_code == 422
    assert set(answer.get_json()["errors"]) == {query.partition("=")[0]}


def test_operators_see_more_but_no_credentials(shop: Shop, client: FlaskClient, keys: Keys) -> None:
    payment_id = shop.completed()
    shop.cache_credentials(payment_id, NOON + timedelta(hours=1))
    answer = client.get(f"/api/v1/payments/{payment_id}", headers=keys.headers("viewer"))
    body = answer.get_json()
    assert (body["phone"], body["prompt_state"]) == (PHONE, "prompted")
    assert body["package"]["name"] == "1 hour"
    assert body["access"] == {
        "state": "ready",
        "username": "0712345678",
        "until": "2026-01-15T10:00:00Z",
    }
    assert "kifaru42" not in answer.get_data(as_text=True)
    missing = client.get(f"/api/v1/payments/{new_id()}", headers=keys.headers("viewer"))
    assert missing.status_code == 404


def test_the_list_is_for_operators_only(client: FlaskClient) -> None:
    assert client.get("/api/v1/payments").status_code == 401


def test_the_api_describes_itself(client: FlaskClient) -> None:
    paths = client.get("/openapi.json").get_json()["paths"]
    assert {
        "/api/v1/packages",
        "/api/v1/payments",
        "/api/v1/payments/{payment_id}",
        "/api/v1/payments/{payment_id}/events",
        "/callbacks/stk/{token}",
    } <= set(paths)


def test_a_guest_is_told_that_m_pesa_does_not_answer(
    shop: Shop, see: Callable[[UUID], Any]
) -> None:
    late = shop.request(requested_at=NOON - timedelta(seconds=9))
    assert see(late)["waits_for"] == "mpesa"
    prompted, new = shop.prompted(), shop.request(phone="254712000002")
    assert [see(one)["waits_for"] for one in (prompted, new)] == [None, None]
    shop.engine_run("UPDATE payments SET prompt_state = 'unclear' WHERE id = :id", id=prompted)
    assert see(prompted)["waits_for"] == "mpesa"
