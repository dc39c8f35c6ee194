"""Money by its receipts: credited, held, only said, asked about, sent back."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from payment_service.models.base import Base


class Receipt(Base):
    """Every M-Pesa receipt that is money for certain, once, and the payment that it is credited to.

    `amount` is all that came. `held` says why a person must look at it: it has bought nothing.
    `left_over`: what of a credited receipt bought nothing. `payer` as M-Pesa told it (`payers`).
    """

    __tablename__ = "receipts"
    __table_args__ = (
        UniqueConstraint("id", name="receipts_id_key"),
        Index("receipts_payment_id", "payment_id"),
        Index("receipts_held", "recorded_at", postgresql_where=text("held IS NOT NULL")),
        Index("receipts_came_at", text("coalesce(paid_at, recorded_at)")),
    )

    receipt: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(server_default=func.gen_random_uuid())
    payment_id: Mapped[UUID | None] = mapped_column(ForeignKey("payments.id"))
    amount: Mapped[int | None] = mapped_column(BigInteger)
    source: Mapped[str]
    paid_at: Mapped[datetime | None]
    recorded_at: Mapped[datetime]
    held: Mapped[str | None]
    left_over: Mapped[int] = mapped_column(BigInteger, server_default="0")
    payer: Mapped[str | None]
    payer_name: Mapped[str | None]
    reference: Mapped[str | None]
    # When M-Pesa sent all of it back
    reversed_at: Mapped[datetime | None]


class Hearsay(Base):
    """Money that a message from an unknown source tells of: nobody's until M-Pesa confirms it.

    `answer` is what became of it: confirmed, a result code, or silence.
    """

    __tablename__ = "hearsay"
    __table_args__ = (
        Index("hearsay_payment_id", "payment_id"),
        Index("hearsay_receipt", "receipt"),
        Index("hearsay_heard_at", "heard_at"),
        Index("hearsay_open", "heard_at", postgresql_where=text("answered_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    payment_id: Mapped[UUID | None] = mapped_column(ForeignKey("payments.id"))
    checkout_request_id: Mapped[str | None]
    receipt: Mapped[str]
    amount: Mapped[int] = mapped_column(BigInteger)
    paid_at: Mapped[datetime | None]
    payer: Mapped[str | None]
    payer_name: Mapped[str | None]
    reference: Mapped[str | None]
    source_address: Mapped[str]
    heard_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    answer: Mapped[str | None]


class ReceiptClaim(Base):
    """A guest who showed a receipt. The page watches `payment_id`; `found_payment_id` has it."""

    __tablename__ = "claims"
    __table_args__ = (
        Index("claims_payment_id", "payment_id"),
        Index("claims_claimed_at", "claimed_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    payment_id: Mapped[UUID]  # no foreign key: it may never be made
    receipt: Mapped[str]
    phone: Mapped[str]
    mac: Mapped[str | None]
    ip: Mapped[str | None]
    router_id: Mapped[str | None]
    link_login_only: Mapped[str | None]
    claimed_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    found_payment_id: Mapped[UUID | None] = mapped_column(ForeignKey("payments.id"))
    failure_code: Mapped[str | None]
    failure_reason: Mapped[str | None]


class ReceiptQuestion(Base):
    """One question to M-Pesa about a receipt (transaction status), and what came of it.

    `subject` is who wants to know: the page of a claim, or hearsay.
    """

    __tablename__ = "receipt_questions"
    __table_args__ = (
        Index("receipt_questions_subject", "subject", "asked_at"),
        Index("receipt_questions_receipt", "receipt"),
        Index("receipt_questions_asked_at", "asked_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    subject: Mapped[UUID]
    receipt: Mapped[str]
    asked_at: Mapped[datetime]
    conversation_id: Mapped[str | None]
    originator_conversation_id: Mapped[str | None]
    answered_at: Mapped[datetime | None]
    result_code: Mapped[str | None]
    answer: Mapped[str | None]


class Reversal(Base):
    """Money that an owner wants sent back: asking -> asked -> done | failed; refused; unclear.

    `attempt` is the mark that is made before Daraja is called: who finds its own must not call
    again. `payment_id`: the payment that the receipt paid for, if any.
    """

    __tablename__ = "reversals"
    __table_args__ = (
        Index(
            "reversals_asked_once",
            "receipt",
            unique=True,
            postgresql_where=text("state IN ('asking', 'asked', 'done')"),
        ),
        Index("reversals_payment_id", "payment_id", "requested_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    receipt: Mapped[str] = mapped_column(ForeignKey("receipts.receipt"))
    payment_id: Mapped[UUID | None] = mapped_column(ForeignKey("payments.id"))
    amount: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str]
    requested_by: Mapped[str]
    requested_at: Mapped[datetime]
    state: Mapped[str]
    attempt: Mapped[int] = mapped_column(Integer)
    asked_at: Mapped[datetime | None]
    conversation_id: Mapped[str | None]
    originator_conversation_id: Mapped[str | None]
    finished_at: Mapped[datetime | None]
    result_code: Mapped[str | None]
    result: Mapped[str | None]
