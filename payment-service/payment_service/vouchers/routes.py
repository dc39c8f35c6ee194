"""Vouchers: redeemed by guests, looked up and cancelled by operators."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import g
from flask_smorest import Blueprint
from sqlalchemy import ColumnElement, Select, func, or_, select

from hotspot.contract.message import utc_text
from hotspot.contract.vouchers import CancelVouchersJob, RedeemVoucherJob
from hotspot.phone import mask
from hotspot.web.app import db, now, publish
from hotspot.web.auth import needs_role
from hotspot.web.openapi import refuses
from hotspot.web.pages import newest_first, paged
from hotspot.web.problem import Problem
from payment_service.accepted import Answer, accepted
from payment_service.claims.tokens import Claim
from payment_service.models import COMPLETED, PENDING, AnyRow, Payment, Voucher, VoucherBatch
from payment_service.packages import terms
from payment_service.schemas import IdempotencyKeySchema, PaymentAcceptedSchema
from payment_service.vouchers.codes import codes_in, status_at
from payment_service.vouchers.redeeming import Give, Refusal, decide, find
from payment_service.vouchers.schemas import (
    RedeemRequestSchema,
    VoucherAcceptedSchema,
    VoucherFilterSchema,
    VoucherSchema,
    VouchersSchema,
    guest_of,
)

vouchers = Blueprint("vouchers", __name__, url_prefix="/api/v1/vouchers")


@vouchers.post("/redeem")
@vouchers.arguments(RedeemRequestSchema)
@vouchers.arguments(IdempotencyKeySchema, location="headers")
@vouchers.response(202, PaymentAcceptedSchema)
@refuses({404: "There is no such voucher.", 409: "It was used, has expired or was cancelled."})
def redeem(asked: Mapping[str, Any], headers: Mapping[str, Any]) -> Answer:
    """Give a voucher's access, once; the guest who has it already sees it again."""
    guest = guest_of(asked, headers.get("idempotency_key"))
    with db() as connection:
        voucher = find(connection, Voucher.code.in_(codes_in(asked["code"])))
    if voucher is None:
        raise Problem(404, "unknown-voucher", "There is no such voucher: check the code.")
    moment = now()
    outcome = decide(voucher, guest, moment)
    if isinstance(outcome, Refusal):
        raise Problem(409, outcome.code.replace("_", "-"), outcome.reason)
    job = RedeemVoucherJob(
        payment_id=outcome.payment_id,
        voucher_id=voucher.id,
        redeemed_at=moment,
        phone=guest.phone,
        mac=guest.mac,
        ip=guest.ip,
        router_id=guest.router_id,
        link_login_only=guest.link_login_only,
    )
    publish(job, correlation_id=outcome.payment_id)
    sold = terms.from_json(voucher.package)
    is_new = isinstance(outcome, Give)
    phone = guest.phone if is_new else voucher.phone
    claim = Claim(
        payment_id=outcome.payment_id,
        package_id=sold.package_id,
        price=sold.price,
        masked_phone=mask(phone) if phone else None,
    )
    return accepted(claim, PENDING if is_new else COMPLETED)


@vouchers.get("")
@needs_role("viewer")
@vouchers.arguments(VoucherFilterSchema, location="query")
@vouchers.response(200, VouchersSchema)
@paged
def list_vouchers(query: Mapping[str, Any]) -> dict[str, Any]:
    """Vouchers, the newest first."""
    moment = now()
    return newest_first(
        _wanted(status_at(moment)),
        by=Voucher.id,
        where={
            "status": status_at(moment).__eq__,
            "phone": Payment.phone.__eq__,
            "since": Voucher.issued_at.__ge__,
            "batch_id": Voucher.batch_id.__eq__,
            "code": lambda typed: Voucher.code.in_(codes_in(typed)),
        },
        query=query,
        seen=_seen,
    )


@vouchers.get("/<uuid:voucher_id>")
@needs_role("viewer")
@vouchers.response(200, VoucherSchema)
def show_voucher(voucher_id: UUID) -> dict[str, Any]:
    """One voucher."""
    return _seen(_find(voucher_id))


@vouchers.delete("/<uuid:voucher_id>")
@needs_role("operator")
@vouchers.response(202, VoucherAcceptedSchema)
@refuses({409: "It was used, or proves a payment."})
def cancel_voucher(voucher_id: UUID) -> dict[str, Any]:
    """Make a voucher of a batch worthless, where nobody used it yet."""
    voucher = _find(voucher_id)
    if voucher.batch_id is None:
        raise Problem(409, "proof-of-payment", "This voucher proves a payment: it stays.")
    if voucher.redeemed_at is not None:
        raise Problem(409, "voucher-used", "This voucher was used already.")
    job = CancelVouchersJob(
        requested_by=g.caller.subject, requested_at=now(), voucher_id=voucher_id
    )
    publish(job, correlation_id=voucher_id)
    return {"id": voucher_id}


def _find(voucher_id: UUID) -> AnyRow:
    """A voucher's row. Raises Problem 404."""
    with db() as connection:
        wanted = _wanted(status_at(now())).where(Voucher.id == voucher_id)
        voucher = connection.execute(wanted).first()
    if voucher is None:
        raise Problem(404, "not-found", f"There is no voucher {voucher_id}.")
    return voucher


def _wanted(status: ColumnElement[str]) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Voucher.id,
            Voucher.code,
            status.label("status"),
            Voucher.package,
            func.coalesce(Voucher.payment_id, Voucher.redeemed_payment_id).label("payment_id"),
            Voucher.batch_id,
            Voucher.serial,
            VoucherBatch.number,
            Voucher.issued_at,
            Voucher.expires_at,
            Voucher.redeemed_at,
            Voucher.cancelled_at,
            Payment.phone,
        )
        .join(VoucherBatch, VoucherBatch.id == Voucher.batch_id, isouter=True)
        .join(
            Payment,
            or_(Payment.id == Voucher.payment_id, Payment.id == Voucher.redeemed_payment_id),
            isouter=True,
        )
    )


def _seen(voucher: AnyRow) -> dict[str, Any]:
    sold = terms.from_json(voucher.package)
    return {
        "id": voucher.id,
        "code": voucher.code if _may_see_code(voucher) else f"...{voucher.code[-3:]}",
        "status": voucher.status,
        "package_id": sold.package_id,
        "package_name": sold.name,
        "price": {"amount": sold.price.amount, "currency": sold.price.currency},
        "phone": voucher.phone,
        "payment_id": voucher.payment_id,
        "batch_id": voucher.batch_id,
        "batch_number": voucher.number,
        "serial": voucher.serial,
        **{
            name: None if getattr(voucher, name) is None else utc_text(getattr(voucher, name))
            for name in ("issued_at", "expires_at", "redeemed_at", "cancelled_at")
        },
    }


def _may_see_code(voucher: AnyRow) -> bool:
    """Who reads a code may use it: to sell vouchers is an operator's right."""
    return bool(g.caller.may_act_as("operator")) or voucher.status in ("expired", "cancelled")
