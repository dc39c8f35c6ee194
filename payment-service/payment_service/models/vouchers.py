"""Vouchers, one by one and in batches."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Identity, Index, Integer, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from payment_service.models.base import Base


class VoucherBatch(Base):
    """Vouchers that are made together, for sale in shops; `number` is what people call it."""

    __tablename__ = "voucher_batches"
    __table_args__ = (UniqueConstraint("number", name="voucher_batches_number_key"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(Integer, Identity(always=True))
    package: Mapped[dict[str, object]]
    count: Mapped[int] = mapped_column(Integer)
    made: Mapped[int] = mapped_column(Integer)
    expires_at: Mapped[datetime | None]
    requested_by: Mapped[str]
    requested_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    cancelled_by: Mapped[str | None]


class Voucher(Base):
    """A code that gives one package's access.

    Either the proof of a completed payment (`payment_id`; each has exactly one), which moves the
    access to another device; or one of a batch (`batch_id`, `serial` from 1), which gives the
    access once: to `redeemed_payment_id`.
    """

    __tablename__ = "vouchers"
    __table_args__ = (
        UniqueConstraint("code", name="vouchers_code_key"),
        UniqueConstraint("payment_id", name="vouchers_payment_id_key"),
        UniqueConstraint("batch_id", "serial", name="vouchers_batch_id_serial_key"),
        Index(
            "vouchers_redeemed_payment_id",
            "redeemed_payment_id",
            postgresql_where=text("redeemed_payment_id IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str]
    payment_id: Mapped[UUID | None] = mapped_column(ForeignKey("payments.id"))
    package: Mapped[dict[str, object]]
    issued_at: Mapped[datetime]
    batch_id: Mapped[UUID | None] = mapped_column(ForeignKey("voucher_batches.id"))
    serial: Mapped[int | None] = mapped_column(Integer)
    expires_at: Mapped[datetime | None]
    redeemed_at: Mapped[datetime | None]
    redeemed_payment_id: Mapped[UUID | None] = mapped_column(ForeignKey("payments.id"))
    cancelled_at: Mapped[datetime | None]
    cancelled_by: Mapped[str | None]
