"""API keys: for programs, which cannot type a password and must not know one."""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from gateway import tokens
from gateway.models import ApiKey
from hotspot.ids import new_id

PREFIX = "hsk_"
OF_KEY = "key:"
_SHAPE = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")
_HINT = len(PREFIX) + 4
# `last_used_at` is for people: a write for each request would cost more than it tells.
USE_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class NewKey:
    """A key just made. `secret` is shown once: only its hash is kept."""

    row: ApiKey
    secret: str


def make(session: Session, *, name: str, role: str, by: str, now: datetime) -> NewKey:
    """A new key of 256 random bits."""
    secret = PREFIX + secrets.token_urlsafe(32)
    row = ApiKey(
        id=new_id(),
        name=name,
        role=role,
        key_hash=_hash(secret),
        hint=secret[:_HINT],
        created_by=by,
        created_at=now,
    )
    session.add(row)
    return NewKey(row=row, secret=secret)


def find(engine: Engine, secret: str, now: datetime) -> ApiKey | None:
    """The key that this is, unless it was revoked; notes that it is used."""
    if not _SHAPE.fullmatch(secret):
        return None
    wanted = select(ApiKey).where(ApiKey.key_hash == _hash(secret), ApiKey.revoked_at.is_(None))
    with Session(engine, expire_on_commit=False) as session, session.begin():
        found = session.scalar(wanted)
        if found is not None and not _was_just_used(found, now):
            found.last_used_at = now
    return found


def subject_of(key_id: UUID) -> str:
    """How a key is named where people are named by their account."""
    return f"{OF_KEY}{key_id}"


def revoke(session: Session, key_id: UUID, now: datetime) -> bool:
    """Make a key worthless, at once; False where there is none, or not any more."""
    tokens.end_streams(session, subject_of(key_id))
    revoked = session.execute(
        update(ApiKey)
        .where(ApiKey.id == key_id, ApiKey.revoked_at.is_(None))
        .values(revoked_at=now)
        .returning(ApiKey.id)
    )
    return revoked.first() is not None


def _was_just_used(key: ApiKey, now: datetime) -> bool:
    return key.last_used_at is not None and now - key.last_used_at < USE_NOTED_EVERY


def _hash(secret: str) -> bytes:
    # 256 random bits need no slow hash.
    return hashlib.sha256(secret.encode()).digest()
