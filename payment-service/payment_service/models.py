"""The tables of payment-service. Money is in minor units (cents) of KES."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    TIMESTAMP,
    BigInteger,
    Boolean,
    ForeignKey,
    Index,
    Integer,
    Row,
    Text,
    UniqueConstraint,
    Update,
    Uuid,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# The channel on which PostgreSQL tells of each change to a payment, its voucher or its access
# (triggers of migration 0001): the payload is the payment's id.
CHANGED_CHANNEL = "payment_changed"

PENDING, COMPLETED, FAILED = "pending", "completed", "failed"
STATUSES = (PENDING, COMPLETED, FAILED, "cancelled", "expired")


class Base(DeclarativeBase):
    """What is common to the tables."""

    type_annotation_map: ClassVar[dict[object, object]] = {
        datetime: TIMESTAMP(timezone=True),
        dict[str, object]: JSONB,
        str: Text,
        UUID: Uuid,
    }


metadata = Base.metadata

AnyRow = Row[*tuple[Any, ...]]


def change(table: type[Base]) -> Update:
    """An UPDATE that looks for no objects in the session: handlers read columns, not objects."""
    return update(table).execution_options(synchronize_session=False)


class Package(Base):
    """What is sold now. Payments keep the terms as they were when they were made."""

    __tablename__ = "packages"
    __table_args__ = (
        UniqueConstraint("code", name="packages_code_key"),
        Index("packages_on_sale", "price", "id", postgresql_where=text("on_sale")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str]
    name: Mapped[str]
    kind: Mapped[str]
    price: Mapped[int] = mapped_column(BigInteger)
    duration_seconds: Mapped[int] = mapped_column(Integer)
    down_kbps: Mapped[int] = mapped_column(Integer)
    up_kbps: Mapped[int] = mapped_column(Integer)
    data_bytes: Mapped[int | None] = mapped_column(BigInteger)
    devices: Mapped[int] = mapped_column(Integer)
    on_sale: Mapped[bool] = mapped_column(Boolean)
    created_at: Mapped[datetime]


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
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    status: Mapped[str]
    phone: Mapped[str]
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


class Receipt(Base):
    """Every M-Pesa receipt that was ever named to us, once, and the payment that it is credited to.

    `held` says why a person must look at it; a held receipt has bought nothing.
    """

    __tablename__ = "receipts"
    __table_args__ = (
        Index("receipts_payment_id", "payment_id"),
        Index("receipts_held", "recorded_at", postgresql_where=text("held IS NOT NULL")),
    )

    receipt: Mapped[str] = mapped_column(primary_key=True)
    payment_id: Mapped[UUID | None] = mapped_column(ForeignKey("payments.id"))
    amount: Mapped[int | None] = mapped_column(BigInteger)
    source: Mapped[str]
    paid_at: Mapped[datetime | None]
    recorded_at: Mapped[datetime]
    held: Mapped[str | None]


class Voucher(Base):
    """A code that gives one package's access. A completed payment has exactly one."""

    __tablename__ = "vouchers"
    __table_args__ = (
        UniqueConstraint("code", name="vouchers_code_key"),
        UniqueConstraint("payment_id", name="vouchers_payment_id_key"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str]
    payment_id: Mapped[UUID | None] = mapped_column(ForeignKey("payments.id"))
    package: Mapped[dict[str, object]]
    issued_at: Mapped[datetime]


class Access(Base):
    """What the buyer's page needs to log in: filled when the login works."""

    __tablename__ = "access"

    payment_id: Mapped[UUID] = mapped_column(ForeignKey("payments.id"), primary_key=True)
    state: Mapped[str]
    user_id: Mapped[UUID | None]
    grant_id: Mapped[UUID | None]
    username: Mapped[str | None]
    sealed_password: Mapped[str | None]
    until: Mapped[datetime | None]
    changed_at: Mapped[datetime]


class AccessSession(Base):
    """A stay online that uses a payment's access; open while `ended_at` is empty.

    The end may be told before the beginning.
    """

    __tablename__ = "access_sessions"
    __table_args__ = (Index("access_sessions_payment_id", "payment_id"),)

    session_id: Mapped[UUID] = mapped_column(primary_key=True)
    payment_id: Mapped[UUID] = mapped_column(ForeignKey("access.payment_id"))
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class MpesaMessage(Base):
    """What M-Pesa said, as it said it. Kept even where it makes no sense (`problem` says why)."""

    __tablename__ = "mpesa_messages"
    __table_args__ = (
        Index("mpesa_messages_payment_id", "payment_id"),
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
