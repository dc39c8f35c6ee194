"""What is wrong with a request is said at the door, by field, and reaches no worker."""

from typing import Any

import pytest

from .system import System

UNKNOWN = "01900000-0000-7000-8000-000000000001"


def problem(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["status"] == status
    assert {"type", "title", "detail"} <= set(body)
    return body


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"phone": "0712"}, "phone"),
        ({"phone": "+255712345678"}, "phone"),
        ({"phone": 712345678}, "phone"),
        ({"phone": None}, "phone"),
        ({"package_id": "one hour"}, "package_id"),
        ({"package_id": UNKNOWN}, "package_id"),
        ({"mac": "02:00:5E"}, "mac"),
        ({"ip": "10.5.50.999"}, "ip"),
        ({"link_login_only": "javascript:alert(1)"}, "link_login_only"),
        ({"amount": 1}, "amount"),
    ],
)
def test_a_purchase_with_a_wrong_field_names_it(
    system: System, change: dict[str, Any], field: str
) -> None:
    body = {"package_id": system.package()["id"], "phone": system.new_phone()} | change
    assert field in problem(system.post("/api/v1/payments", json=body), 422)["errors"]


@pytest.mark.parametrize("missing", ["package_id", "phone"])
def test_a_purchase_without_a_field_names_it(system: System, missing: str) -> None:
    body = {"package_id": system.package()["id"], "phone": system.new_phone()}
    del body[missing]
    assert missing in problem(system.post("/api/v1/payments", json=body), 422)["errors"]


def test_a_body_that_is_no_json_is_refused(system: System) -> None:
    headers = {"Content-Type": "application/json"}
    problem(system.post("/api/v1/payments", data="{", headers=headers), 400)


def test_more_than_three_prompts_a_minute_to_one_phone_are_refused(system: System) -> None:
    body = {"package_id": system.package()["id"], "phone": system.new_phone()}
    for _ in range(3):
        assert system.post("/api/v1/payments", json=body).status_code == 202
    refused = system.post("/api/v1/payments", json=body)
    problem(refused, 429)
    assert int(refused.headers["Retry-After"]) > 0


def test_an_idempotency_key_makes_one_payment(system: System) -> None:
    phone = system.new_phone()
    body = {"package_id": system.package()["id"], "phone": phone}
    headers = {"Idempotency-Key": f"key-{phone}"}
    first, again = (
        system.post("/api/v1/payments", json=body, headers=headers).json() for _ in range(2)
    )
    assert first["id"] == again["id"]
    other = system.post(
        "/api/v1/payments", json=body | {"phone": system.new_phone()}, headers=headers
    )
    assert "Idempotency-Key" in problem(other, 422)["errors"]


def test_a_payment_is_shown_to_nobody_without_its_claim_token(system: System) -> None:
    mine, other = system.buy(system.new_phone()), system.buy(system.new_phone())
    problem(system.get(f"/api/v1/payments/{mine.id}"), 401)
    for token in ("nonsense", other.claim_token):
        headers = {"Authorization": f"Bearer {token}"}
        problem(system.get(f"/api/v1/payments/{mine.id}", headers=headers), 401)
        problem(system.get(f"/api/v1/payments/{UNKNOWN}", headers=headers), 401)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/api/v1/users"),
        ("get", "/api/v1/sessions"),
        ("get", "/api/v1/messages"),
        ("get", "/api/v1/payments"),
        ("get", "/api/v1/queues"),
        ("get", "/api/v1/failed-jobs"),
        ("get", "/api/v1/events"),
        ("get", "/api/v1/dashboard/stats"),
        ("get", f"/api/v1/trace/{UNKNOWN}"),
        ("post", "/api/v1/failed-jobs/retry"),
    ],
)
def test_operators_calls_need_a_token(system: System, method: str, path: str) -> None:
    call = system.get if method == "get" else system.post
    problem(call(path), 401)
    problem(call(path, headers={"Authorization": "Bearer x.y.z"}), 401)


@pytest.mark.parametrize("path", ["users", "sessions", "messages", "payments", "failed-jobs"])
def test_lists_refuse_a_wrong_page(system: System, path: str) -> None:
    for query, field in (("limit=0", "limit"), ("limit=x", "limit"), ("cursor=%21", "cursor")):
        answer = system.get(f"/api/v1/{path}?{query}", headers=system.owner())
        assert field in problem(answer, 422)["errors"]
    problem(system.get(f"/api/v1/{path}/{UNKNOWN}", headers=system.owner()), 404)


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/nothing"])
def test_what_is_not_there_is_a_problem(system: System, path: str) -> None:
    problem(system.get(path), 404)
