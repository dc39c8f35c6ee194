"""The tables of router-service."""

from datetime import datetime
from typing import ClassVar, Final
from uuid import UUID

from sqlalchemy import (
    TIMESTAMP,
    Boolean,
    CheckConstraint,
    ForeignKey,
    Identity,
    Integer,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

PENDING: Final = "pending"
ONLINE: Final = "online"
OFFLINE: Final = "offline"
PROVISIONING: Final = "provisioning"
FAILED: Final = "failed"
STATUSES: Final = (PENDING, ONLINE, OFFLINE, PROVISIONING, FAILED)


class Base(DeclarativeBase):
    """What is common to the tables."""

    type_annotation_map: ClassVar[dict[object, object]] = {
        datetime: TIMESTAMP(timezone=True),
        dict[str, object]: JSONB,
        str: Text,
        UUID: Uuid,
    }


metadata = Base.metadata


class Router(Base):
    """A MikroTik router of ours.

    Secrets are sealed (`hotspot.vault`): the API's password, and the one shared with RADIUS.
    `number` gives the router its address in the tunnels' network. `status`: pending until its
    script phoned home; online and offline as monitoring finds it; provisioning while a run is
    under way, failed when the last one was given up.
    """

    __tablename__ = "routers"
    __table_args__ = (
        UniqueConstraint("name", name="routers_name_key"),
        UniqueConstraint("number", name="routers_number_key"),
        CheckConstraint(
            "status IN ('pending', 'online', 'offline', 'provisioning', 'failed')",
            name="routers_status",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(Integer, Identity(always=True))
    name: Mapped[str]
    ip_address: Mapped[str]
    username: Mapped[str]
    sealed_password: Mapped[str]
    api_port: Mapped[int] = mapped_column(Integer)
    api_tls: Mapped[bool] = mapped_column(Boolean)
    sealed_radius_secret: Mapped[str]
    status: Mapped[str]
    # What the router told of itself
    identity: Mapped[str | None]
    version: Mapped[str | None]
    model: Mapped[str | None]
    public_key: Mapped[str | None]
    connected_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class Backup(Base):
    """A version of a router's configuration: the text of `/export`, sealed."""

    __tablename__ = "backups"
    __table_args__ = (
        UniqueConstraint("router_id", "version", name="backups_router_id_version_key"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    router_id: Mapped[UUID] = mapped_column(ForeignKey("routers.id", ondelete="CASCADE"))
    version: Mapped[int] = mapped_column(Integer)
    sealed_text: Mapped[str]
    digest: Mapped[str]
    lines: Mapped[int] = mapped_column(Integer)
    taken_at: Mapped[datetime]
    # When the router was last found to be still as this version says.
    seen_at: Mapped[datetime]
