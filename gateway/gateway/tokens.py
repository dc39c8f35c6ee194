"""Logins: short access tokens, and refresh tokens that are good for one use.

These are the gateway's own account rows, written in the request itself: a login whose refresh
token is not stored yet when the answer goes out could not be renewed, nor its theft be noticed.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import jwt
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from gateway.models import Operator, RefreshToken
from hotspot.ids import new_id
from hotspot.web.auth import ALGORITHM, ISSUER

ACCESS_LIVES = timedelta(minutes=15)
REFRESH_LIVES = timedelta(days=14)


@dataclass(frozen=True, kw_only=True)
class Grant:
    """What a login or a refresh answers. `expires_in`: seconds that the access token lives."""

    access_token: str
    refresh_token: str
    expires_in: int


def log_in(session: Session, operator: Operator, private_key: str, now: datetime) -> Grant:
    """Begin a new family of refresh tokens."""
    return _issue(session, operator, new_id(), private_key, now)


def refresh(session: Session, token: str, private_key: str, now: datetime) -> Grant | None:
    """The next tokens of a login; None where this one is good for nothing (any more).

    A token that comes a second time was stolen from its owner or by him: its whole family ends.
    The caller commits also when the answer is None.
    """
    wanted = select(RefreshToken).where(RefreshToken.token_hash == _hash(token)).with_for_update()
    found = session.scalar(wanted)
    if found is None or found.revoked_at is not None or found.expires_at <= now:
        return None
    if found.used_at is not None:
        _revoke(session, found.family_id, now)
        return None
    operator = session.get_one(Operator, found.operator_id)
    found.used_at = now
    return _issue(session, operator, found.family_id, private_key, now)


def revoke_all(session: Session, operator_id: UUID, now: datetime) -> None:
    """End every login of an operator; access tokens live on for their few minutes."""
    session.execute(
        update(RefreshToken)
        .where(RefreshToken.operator_id == operator_id, RefreshToken.revoked_at.is_(None))
        .values(revoked_at=now)
    )


def prune(session: Session, now: datetime) -> int:
    """Forget tokens that ended; answers how many. Used ones are kept till then to notice reuse."""
    gone = delete(RefreshToken).where(RefreshToken.expires_at < now).returning(RefreshToken.id)
    return len(session.execute(gone).all())


def _issue(
    session: Session, operator: Operator, family_id: UUID, private_key: str, now: datetime
) -> Grant:
    token = secrets.token_urlsafe(32)
    session.add(
        RefreshToken(
            id=new_id(),
            family_id=family_id,
            operator_id=operator.id,
            token_hash=_hash(token),
            issued_at=now,
            expires_at=now + REFRESH_LIVES,
        )
    )
    claims = {
        "sub": str(operator.id),
        "role": operator.role,
        "type": "access",
        "iss": ISSUER,
        "iat": now,
        "exp": now + ACCESS_LIVES,
    }
    return Grant(
        access_token=jwt.encode(claims, private_key, algorithm=ALGORITHM),
        refresh_token=token,
        expires_in=int(ACCESS_LIVES.total_seconds()),
    )


def _revoke(session: Session, family_id: UUID, now: datetime) -> None:
    session.execute(
        update(RefreshToken)
        .where(RefreshToken.family_id == family_id, RefreshToken.revoked_at.is_(None))
        .values(revoked_at=now)
    )


def _hash(token: str) -> bytes:
    # A random token of 256 bits needs no slow hash.
    return hashlib.sha256(token.encode()).digest()
