"""The gateway's tables: accounts, logins, keys and audit; the timeline; the dashboard's figures."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    TIMESTAMP,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

_WHEN = TIMESTAMP(timezone=True)


class Base(DeclarativeBase):
    """Every table of the gateway, the bus's own excepted."""


metadata = Base.metadata


class Operator(Base):
    """A person who runs the system."""

    __tablename__ = "operators"
    __table_args__ = (
        CheckConstraint("role IN ('viewer', 'support', 'operator', 'owner')", "operators_role"),
        # An e-mail address names one account however it is typed.
        Index("operators_email", text("lower(email)"), unique=True),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str]
    password_hash: Mapped[str]
    role: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(_WHEN)
    updated_at: Mapped[datetime] = mapped_column(_WHEN)


class RefreshToken(Base):
    """One refresh token, hashed. A family is one login: each use replaces its token by the next."""

    __tablename__ = "refresh_tokens"
    __table_args__ = (
        Index("refresh_tokens_hash", "token_hash", unique=True),
        Index("refresh_tokens_family", "family_id"),
        Index("refresh_tokens_operator", "operator_id"),
        Index("refresh_tokens_expires_at", "expires_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    family_id: Mapped[UUID]
    operator_id: Mapped[UUID] = mapped_column(ForeignKey("operators.id", ondelete="CASCADE"))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary)
    issued_at: Mapped[datetime] = mapped_column(_WHEN)
    expires_at: Mapped[datetime] = mapped_column(_WHEN)
    used_at: Mapped[datetime | None] = mapped_column(_WHEN)
    revoked_at: Mapped[datetime | None] = mapped_column(_WHEN)


class RecordedEvent(Base):
    """A fact that was broadcast. `seq` is the order in which listeners get them."""

    __tablename__ = "events"
    __table_args__ = (
        Index("events_message_id", "message_id", unique=True),
        Index("events_correlation_id", "correlation_id"),
        Index("events_payment_id", "payment_id", postgresql_where=text("payment_id IS NOT NULL")),
        Index("events_at", "at"),
    )

    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    message_id: Mapped[UUID]
    name: Mapped[str]
    service: Mapped[str]
    correlation_id: Mapped[UUID]
    causation_id: Mapped[UUID | None]
    payment_id: Mapped[UUID | None]
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    at: Mapped[datetime] = mapped_column(_WHEN)
    recorded_at: Mapped[datetime] = mapped_column(_WHEN, server_default=func.now())


class RecordedStep(Base):
    """A message handled once by one service.

    The start is part of the key: an operator's retry of a failed job counts attempts from 1 again.
    """

    __tablename__ = "steps"
    __table_args__ = (
        Index("steps_correlation_id", "correlation_id"),
        Index("steps_started_at", "started_at"),
    )

    message_id: Mapped[UUID] = mapped_column(primary_key=True)
    service: Mapped[str] = mapped_column(primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True)
    started_at: Mapped[datetime] = mapped_column(_WHEN, primary_key=True)
    message: Mapped[str]
    correlation_id: Mapped[UUID]
    causation_id: Mapped[UUID | None]
    sent_at: Mapped[datetime] = mapped_column(_WHEN)
    duration_ms: Mapped[float]
    outcome: Mapped[str]
    error: Mapped[str | None]


class DayFigure(Base):
    """One figure of one day in Nairobi, counted as events arrive."""

    __tablename__ = "day_figures"

    day: Mapped[date] = mapped_column(primary_key=True)
    figure: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[int] = mapped_column(BigInteger)


class DashboardStats(Base):
    """What the dashboard shows: one row, replaced by UpdateDashboardStatsJob."""

    __tablename__ = "dashboard_stats"
    __table_args__ = (CheckConstraint("id = 1", "dashboard_stats_one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    as_of: Mapped[datetime] = mapped_column(_WHEN)
    day: Mapped[date]
    figures: Mapped[dict[str, Any]] = mapped_column(JSONB)


class Promise(Base):
    """How often a promise was broken when its service checked it last; `since`: the oldest case."""

    __tablename__ = "promises"

    promise: Mapped[str] = mapped_column(primary_key=True)
    broken: Mapped[int]
    since: Mapped[datetime | None] = mapped_column(_WHEN)
    checked_at: Mapped[datetime] = mapped_column(_WHEN)


class Stay(Base):
    """A session as its events told it; online where it started and did not end.

    Events may arrive in any order: an end is kept also where the start was not heard yet.
    """

    __tablename__ = "stays"
    __table_args__ = (Index("stays_heard_at", "heard_at"),)

    session_id: Mapped[UUID] = mapped_column(primary_key=True)
    started_at: Mapped[datetime | None] = mapped_column(_WHEN)
    ended_at: Mapped[datetime | None] = mapped_column(_WHEN)
    heard_at: Mapped[datetime] = mapped_column(_WHEN)


class Gauge(Base):
    """A number that goes up and down, kept so that nobody counts rows to know it."""

    __tablename__ = "gauges"

    gauge: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[int] = mapped_column(BigInteger)


class Alarm(Base):
    """What a service said last about something that needs a person's eyes."""

    __tablename__ = "alarms"

    service: Mapped[str] = mapped_column(primary_key=True)
    alarm: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    said: Mapped[str | None]
    is_raised: Mapped[bool]
    changed_at: Mapped[datetime] = mapped_column(_WHEN)


class ApiKey(Base):
    """A program's key, hashed. `hint`: its first letters, so that people know which one it is."""

    __tablename__ = "api_keys"
    __table_args__ = (
        CheckConstraint("role IN ('viewer', 'support', 'operator', 'owner')", "api_keys_role"),
        Index("api_keys_hash", "key_hash", unique=True),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    role: Mapped[str]
    key_hash: Mapped[bytes] = mapped_column(LargeBinary)
    hint: Mapped[str]
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(_WHEN)
    last_used_at: Mapped[datetime | None] = mapped_column(_WHEN)
    revoked_at: Mapped[datetime | None] = mapped_column(_WHEN)


class AuditEntry(Base):
    """One thing that an operator or a key did, or was refused. Never what was in the body."""

    __tablename__ = "audit"
    __table_args__ = (
        Index("audit_at", "at"),
        Index("audit_actor", "actor", "id"),
        Index("audit_object_id", "object_id", "id", postgresql_where=text("object_id IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(_WHEN)
    actor: Mapped[str]
    name: Mapped[str | None]
    role: Mapped[str]
    method: Mapped[str]
    route: Mapped[str]
    object_id: Mapped[str | None]
    status: Mapped[int]
    request_id: Mapped[str]
    address: Mapped[str]
