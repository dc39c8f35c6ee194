"""Operators' accounts, as owners change them. There is always an owner left.

These are the gateway's own rows, written in the request itself (ADR 5, ADR 26).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from gateway import tokens
from gateway.identity import is_key, operator_of
from gateway.models import Operator
from gateway.operators import Passwords
from hotspot.ids import new_id
from hotspot.web.auth import Caller
from hotspot.web.problem import Problem

OWNER = "owner"


@dataclass(frozen=True, kw_only=True)
class NewOperator:
    """An account to make."""

    email: str
    role: str
    password: str


def is_still_owner(session: Session, who: Caller) -> bool:
    """Whether who asks is an owner now: an access token outlives a role by some minutes, in which
    nobody may make themselves another account. Keys were looked up for this very request."""
    if is_key(who):
        return who.may_act_as(OWNER)
    role = session.scalar(select(Operator.role).where(Operator.id == operator_of(who)))
    return role == OWNER


def make(session: Session, wanted: NewOperator, passwords: Passwords, now: datetime) -> Operator:
    """A new account. Raises Problem 409: an e-mail address names one account."""
    row = {
        "id": new_id(),
        "email": wanted.email,
        "role": wanted.role,
        "password_hash": passwords.hash(wanted.password),
        "created_at": now,
        "updated_at": now,
    }
    new = insert(Operator).values(row).on_conflict_do_nothing(index_elements=[_EMAIL])
    operator = session.scalars(new.returning(Operator)).one_or_none()
    if operator is None:
        raise Problem(409, "email-taken", "There is an account with this e-mail address.")
    return operator


def change(
    session: Session,
    operator_id: UUID,
    wanted: Mapping[str, Any],
    passwords: Passwords,
    now: datetime,
) -> Operator:
    """Give an account another role or password, and end its logins. Raises Problem 404 or 409."""
    operator = _find(session, operator_id)
    role = wanted.get("role", operator.role)
    if role != OWNER:
        _keep_an_owner(session, operator)
    operator.role = role
    if "password" in wanted:
        operator.password_hash = passwords.hash(wanted["password"])
    operator.updated_at = now
    tokens.revoke_all(session, operator.id, now)
    return operator


def remove(session: Session, operator_id: UUID) -> None:
    """Delete an account; its logins end with it. Raises Problem 404 or 409."""
    operator = _find(session, operator_id)
    _keep_an_owner(session, operator)
    tokens.end_streams(session, str(operator.id))
    session.delete(operator)


def set_password(
    session: Session, operator: Operator, password: str, passwords: Passwords, now: datetime
) -> None:
    """Give an operator a new password, which ends all logins."""
    operator.password_hash = passwords.hash(password)
    operator.updated_at = now
    tokens.revoke_all(session, operator.id, now)


def seen(row: Any) -> dict[str, Any]:
    """An account as OperatorSchema shows it."""
    return {
        name: getattr(row, name) for name in ("id", "email", "role", "created_at", "updated_at")
    }


def _find(session: Session, operator_id: UUID) -> Operator:
    # Owners first and always in one order: two who take each other's role wait for one another.
    session.scalars(_OWNERS).all()
    wanted = select(Operator).where(Operator.id == operator_id).with_for_update()
    operator = session.scalar(wanted)
    if operator is None:
        raise Problem(404, "not-found", f"There is no operator {operator_id}.")
    return operator


def _keep_an_owner(session: Session, operator: Operator) -> None:
    """Raise Problem 409 where nobody could make accounts any more."""
    if operator.role == OWNER and len(session.scalars(_OWNERS).all()) < 2:
        raise Problem(409, "last-owner", "This is the only owner: make another one first.")


_EMAIL = func.lower(Operator.email)
_OWNERS = select(Operator.id).where(Operator.role == OWNER).order_by(Operator.id).with_for_update()
