"""Payments, the access that they bought, and what M-Pesa said of them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    cast,
    func,
    literal_column,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from payment_service.models.base import Base, hashed

# The channel on which PostgreSQL tells of each change to a payment, its voucher or its access
# (triggers of migration 0001): the payload is the payment's id.
CHANGED_CHANNEL = "payment_changed"

PENDING, COMPLETED, FAILED = "pending", "completed", "failed"
STATUSES = (PENDING, COMPLETED, FAILED, "cancelled", "expired")


class Payment(Base):
    """One attempt to pay. `status` is changed by `settlement.settle` alone."""

    __tablename__ = "payments"
    __table_args__ = (
        UniqueConstraint("idempotency_key", name="payments_idempotency_key_key"),
        UniqueConstraint("receipt", name="payments_receipt_key"),
        Index("payments_requested_at", "requested_at", "id"),
        Index("payments_phone", "phone", "requested_at"),
        Index("payments_checkout_request_id", "checkout_request_id"),
        Index("payments_pending", "requested_at", postgresql_where=text("status = 'pending'")),
        Index(
            "payments_needs_attention",
            "requested_at",
            postgresql_where=text("needs_attention IS NOT NULL"),
        ),
        Index("payments_reference", func.right(cast(text("id"), Text), 12)),
        Index("payments_phone_hash", hashed(literal_column("phone", Text))),
        Index(
            "payments_completed_at", "completed_at", postgresql_where=text("status = 'completed'")
        ),
        Index(
            "payments_reversed_at",
            "reversed_at",
            postgresql_where=text("reversed_at IS NOT NULL"),
        ),
        Index(
            "payments_voucher_redeemed_once",
            "voucher_id",
            unique=True,
            postgresql_where=text("status = 'completed'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    status: Mapped[str]
    phone: Mapped[str | None]  # nobody asks for one where a voucher of a batch is redeemed
    package: Mapped[dict[str, object]]
    price: Mapped[int] = mapped_column(BigInteger)
    mac: Mapped[str | None]
    ip: Mapped[str | None]
    router_id: Mapped[str | None]
    link_login_only: Mapped[str | None]
    idempotency_key: Mapped[str | None]
    requested_at: Mapped[datetime]
    # The prompt: waiting -> prompting -> prompted | refused | unclear. `prompt_attempt` is the
    # mark that is made before Daraja is called: who finds its own mark must not call again.
    # Money that came by itself needs no prompt: none.
    prompt_state: Mapped[str]
    prompt_attempt: Mapped[int] = mapped_column(Integer)
    prompted_at: Mapped[datetime | None]
    checkout_request_id: Mapped[str | None]
    merchant_request_id: Mapped[str | None]
    # How it ended
    receipt: Mapped[str | None]
    paid_amount: Mapped[int | None] = mapped_column(BigInteger)
    paid_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    confirmed_by: Mapped[str | None]
    failure_code: Mapped[str | None]
    failure_reason: Mapped[str | None]
    failed_at: Mapped[datetime | None]
    needs_attention: Mapped[str | None]
    # How it began: prompt, c2b, claim, statement, voucher
    source: Mapped[str] = mapped_column(server_default="prompt")
    reversed_at: Mapped[datetime | None]
    # STK queries: how many were made, when the last one, when the next one should come
    asks: Mapped[int] = mapped_column(Integer, server_default="0")
    asked_at: Mapped[datetime | None]
    next_ask_at: Mapped[datetime | None]
    # The voucher of a batch that was redeemed, where no money came
    voucher_id: Mapped[UUID | None] = mapped_column(ForeignKey("vouchers.id", use_alter=True))


class Access(Base):
    """What the buyer's page needs to log in: filled when the login works."""

    __tablename__ = "access"
    __table_args__ = (
        Index("access_not_ended", "state", "payment_id", postgresql_where=text("state <> 'ended'")),
    )

    payment_id: Mapped[UUID] = mapped_column(ForeignKey("payments.id"), primary_key=True)
    state: Mapped[str]
    user_id: Mapped[UUID | None]
    grant_id: Mapped[UUID | None]
    username: Mapped[str | None]
    sealed_password: Mapped[str | None]
    until: Mapped[datetime | None]
    # The device that holds it now, where it was moved, and where that device logs in
    mac: Mapped[str | None]
    link_login_only: Mapped[str | None]
    changed_at: Mapped[datetime]
    # Before its time: data used up, or the money went back. `until` says when the time is over.
    ended_at: Mapped[datetime | None]
    ended_cause: Mapped[str | None]


class AccessSession(Base):
    """A stay online that uses a payment's access; open while `ended_at` is empty.

    The end may be told before the beginning.
    """

    __tablename__ = "access_sessions"
    __table_args__ = (
        Index("access_sessions_payment_id", "payment_id"),
        Index(
            "access_sessions_ended_at", "ended_at", postgresql_where=text("ended_at IS NOT NULL")
        ),
    )

    session_id: Mapped[UUID] = mapped_column(primary_key=True)
    payment_id: Mapped[UUID] = mapped_column(ForeignKey("access.payment_id"))
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class MpesaMessage(Base):
    """What M-Pesa said, as it said it. Kept even where it makes no sense (`problem` says why)."""

    __tablename__ = "mpesa_messages"
    __table_args__ = (
        Index("mpesa_messages_payment_id", "payment_id"),
        Index("mpesa_messages_received_at", "received_at"),
        Index(
            "mpesa_messages_problem", "received_at", postgresql_where=text("problem IS NOT NULL")
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    payment_id: Mapped[UUID | None]  # no foreign key: what matches no payment is kept as well
    body: Mapped[str]
    source_address: Mapped[str | None]
    received_at: Mapped[datetime]
    result_code: Mapped[str | None]
    problem: Mapped[str | None]
