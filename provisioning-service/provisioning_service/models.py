"""Tables: who may log in, the access they were given, and what recurs."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    TIMESTAMP,
    BigInteger,
    CheckConstraint,
    Dialect,
    ForeignKey,
    Index,
    Text,
    TypeDecorator,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from hotspot.contract import message as contract
from hotspot.contract.packages import PackageTerms

_When = TIMESTAMP(timezone=True)


class Terms(TypeDecorator[PackageTerms]):
    """A package as it was sold, kept as the JSON in which it travelled."""

    impl = JSONB
    cache_ok = True

    def process_bind_param(self, value: PackageTerms | None, dialect: Dialect) -> Any:
        """To JSON."""
        return None if value is None else contract.schema_of(PackageTerms).dump(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> PackageTerms | None:
        """From JSON."""
        return None if value is None else contract.load(PackageTerms, value)


class Base(DeclarativeBase):
    """Of all tables of this service."""


metadata = Base.metadata


class HotspotUser(Base):
    """Who logs in. One per phone number, with a password that stays the same."""

    __tablename__ = "hotspot_users"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    phone: Mapped[str] = mapped_column(Text, unique=True)
    username: Mapped[str] = mapped_column(Text, unique=True)
    sealed_password: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(_When)


class Grant(Base):
    """Access given by one payment. It is over at `ends_at`, or at `ended_at` when that is set."""

    __tablename__ = "grants"
    __table_args__ = (
        CheckConstraint("state IN ('authorizing', 'ready')", name="grants_state"),
        CheckConstraint("ends_at > starts_at", name="grants_run_forward"),
        Index("grants_of_user", "user_id", "ends_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("hotspot_users.id"))
    payment_id: Mapped[UUID] = mapped_column(unique=True)
    package: Mapped[PackageTerms] = mapped_column(Terms)
    receipt: Mapped[str | None] = mapped_column(Text)
    paid_at: Mapped[datetime] = mapped_column(_When)
    mac: Mapped[str | None] = mapped_column(Text)
    router_id: Mapped[str | None] = mapped_column(Text)
    starts_at: Mapped[datetime] = mapped_column(_When)
    ends_at: Mapped[datetime] = mapped_column(_When)
    data_bytes: Mapped[int | None] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(_When)
    ready_at: Mapped[datetime | None] = mapped_column(_When)
    ended_at: Mapped[datetime | None] = mapped_column(_When)


class Subscription(Base):
    """Recurring access of one user. `changed_at`: since when it is in this state."""

    __tablename__ = "subscriptions"
    __table_args__ = (
        CheckConstraint("state IN ('active', 'grace', 'suspended')", name="subscriptions_state"),
        Index("subscriptions_due", "state", "paid_until"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("hotspot_users.id"), unique=True)
    package: Mapped[PackageTerms] = mapped_column(Terms)
    state: Mapped[str] = mapped_column(Text)
    paid_until: Mapped[datetime] = mapped_column(_When)
    created_at: Mapped[datetime] = mapped_column(_When)
    changed_at: Mapped[datetime] = mapped_column(_When)
