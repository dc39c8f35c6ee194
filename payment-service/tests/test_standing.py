"""Each confirmed payment stands in exactly one place, whatever became of it."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from hotspot.contract.payments import ProcessPaymentJob
from hotspot.contract.sessions import SessionExpired
from hotspot.ids import new_id
from hotspot.testing.handling import NOON
from hotspot.testing.identity import Keys
from payment_service.promise import standing
from payment_service.promise.standing import Standing

from .shop import PRICE, Shop, failure, success
from .test_access import ended, started

LATER = NOON + timedelta(hours=1)
SECONDS = timedelta(seconds=1)


def expired(payment_id: UUID, cause: str = "data") -> SessionExpired:
    return SessionExpired(
        session_id=new_id(),
        user_id=new_id(),
        username="0712345678",
        grant_id=new_id(),
        payment_id=payment_id,
        expired_at=NOON,
        cause=cause,  # type: ignore[arg-type]
    )


def stands(shop: Shop, payment_id: UUID, now: Any = NOON) -> str | None:
    """Where a payment stands, found as everything finds it."""
    with shop.engine.connect() as connection:
        looked_at = standing.standings(standing.not_over(now), now)
        over = standing.standings(standing.over_since(NOON - timedelta(days=1)), now)
        found = {
            (row.id, row.standing)
            for wanted in (looked_at, over)
            for row in connection.execute(wanted)
        }
    mine = {str(place) for one, place in found if one == payment_id}
    assert len(mine) <= 1, f"it stands in several places: {mine}"
    return next(iter(mine), None)


def test_a_payment_waits_is_ready_is_online_and_used_up(shop: Shop) -> None:
    payment_id, session_id = shop.completed(), new_id()
    assert stands(shop, payment_id) == Standing.WAITING
    shop.cache_credentials(payment_id, LATER)
    assert stands(shop, payment_id) == Standing.READY
    shop.run(started(payment_id, session_id))
    assert stands(shop, payment_id) == Standing.ONLINE
    shop.run(ended(payment_id, session_id))
    assert stands(shop, payment_id) == Standing.READY
    assert stands(shop, payment_id, LATER) == Standing.USED_UP


def test_what_was_never_paid_stands_nowhere(shop: Shop) -> None:
    pending, cancelled = shop.prompted(checkout="ws_CO_1"), shop.prompted(checkout="ws_CO_2")
    shop.call_back(cancelled, failure(1032, checkout="ws_CO_2"))
    assert stands(shop, pending) is None
    assert stands(shop, cancelled) is None


def test_money_that_does_not_fit_needs_a_person(shop: Shop) -> None:
    payment_id = shop.prompted()
    shop.call_back(payment_id, success(amount=1))
    assert stands(shop, payment_id) == Standing.NEEDS_PERSON


def test_that_a_person_must_look_at_its_money_serves_nobody(shop: Shop) -> None:
    payment_id = shop.completed()
    shop.engine_run("UPDATE payments SET needs_attention = 'KES 10.00 is left over'")
    assert stands(shop, payment_id) == Standing.WAITING
    shop.cache_credentials(payment_id, LATER)
    assert stands(shop, payment_id) == Standing.READY


def test_a_reversed_payment_is_reversed_whatever_its_access_says(shop: Shop) -> None:
    payment_id = shop.completed()
    shop.cache_credentials(payment_id, LATER)
    shop.engine_run("UPDATE payments SET reversed_at = now() WHERE id = :id", id=payment_id)
    assert stands(shop, payment_id) == Standing.REVERSED


def test_its_voucher_alone_is_a_standing_where_it_opens_the_door(shop: Shop) -> None:
    payment_id = shop.completed()
    shop.run(ProcessPaymentJob(payment_id=payment_id))
    assert stands(shop, payment_id) == Standing.WAITING, "a voucher is no service by itself"
    shop.engine_run("DELETE FROM access WHERE payment_id = :id", id=payment_id)
    assert stands(shop, payment_id) == Standing.VOUCHER_KEPT


# --- access that is over


@pytest.mark.parametrize("cause", ["time", "data"])
def test_access_that_expired_is_over_for_good(shop: Shop, cause: str) -> None:
    payment_id, session_id = shop.completed(), new_id()
    shop.cache_credentials(payment_id, LATER)
    shop.run(started(payment_id, session_id))
    assert shop.run(expired(payment_id, cause)) == []
    row = shop.access(payment_id)
    assert (row.state, row.ended_at, row.ended_cause) == ("ended", NOON, cause)
    shop.run(ended(payment_id, session_id))
    shop.run(started(payment_id, new_id()))
    shop.cache_credentials(payment_id, LATER)
    assert shop.access(payment_id).state == "ended"
    assert stands(shop, payment_id) == Standing.USED_UP


def test_what_expired_and_was_not_sold_here_is_passed_over(shop: Shop) -> None:
    assert shop.run(expired(new_id())) == []


# --- over HTTP


def show(client: FlaskClient, keys: Keys, query: str = "") -> dict[str, Any]:
    answer = client.get(f"/api/v1/payments/standing{query}", headers=keys.headers("viewer"))
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.get_json()
    return body


def test_counts_and_those_without_service_are_shown_with_their_age(
    client: FlaskClient, keys: Keys, shop: Shop
) -> None:
    ready, waiting = shop.completed(), shop.completed()
    shop.cache_credentials(ready, LATER)
    held = shop.prompted(checkout="ws_CO_3")
    shop.call_back(held, success(checkout="ws_CO_3", receipt="UAF0000001", amount=1))
    shop.engine_run(
        "UPDATE payments SET completed_at = :at WHERE id = :id", at=NOON - 61 * SECONDS, id=waiting
    )
    shown = show(client, keys)
    assert shown["as_of"] == "2026-01-15T09:00:00Z"
    assert shown["counts"] == {
        "online": 0,
        "ready": 1,
        "voucher_kept": 0,
        "used_up": 0,
        "reversed": 0,
        "needs_person": 1,
        "waiting": 1,
    }
    assert shown["money_without_service"] == 1
    assert shown["held_receipts"] == {"count": 1, "amount": {"amount": 100, "currency": "KES"}}
    first, second = shown["items"]
    assert (first["id"], first["standing"], first["age_seconds"]) == (str(waiting), "waiting", 61)
    assert (second["id"], second["standing"]) == (str(held), "needs_person")
    assert "amount differs" in second["reason"]


def test_the_list_is_filtered_and_paged(client: FlaskClient, keys: Keys, shop: Shop) -> None:
    payments = [shop.completed() for _ in range(3)]
    for payment_id in payments:
        shop.cache_credentials(payment_id, LATER)
    first = show(client, keys, "?standing=ready&limit=2")
    rest = show(client, keys, f"?standing=ready&limit=2&cursor={first['next']}")
    assert [one["id"] for one in first["items"] + rest["items"]] == sorted(map(str, payments))
    assert rest["next"] is None
    assert show(client, keys, "?standing=online")["items"] == []


def test_those_that_are_over_are_counted_since_a_time(
    client: FlaskClient, keys: Keys, shop: Shop
) -> None:
    payment_id = shop.completed()
    shop.run(expired(payment_id))
    assert show(client, keys)["counts"]["used_up"] == 1
    assert [one["id"] for one in show(client, keys, "?standing=used_up")["items"]] == [
        str(payment_id)
    ]
    assert show(client, keys, "?since=2026-01-15T09:00:01Z")["counts"]["used_up"] == 0


@pytest.mark.parametrize("query", ["?standing=lost", "?since=yesterday"])
def test_a_filter_that_makes_no_sense_is_named(client: FlaskClient, keys: Keys, query: str) -> None:
    answer = client.get(f"/api/v1/payments/standing{query}", headers=keys.headers("viewer"))
    assert answer.status_code == 422


def test_the_promise_is_checked_without_a_look_at_what_is_over(shop: Shop) -> None:
    """With many payments that are over, PostgreSQL goes by the partial indexes."""
    shop.engine_run(
        """INSERT INTO payments (id, status, phone, package, price, requested_at, prompt_state,
               prompt_attempt, completed_at)
           SELECT gen_random_uuid(), 'completed', '254712345678', '{}', :price, at, 'prompted',
               1, at
           FROM generate_series(1, 5000) AS n, LATERAL
               (SELECT timestamptz '2025-01-01' + n * interval '1 minute' AS at) AS times""",
        price=PRICE.amount,
    )
    shop.engine_run(
        """INSERT INTO access (payment_id, state, changed_at)
           SELECT id, 'ended', requested_at FROM payments"""
    )
    shop.engine_run("ANALYZE")
    with shop.engine.connect() as connection:
        waiting = standing.standings(standing.waiting(NOON), NOON)
        compiled = waiting.compile(shop.engine, compile_kwargs={"literal_binds": True})
        plan = "\n".join(connection.scalars(text(f"EXPLAIN {compiled}")))
    assert "Seq Scan on payments" not in plan
    assert "Seq Scan on access" not in plan
    assert "access_not_ended" in plan
