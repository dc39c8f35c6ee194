"""Tables: every message with its state, its words, and what is known to write them."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    TIMESTAMP,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    Text,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

_When = TIMESTAMP(timezone=True)


class Base(DeclarativeBase):
    """Of all tables of this service."""


metadata = Base.metadata


class Sms(Base):
    """One message to one phone.

    `job_id`: the message id of the job that sends it. `attempt`: the job's attempt that began to
    send it last. `text` has the password replaced; `sealed_text` is what is sent.
    """

    __tablename__ = "messages"
    __table_args__ = (
        CheckConstraint(
            "state IN ('sending', 'sent', 'delivered', 'failed', 'unclear')", name="messages_state"
        ),
        Index("messages_of_phone", "phone", "id"),
        # For forgetting: the oldest, and who refers to them.
        Index("messages_created_at", "created_at"),
        Index("messages_resend_of", "resend_of", postgresql_where=text("resend_of IS NOT NULL")),
        # Not unique: what a gateway makes of its ids must never undo the record of a sent message.
        Index("messages_at_provider", "provider", "provider_message_id"),
        Index(
            "messages_credentials_once",
            "payment_id",
            unique=True,
            postgresql_where=text("kind = 'credentials' AND resend_of IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    job_id: Mapped[UUID] = mapped_column(unique=True)
    correlation_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(Text)
    phone: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    sealed_text: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    attempt: Mapped[int] = mapped_column(Integer)
    provider: Mapped[str] = mapped_column(Text)
    provider_message_id: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    cost_amount: Mapped[int | None] = mapped_column(BigInteger)
    cost_currency: Mapped[str | None] = mapped_column(Text)
    payment_id: Mapped[UUID | None]
    resend_of: Mapped[UUID | None] = mapped_column(ForeignKey("messages.id"))
    created_at: Mapped[datetime] = mapped_column(_When)
    sent_at: Mapped[datetime | None] = mapped_column(_When)
    delivered_at: Mapped[datetime | None] = mapped_column(_When)
    failed_at: Mapped[datetime | None] = mapped_column(_When)


class DeliveryReport(Base):
    """What a gateway said about a message, as it said it. No `sms_id`: about none that we know."""

    __tablename__ = "delivery_reports"
    __table_args__ = (
        Index("delivery_reports_of_message", "sms_id"),
        Index("delivery_reports_received_at", "received_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    sms_id: Mapped[UUID | None] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"))
    provider: Mapped[str] = mapped_column(Text)
    provider_message_id: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    failure_reason: Mapped[str | None] = mapped_column(Text)
    phone: Mapped[str | None] = mapped_column(Text)
    received_at: Mapped[datetime] = mapped_column(_When)


class Template(Base):
    """The words of a kind of message in a language, with `{names}` for what differs."""

    __tablename__ = "templates"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    language: Mapped[str] = mapped_column(Text, primary_key=True)
    text: Mapped[str] = mapped_column(Text)


class Receipt(Base):
    """The M-Pesa receipt of a payment, so that its SMS can name it."""

    __tablename__ = "receipts"
    __table_args__ = (Index("receipts_completed_at", "completed_at"),)

    payment_id: Mapped[UUID] = mapped_column(primary_key=True)
    receipt: Mapped[str] = mapped_column(Text)
    completed_at: Mapped[datetime] = mapped_column(_When)


class DueDate(Base):
    """Until when a subscription is paid, as was said last: `heard_at` is when that was sent."""

    __tablename__ = "due_dates"
    __table_args__ = (Index("due_dates_paid_until", "paid_until"),)

    subscription_id: Mapped[UUID] = mapped_column(primary_key=True)
    phone: Mapped[str] = mapped_column(Text)
    package_name: Mapped[str] = mapped_column(Text)
    paid_until: Mapped[datetime] = mapped_column(_When)
    state: Mapped[str] = mapped_column(Text)
    price_amount: Mapped[int | None] = mapped_column(BigInteger)
    price_currency: Mapped[str | None] = mapped_column(Text)
    heard_at: Mapped[datetime] = mapped_column(_When)


class Reminder(Base):
    """A reminder that was sent: `days_before` the day on which the paid time ends, once each."""

    __tablename__ = "reminders"
    __table_args__ = (Index("reminders_sent_at", "sent_at"),)

    subscription_id: Mapped[UUID] = mapped_column(primary_key=True)
    due_on: Mapped[date] = mapped_column(primary_key=True)
    days_before: Mapped[int] = mapped_column(Integer, primary_key=True)
    sent_at: Mapped[datetime] = mapped_column(_When)


class AlarmText(Base):
    """When people were last told of an alarm by SMS: once an hour is enough."""

    __tablename__ = "alarm_texts"

    alarm: Mapped[str] = mapped_column(Text, primary_key=True)
    sent_at: Mapped[datetime] = mapped_column(_When)
