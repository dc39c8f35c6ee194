"""Logins: short access tokens, and refresh tokens that are good for one use.

These are the gateway's own account rows, written in the request itself: a login whose refresh
token is not stored yet when the answer goes out could not be renewed, nor its theft be noticed.
"""

import hashlib
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import jwt
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from gateway.models import Operator, RefreshToken
from hotspot.ids import new_id
from hotspot.web.auth import ALGORITHM, ISSUER, Caller

ACCESS_LIVES = timedelta(minutes=15)
REFRESH_LIVES = timedelta(days=14)
# As long as a stream may be opened after its request arrived
REQUEST_LIVES = timedelta(minutes=1)
DEVICE_LIVES = timedelta(days=180)
_DEVICE = "device"
# PostgreSQL tells every gateway process through this channel whose live events shall end.
ENDED_CHANNEL = "gateway_ended"


@dataclass(frozen=True, kw_only=True)
class Grant:
    """What a login or a refresh answers. `expires_in`: seconds that the access token lives.

    `device_token` opens nothing: it shows at the next login that this device had one before.
    """

    access_token: str
    refresh_token: str
    expires_in: int
    device_token: str | None = None


def log_in(
    session: Session,
    operator: Operator,
    private_key: str,
    now: datetime,
    device: UUID | None = None,
) -> Grant:
    """Begin a new family of refresh tokens, on a device that is known already or is from now on."""
    granted = _issue(session, operator, new_id(), private_key, now)
    claims = {
        "sub": str(operator.id),
        "jti": str(device or new_id()),
        "type": _DEVICE,
        "iss": ISSUER,
        "iat": now,
        "exp": now + DEVICE_LIVES,
    }
    token = jwt.encode(claims, private_key, algorithm=ALGORITHM)
    return replace(granted, device_token=token)


def device_of(token: str, operator_id: UUID, public_key: str) -> UUID | None:
    """The device that this token was given to; None where it is not one of this operator's."""
    try:
        claims = jwt.decode(
            token,
            public_key,
            algorithms=[ALGORITHM],
            issuer=ISSUER,
            options={"require": ["sub", "jti", "exp", "type"]},
        )
        is_theirs = claims["type"] == _DEVICE and claims["sub"] == str(operator_id)
        return UUID(claims["jti"]) if is_theirs else None
    except (jwt.InvalidTokenError, ValueError):
        return None


def for_one_request(who: Caller, private_key: str, now: datetime) -> str:
    """An access token by which the services know who asks, where no login is behind it."""
    return _access_token(who.subject, who.role, private_key, now, REQUEST_LIVES)


def log_out(session: Session, token: str, now: datetime) -> None:
    """End the login that a refresh token belongs to, if it is one."""
    wanted = select(RefreshToken.family_id).where(RefreshToken.token_hash == _hash(token))
    family_id = session.scalar(wanted)
    if family_id is not None:
        _revoke(session, family_id, now)


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


def end_streams(session: Session, subject: str) -> None:
    """End the live events of an operator or a key, at every gateway, once this is committed."""
    session.execute(select(func.pg_notify(ENDED_CHANNEL, subject)))


def revoke_all(session: Session, operator_id: UUID, now: datetime) -> None:
    """End every login and stream of an operator; access tokens live on for their few minutes."""
    end_streams(session, str(operator_id))
    session.execute(
        update(RefreshToken)
        .where(RefreshToken.operator_id == operator_id, RefreshToken.revoked_at.is_(None))
        .values(revoked_at=now)
    )


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
    return Grant(
        access_token=_access_token(str(operator.id), operator.role, private_key, now, ACCESS_LIVES),
        refresh_token=token,
        expires_in=int(ACCESS_LIVES.total_seconds()),
    )


def _access_token(
    subject: str, role: str, private_key: str, now: datetime, lives: timedelta
) -> str:
    claims = {
        "sub": subject,
        "role": role,
        "type": "access",
        "iss": ISSUER,
        "iat": now,
        "exp": now + lives,
    }
    return jwt.encode(claims, private_key, algorithm=ALGORITHM)


def _revoke(session: Session, family_id: UUID, now: datetime) -> None:
    session.execute(
        update(RefreshToken)
        .where(RefreshToken.family_id == family_id, RefreshToken.revoked_at.is_(None))
        .values(revoked_at=now)
    )


def _hash(token: str) -> bytes:
    # A random token of 256 bits needs no slow hash.
    return hashlib.sha256(token.encode()).digest()
