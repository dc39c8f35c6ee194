"""A payment as its buyer sees it, and as operators see it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Connection, ScalarSelect, Select, func, literal_column, select
from sqlalchemy.orm import aliased

from hotspot.contract.message import utc_text
from hotspot.phone import mask
from hotspot.vault import CannotOpen, Vault
from payment_service.access import ENDED, READY
from payment_service.claims.tokens import Claim
from payment_service.models import (
    COMPLETED,
    FAILED,
    PENDING,
    Access,
    AnyRow,
    Payment,
    ReceiptClaim,
    Reversal,
    Voucher,
)

log = structlog.get_logger()

Body = dict[str, Any]

# M-Pesa takes a request within two seconds as a rule, and its answer to the phone comes later.
SLOW_AFTER = timedelta(seconds=8)

_redeemed = aliased(Voucher)


def wanted() -> Select[Any]:
    """Payments with their access and voucher."""
    return (
        select(
            Payment.__table__,
            Access.state,
            Access.username,
            Access.sealed_password,
            Access.until,
            func.coalesce(Access.link_login_only, Payment.link_login_only).label("login_url"),
            func.coalesce(Voucher.code, _redeemed.code).label("voucher"),
            _last_reversal().label("reversal"),
        )
        .join(Access, Access.payment_id == Payment.id, isouter=True)
        .join(Voucher, Voucher.payment_id == Payment.id, isouter=True)
        .join(_redeemed, _redeemed.id == Payment.voucher_id, isouter=True)
    )


def find(connection: Connection, payment_id: UUID) -> AnyRow | None:
    """One payment, or None."""
    return connection.execute(wanted().where(Payment.id == payment_id)).first()


def before_it_is_recorded(claim: Claim) -> Body:
    """What the page sees between the answer to its request and the worker's commit."""
    return {
        "id": claim.payment_id,
        "status": PENDING,
        "price": None if claim.price is None else _money(claim.price.amount),
        "phone": claim.masked_phone,
        "package_id": claim.package_id,
        "receipt": None,
        "failure": None,
        "waits_for": None,
        "access": None,
    }


def of_claim(connection: Connection, claim: Claim, vault: Vault, now: datetime) -> Body:
    """What the page of a claimed receipt sees while no payment has its id."""
    wanted = (
        select(
            ReceiptClaim.found_payment_id, ReceiptClaim.failure_code, ReceiptClaim.failure_reason
        )
        .where(ReceiptClaim.payment_id == claim.payment_id)
        .order_by(ReceiptClaim.claimed_at.desc(), ReceiptClaim.id.desc())
        .limit(1)
    )
    claimed = connection.execute(wanted).first()
    found = find(connection, claimed.found_payment_id) if claimed is not None else None
    if found is not None:
        return by_its_buyer(found, vault, now)
    body = before_it_is_recorded(claim)
    if claimed is not None and claimed.failure_code is not None:
        failure = {"code": claimed.failure_code, "message": claimed.failure_reason}
        body |= {"status": FAILED, "failure": failure}
    return body


def by_its_buyer(row: AnyRow, vault: Vault, now: datetime) -> Body:
    """With the credentials: only for the holder of the claim token."""
    phone = mask(row.phone) if row.phone else None
    return _body(row, now, phone=phone) | {"access": _access(row, vault, now)}


def by_operators(row: AnyRow, now: datetime) -> Body:
    """With the whole phone number and the course of things; without credentials or voucher."""
    access = None
    if row.state is not None:
        until = utc_text(row.until) if row.until else None
        access = {"state": _state(row, now), "username": row.username, "until": until}
    return _body(row, now, phone=row.phone) | {
        "package": row.package,
        "paid_amount": None if row.paid_amount is None else _money(row.paid_amount),
        "confirmed_by": row.confirmed_by,
        "needs_attention": row.needs_attention,
        "source": row.source,
        "prompt_state": row.prompt_state,
        "checkout_request_id": row.checkout_request_id,
        "mac": row.mac,
        "ip": row.ip,
        "router_id": row.router_id,
        "requested_at": utc_text(row.requested_at),
        "completed_at": utc_text(row.completed_at) if row.completed_at else None,
        "reversed_at": utc_text(row.reversed_at) if row.reversed_at else None,
        "reversal": _reversal(row.reversal),
        "access": access,
    }


def is_over(body: Body) -> bool:
    """Whether a live page need not wait for more."""
    if body["status"] == COMPLETED:
        return body["access"] is not None and body["access"]["state"] == ENDED
    return bool(body["status"] != PENDING)


def _body(row: AnyRow, now: datetime, *, phone: str | None) -> Body:
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
        "waits_for": _waits_for(row, now),
    }


def _waits_for(row: AnyRow, now: datetime) -> str | None:
    """Nobody shall wait for a prompt that M-Pesa has not said it shows."""
    if row.status != PENDING:
        return None
    is_late = now - row.requested_at > SLOW_AFTER and row.prompt_state in ("waiting", "prompting")
    return "mpesa" if is_late or row.prompt_state == "unclear" else None


def _last_reversal() -> ScalarSelect[Any]:
    """The newest request to send the payment's money back, as JSON."""
    return (
        select(func.to_jsonb(literal_column("reversals")))
        .select_from(Reversal)
        .where(Reversal.payment_id == Payment.id)
        .order_by(Reversal.requested_at.desc(), Reversal.id.desc())
        .limit(1)
        .correlate(Payment)
        .scalar_subquery()
    )


def _reversal(told: Mapping[str, Any] | None) -> Body | None:
    if told is None:
        return None
    kept = {name: told[name] for name in ("id", "receipt", "state", "reason", "requested_by")}
    times = {
        name: utc_text(datetime.fromisoformat(told[name])) if told[name] else None
        for name in ("requested_at", "finished_at")
    }
    return kept | times | {"result": told["result"]}


def _access(row: AnyRow, vault: Vault, now: datetime) -> Body | None:
    if row.state is None:
        return None
    return {
        "state": _state(row, now),
        "username": row.username,
        "password": _opened(row, vault),
        "voucher": row.voucher,
        "login_url": row.login_url,
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
