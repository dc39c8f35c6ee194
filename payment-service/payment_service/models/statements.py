"""Statements of M-Pesa's that were imported."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Integer
from sqlalchemy.orm import Mapped, mapped_column

from payment_service.models.base import Base


class Statement(Base):
    """A statement of M-Pesa's that was imported, and the time that it covers."""

    __tablename__ = "statements"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    parts: Mapped[int] = mapped_column(Integer)
    begins_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    requested_by: Mapped[str]
    requested_at: Mapped[datetime]


class StatementPart(Base):
    """A part of a statement that was handled."""

    __tablename__ = "statement_parts"

    statement_id: Mapped[UUID] = mapped_column(ForeignKey("statements.id"), primary_key=True)
    part: Mapped[int] = mapped_column(Integer, primary_key=True)
    handled_at: Mapped[datetime]


class StatementLine(Base):
    """Money that came in, as a statement tells it, beside what we had of it (`here`).

    `outcome` says what the import made of what was missing here.
    """

    __tablename__ = "statement_lines"

    statement_id: Mapped[UUID] = mapped_column(ForeignKey("statements.id"), primary_key=True)
    receipt: Mapped[str] = mapped_column(primary_key=True)
    finding: Mapped[str]
    completed_at: Mapped[datetime]
    there: Mapped[int] = mapped_column(BigInteger)
    here: Mapped[int | None] = mapped_column(BigInteger)
    details: Mapped[str]
    payment_id: Mapped[UUID | None]
    outcome: Mapped[str | None]
