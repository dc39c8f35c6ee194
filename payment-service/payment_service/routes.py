"""What guests and operators ask over HTTP: parse, dispatch, answer."""

from collections.abc import Mapping
from typing import Any, cast
from uuid import UUID

from flask import Response, current_app, jsonify
from flask_smorest import Blueprint
from sqlalchemy import Select, select, tuple_

from hotspot.contract.money import Money
from hotspot.contract.packages import PackageTerms
from hotspot.phone import mask
from hotspot.vault import Vault
from hotspot.web.app import config_of, db, now, publish
from hotspot.web.auth import bearer_token, caller_of_token, needs_role
from hotspot.web.openapi import TEXT
from hotspot.web.pages import page, page_request, paged
from hotspot.web.problem import Problem, invalid
from payment_service import seen
from payment_service.accepted import PAYMENTS, PRIVATE, Answer, accepted, claims
from payment_service.claims.tokens import Claim
from payment_service.live import Changes, follow
from payment_service.models import PENDING, AnyRow, Package, Payment
from payment_service.packages import terms
from payment_service.prompts.orders import Order, payment_id_of
from payment_service.schemas import (
    IdempotencyKeySchema,
    OperatorPaymentSchema,
    OperatorPaymentsSchema,
    PaymentAcceptedSchema,
    PaymentFilterSchema,
    PaymentRequestSchema,
    PaymentSchema,
    order_of,
)

payments = Blueprint("payments", __name__, url_prefix=PAYMENTS)

_PAYMENT, _OPERATOR_PAYMENT = PaymentSchema(), OperatorPaymentSchema()
_STREAM = {**PRIVATE, "X-Accel-Buffering": "no"}


@payments.post("")
@payments.arguments(PaymentRequestSchema)
@payments.arguments(IdempotencyKeySchema, location="headers")
@payments.response(202, PaymentAcceptedSchema)
def request_payment(request: Mapping[str, Any], headers: Mapping[str, Any]) -> Answer:
    """Ask M-Pesa to prompt the guest's phone."""
    order, key = order_of(request), headers.get("idempotency_key")
    earlier = _requested_with(key) if key else None
    if earlier is not None:
        return _same_again(earlier, order)
    package = _package_on_sale(order.package_id)
    moment = now()
    payment_id = payment_id_of(order, key, moment)
    publish(order.job(payment_id, package, key, moment), correlation_id=payment_id)
    claim = Claim(
        payment_id=payment_id,
        package_id=package.package_id,
        price=package.price,
        masked_phone=mask(order.phone),
    )
    return accepted(claim, PENDING)


@payments.get("/<uuid:payment_id>")
@payments.doc(security=[{"claim": []}, {"bearer": []}])
@payments.response(200, {"anyOf": [PaymentSchema, OperatorPaymentSchema]})
def show_payment(payment_id: UUID) -> Response:
    """A payment: to the holder of its claim token, or (in full) to an operator."""
    claim = claims().read(bearer_token())
    if claim is None:
        return _show_to_operator(payment_id)
    return _private(_PAYMENT.dump(_read_claimed(_of(payment_id, claim))))


@payments.get("/<uuid:payment_id>/events")
@payments.doc(security=[{"claim": []}])
@payments.response(200, TEXT, content_type="text/event-stream")
def follow_payment(payment_id: UUID) -> Response:
    """The same body at each change, as server-sent events."""
    claim = _of(payment_id, claims().read(bearer_token()))
    changes = cast(Changes, current_app.extensions["changes"])
    app = current_app._get_current_object()  # type: ignore[attr-defined]

    def read() -> seen.Body:
        with app.app_context():
            return _read_claimed(claim)

    events = follow(payment_id, read, changes)
    return Response(events, content_type="text/event-stream", headers=_STREAM)


@payments.get("")
@needs_role("viewer")
@payments.arguments(PaymentFilterSchema, location="query")
@payments.response(200, OperatorPaymentsSchema)
@paged
def list_payments(filters: Mapping[str, Any]) -> dict[str, Any]:
    """Payments, the newest first."""
    asked = page_request()
    listed = _filtered(seen.wanted(), filters)
    if asked.after:
        # Not by the id alone: ids of idempotent requests carry the time of their day's beginning.
        last = select(Payment.requested_at, Payment.id).where(Payment.id == asked.after)
        listed = listed.where(tuple_(Payment.requested_at, Payment.id) < last.scalar_subquery())
    newest = listed.order_by(Payment.requested_at.desc(), Payment.id.desc())
    with db() as connection:
        rows = connection.execute(newest.limit(asked.limit + 1)).all()
    items = [seen.by_operators(row, now()) for row in rows]
    return page(items, asked, lambda item: cast(UUID, item["id"]))


def _package_on_sale(package_id: UUID) -> PackageTerms:
    """The terms that are sold now. Raises Problem 422."""
    wanted = select(*terms.TERMS_COLUMNS).where(Package.id == package_id, Package.on_sale)
    with db() as connection:
        row = connection.execute(wanted).first()
    if row is None:
        raise invalid({"package_id": ["is not a package on sale"]})
    return terms.terms_of(row)


def _requested_with(key: str) -> AnyRow | None:
    with db() as connection:
        return connection.execute(seen.wanted().where(Payment.idempotency_key == key)).first()


def _same_again(earlier: AnyRow, order: Order) -> Answer:
    """The answer that was given before. Raises Problem 422 where the order is another one."""
    before = Order(
        package_id=UUID(earlier.package["package_id"]),
        phone=earlier.phone,
        mac=earlier.mac,
        ip=earlier.ip,
        router_id=earlier.router_id,
        link_login_only=earlier.link_login_only,
    )
    if before != order:
        raise invalid({"Idempotency-Key": ["was used for another request"]})
    claim = Claim(
        payment_id=earlier.id,
        package_id=before.package_id,
        price=Money(amount=earlier.price),
        masked_phone=mask(earlier.phone),
    )
    body, status, headers = accepted(claim, earlier.status)
    return body, status, {**headers, "Idempotent-Replayed": "true"}


def _of(payment_id: UUID, claim: Claim | None) -> Claim:
    """The claim, where it is for this payment. Raises Problem 401: whether there is such a
    payment is nobody else's business."""
    if claim is None or claim.payment_id != payment_id:
        raise Problem(
            401,
            "unauthorized",
            "This claim token is not one of this payment's.",
            headers={"WWW-Authenticate": "Bearer"},
        )
    return claim


def _read_claimed(claim: Claim) -> seen.Body:
    vault = cast(Vault, current_app.extensions["vault"])
    with db() as connection:
        row = seen.find(connection, claim.payment_id)
        if row is None:
            return seen.of_claim(connection, claim, vault, now())
    return seen.by_its_buyer(row, vault, now())


def _show_to_operator(payment_id: UUID) -> Response:
    caller_of_token(bearer_token(), config_of().jwt_public_key)  # every role may read
    with db() as connection:
        row = seen.find(connection, payment_id)
    if row is None:
        raise Problem(404, "not-found", f"There is no payment {payment_id}.")
    return _private(_OPERATOR_PAYMENT.dump(seen.by_operators(row, now())))


def _private(body: Any) -> Response:
    response = jsonify(body)
    response.headers.update(PRIVATE)
    return response


def _filtered(listed: Select[Any], filters: Mapping[str, Any]) -> Select[Any]:
    for name in ("phone", "status", "router_id"):
        if name in filters:
            listed = listed.where(getattr(Payment, name) == filters[name])
    if "since" in filters:
        listed = listed.where(Payment.requested_at >= filters["since"])
    if "needs_attention" in filters:
        is_asked = filters["needs_attention"]
        held = Payment.needs_attention
        listed = listed.where(held.is_not(None) if is_asked else held.is_(None))
    return listed
