"""A payment as its buyer sees it, and as operators see it."""

from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Connection, Select, select

from hotspot.contract.message import utc_text
from hotspot.phone import mask
from hotspot.vault import CannotOpen, Vault
from payment_service.access import ENDED, READY
from payment_service.claims import Claim
from payment_service.models import COMPLETED, PENDING, Access, AnyRow, Payment, Voucher

log = structlog.get_logger()

Body = dict[str, Any]


def wanted() -> Select[Any]:
    """Payments with their access and voucher."""
    return (
        select(
            Payment.__table__,
            Access.state,
            Access.username,
            Access.sealed_password,
            Access.until,
            Voucher.code.label("voucher"),
        )
        .join(Access, Access.payment_id == Payment.id, isouter=True)
        .join(Voucher, Voucher.payment_id == Payment.id, isouter=True)
    )


def find(connection: Connection, payment_id: UUID) -> AnyRow | None:
    """One payment, or None."""
    return connection.execute(wanted().where(Payment.id == payment_id)).first()


def before_it_is_recorded(claim: Claim) -> Body:
    """What the page sees between the answer to its request and the worker's commit."""
    return {
        "id": claim.payment_id,
        "status": PENDING,
        "price": {"amount": claim.price.amount, "currency": claim.price.currency},
        "phone": claim.masked_phone,
        "package_id": claim.package_id,
        "receipt": None,
        "failure": None,
        "access": None,
    }


def by_its_buyer(row: AnyRow, vault: Vault, now: datetime) -> Body:
    """With the credentials: only for the holder of the claim token."""
    return _body(row, phone=mask(row.phone)) | {"access": _access(row, vault, now)}


def by_operators(row: AnyRow, now: datetime) -> Body:
    """With the whole phone number and the course of things; without credentials or voucher."""
    access = None
    if row.state is not None:
        until = utc_text(row.until) if row.until else None
        access = {"state": _state(row, now), "username": row.username, "until": until}
    return _body(row, phone=row.phone) | {
        "package": row.package,
        "paid_amount": None if row.paid_amount is None else _money(row.paid_amount),
        "confirmed_by": row.confirmed_by,
        "needs_attention": row.needs_attention,
        "prompt_state": row.prompt_state,
        "checkout_request_id": row.checkout_request_id,
        "mac": row.mac,
        "ip": row.ip,
        "router_id": row.router_id,
        "requested_at": utc_text(row.requested_at),
        "completed_at": utc_text(row.completed_at) if row.completed_at else None,
        "access": access,
    }


def is_over(body: Body) -> bool:
    """Whether a live page need not wait for more."""
    if body["status"] == COMPLETED:
        return body["access"] is not None and body["access"]["state"] == ENDED
    return bool(body["status"] != PENDING)


def _body(row: AnyRow, *, phone: str) -> Body:
    failure = None
    if row.failure_code is not None:
        failure = {"code": row.failure_code, "message": row.failure_reason}
    return {
        "id": row.id,
        "status": row.status,
        "price": _money(row.price),
        "phone": phone,
        "package_id": row.package["package_id"],
        "receipt": row.receipt,
        "failure": failure,
    }


def _access(row: AnyRow, vault: Vault, now: datetime) -> Body | None:
    if row.state is None:
        return None
    return {
        "state": _state(row, now),
        "username": row.username,
        "password": _opened(row, vault),
        "voucher": row.voucher,
        "login_url": row.link_login_only,
        "until": utc_text(row.until) if row.until else None,
    }


def _state(row: AnyRow, now: datetime) -> str:
    """Time runs out without anybody sending a message about it."""
    is_spent = row.state == READY and row.until is not None and row.until <= now
    return ENDED if is_spent else str(row.state)


def _opened(row: AnyRow, vault: Vault) -> str | None:
    if row.sealed_password is None:
        return None
    try:
        return vault.open(row.sealed_password)
    except CannotOpen:
        log.error("a password cannot be opened: a key left ENCRYPTION_KEYS too early")
        return None


def _money(amount: int) -> Body:
    return {"amount": amount, "currency": "KES"}
