"""What is sold."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Index, Integer, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from payment_service.models.base import Base


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
    changed_at: Mapped[datetime]
