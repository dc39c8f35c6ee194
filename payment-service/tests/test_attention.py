"""What a person has dealt with is cleared, and nothing that they have not read."""

from uuid import UUID

from flask.testing import FlaskClient

from hotspot.contract.payments import ClearAttentionJob
from hotspot.ids import new_id
from hotspot.testing.handling import NOON, FakePublisher
from hotspot.testing.identity import Keys
from payment_service.promise.routes import DEALT_WITH

from .shop import Shop, success


def wrong_amount(shop: Shop) -> tuple[UUID, str]:
    """A payment that is in front of a person, and why."""
    payment_id = shop.prompted()
    shop.call_back(payment_id, success(amount=1))
    return payment_id, str(shop.payment(payment_id).needs_attention)


def dealt_with(payment_id: UUID, said: str) -> ClearAttentionJob:
    return ClearAttentionJob(
        payment_id=payment_id, needs_attention=said, cleared_by="wanjiku", cleared_at=NOON
    )


def test_what_was_dealt_with_is_in_front_of_nobody_any_more(shop: Shop) -> None:
    payment_id, said = wrong_amount(shop)
    assert shop.run(dealt_with(payment_id, said)) == []
    assert shop.payment(payment_id).needs_attention is None
    assert shop.run(dealt_with(new_id(), said)) == []


def test_what_was_added_since_it_was_read_stays(shop: Shop) -> None:
    payment_id, said = wrong_amount(shop)
    shop.engine_run(
        "UPDATE payments SET needs_attention = 'first; ' || needs_attention || '; last'"
    )
    shop.run(dealt_with(payment_id, said))
    assert shop.payment(payment_id).needs_attention == "first; last"


def test_an_operator_clears_what_they_read(
    shop: Shop, client: FlaskClient, publisher: FakePublisher, keys: Keys
) -> None:
    payment_id, said = wrong_amount(shop)
    path = f"/api/v1/payments/{payment_id}/attention/clear"

    def clear(text: str, role: str = "operator", path: str = path) -> int:
        body = {"needs_attention": text}
        return client.post(path, json=body, headers=keys.headers(role)).status_code

    assert clear(said, "support") == 403
    assert clear("something else") == 409
    assert clear("") == 422
    assert clear(said, path=path.replace(str(payment_id), str(new_id()))) == 404
    assert publisher.sent == []
    assert clear(said) == 202
    (job,) = publisher.sent
    assert isinstance(job, ClearAttentionJob)
    shop.run(job)
    assert clear(said) == 409


def test_a_guest_whom_nobody_could_serve_is_listed_also_when_it_was_dealt_with(
    shop: Shop, client: FlaskClient, keys: Keys
) -> None:
    payment_id = shop.completed()
    shop.engine_run(
        "INSERT INTO asked_again (payment_id, step, tries, next_at, gave_up_at)"
        " VALUES (:id, 'access', 5, now(), now())",
        id=payment_id,
    )
    listed = client.get("/api/v1/payments/standing", headers=keys.headers("viewer")).get_json()
    (item,) = listed["items"]
    assert (item["id"], item["reason"]) == (str(payment_id), DEALT_WITH)
