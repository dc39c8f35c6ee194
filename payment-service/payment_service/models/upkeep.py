"""What is remembered between two looks: subscriptions, breakers, alarms, what was asked again."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from payment_service.models.base import Base


class Subscription(Base):
    """A subscription as provisioning-service last told of it."""

    __tablename__ = "subscriptions"
    __table_args__ = (Index("subscriptions_phone", "phone"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    phone: Mapped[str]
    package_id: Mapped[UUID]
    state: Mapped[str]
    paid_until: Mapped[datetime]
    changed_at: Mapped[datetime]


class Breaker(Base):
    """What does not work just now: nobody tries it before `open_until`. Works: no row."""

    __tablename__ = "breakers"

    name: Mapped[str] = mapped_column(primary_key=True)
    down_since: Mapped[datetime]
    open_until: Mapped[datetime]


class AskedAgain(Base):
    """A step of a confirmed payment that did not happen and was asked for again (`promise`)."""

    __tablename__ = "asked_again"
    __table_args__ = (
        Index("asked_again_gave_up", "payment_id", postgresql_where=text("gave_up_at IS NOT NULL")),
    )

    payment_id: Mapped[UUID] = mapped_column(ForeignKey("payments.id"), primary_key=True)
    step: Mapped[str] = mapped_column(primary_key=True)
    tries: Mapped[int] = mapped_column(Integer)
    next_at: Mapped[datetime]
    gave_up_at: Mapped[datetime | None]


class RaisedAlarm(Base):
    """An alarm that was raised and not cleared yet: alarms are told when they change."""

    __tablename__ = "raised_alarms"

    alarm: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    raised_at: Mapped[datetime]
