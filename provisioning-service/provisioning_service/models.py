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
    Integer,
    Text,
    TypeDecorator,
    text,
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
    """Who logs in. One per phone number, with a password that stays the same.

    Without a phone: who used a voucher without telling a number.
    """

    __tablename__ = "hotspot_users"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    phone: Mapped[str | None] = mapped_column(Text, unique=True)
    username: Mapped[str] = mapped_column(Text, unique=True)
    sealed_password: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(_When)


class Grant(Base):
    """Access given by one payment. It is over at `ends_at`, or at `ended_at` when that is set.

    `kind` grace: days lent to a subscription, told under its id in the place of a payment's.
    `package`: what its time counts as; a change of the subscription's package changes it too.
    `data_bytes`: as it was bought, whatever the package is now. `revision` counts the times that
    these terms changed, `moved_at` is the newest order that named a device.
    """

    __tablename__ = "grants"
    __table_args__ = (
        CheckConstraint("state IN ('authorizing', 'ready')", name="grants_state"),
        CheckConstraint("kind IN ('paid', 'grace')", name="grants_kind"),
        CheckConstraint("ends_at > starts_at", name="grants_run_forward"),
        Index("grants_of_user", "user_id", "ends_at"),
        Index(
            "grants_paid_once",
            "payment_id",
            unique=True,
            postgresql_where=text("kind = 'paid'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("hotspot_users.id"))
    payment_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(Text)
    revision: Mapped[int] = mapped_column(Integer)
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
    moved_at: Mapped[datetime | None] = mapped_column(_When)


class Subscription(Base):
    """Recurring access of one user. `changed_at`: since when it is in this state.

    Suspended before `paid_until`: by an operator. `grace_until`: the end of the grace that was
    given after `paid_until`, as soon as it is given. `ordered_at`: an operator's newest order.
    """

    __tablename__ = "subscriptions"
    __table_args__ = (
        CheckConstraint("state IN ('active', 'grace', 'suspended')", name="subscriptions_state"),
        Index("subscriptions_ending", "paid_until", postgresql_where=text("state = 'active'")),
        Index("subscriptions_overdue", "grace_until", postgresql_where=text("state = 'grace'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("hotspot_users.id"), unique=True)
    package: Mapped[PackageTerms] = mapped_column(Terms)
    state: Mapped[str] = mapped_column(Text)
    paid_until: Mapped[datetime] = mapped_column(_When)
    grace_until: Mapped[datetime | None] = mapped_column(_When)
    created_at: Mapped[datetime] = mapped_column(_When)
    changed_at: Mapped[datetime] = mapped_column(_When)
    ordered_at: Mapped[datetime | None] = mapped_column(_When)


class Package(Base):
    """What payment-service sells now, as it said last."""

    __tablename__ = "packages"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(Text)
    terms: Mapped[PackageTerms] = mapped_column(Terms)
    on_sale: Mapped[bool]
    changed_at: Mapped[datetime] = mapped_column(_When)


class TakenBack(Base):
    """A payment whose money went back: it gives no access any more, however late it asks."""

    __tablename__ = "taken_back"

    payment_id: Mapped[UUID] = mapped_column(primary_key=True)
    reason: Mapped[str] = mapped_column(Text)
    ended_at: Mapped[datetime] = mapped_column(_When)
