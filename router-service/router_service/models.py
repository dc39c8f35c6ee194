"""The tables of router-service."""

from datetime import datetime
from typing import ClassVar, Final
from uuid import UUID

from sqlalchemy import (
    TIMESTAMP,
    BigInteger,
    Boolean,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    Uuid,
    text,
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
    # What the operator chose for the hotspot (`site.Site`).
    site: Mapped[dict[str, object]] = mapped_column(server_default="{}")
    # How monitoring finds it
    missed_checks: Mapped[int] = mapped_column(Integer, server_default="0")
    checked_at: Mapped[datetime | None]
    status_changed_at: Mapped[datetime | None]


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


class Run(Base):
    """Bringing a router to what it shall be like. `waiting`: the router is away; it goes on later.

    At most one of a router is under way. `ordered_at`: when its next step was last sent for.
    """

    __tablename__ = "provisioning_runs"
    __table_args__ = (
        CheckConstraint(
            "state IN ('running', 'waiting', 'done', 'failed')", name="provisioning_runs_state"
        ),
        Index("provisioning_runs_router", "router_id", "id"),
        Index("provisioning_runs_finished", "finished_at"),
        Index(
            "provisioning_runs_one_at_a_time",
            "router_id",
            unique=True,
            postgresql_where=text("state IN ('running', 'waiting')"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    router_id: Mapped[UUID] = mapped_column(ForeignKey("routers.id", ondelete="CASCADE"))
    state: Mapped[str]
    changes: Mapped[int] = mapped_column(Integer, server_default="0")
    reason: Mapped[str | None]
    requested_at: Mapped[datetime]
    ordered_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class RunStep(Base):
    """A step of a run, and what it changed."""

    __tablename__ = "provisioning_steps"
    __table_args__ = (
        CheckConstraint(
            "state IN ('waiting', 'running', 'done', 'failed')", name="provisioning_steps_state"
        ),
    )

    run_id: Mapped[UUID] = mapped_column(
        ForeignKey("provisioning_runs.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str]
    state: Mapped[str]
    changes: Mapped[list[dict[str, object]]] = mapped_column(JSONB, server_default="[]")
    reason: Mapped[str | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class Drift(Base):
    """How a router differed from what it shall be like when it was last looked at."""

    __tablename__ = "drifts"

    router_id: Mapped[UUID] = mapped_column(
        ForeignKey("routers.id", ondelete="CASCADE"), primary_key=True
    )
    checked_at: Mapped[datetime]
    changes: Mapped[list[dict[str, object]]] = mapped_column(JSONB)
    reason: Mapped[str | None]


class Package(Base):
    """What is sold, as payment-service told it: a router has a user profile for each."""

    __tablename__ = "packages"

    code: Mapped[str] = mapped_column(primary_key=True)
    up_kbps: Mapped[int] = mapped_column(Integer)
    down_kbps: Mapped[int] = mapped_column(Integer)
    devices: Mapped[int] = mapped_column(Integer)
    on_sale: Mapped[bool] = mapped_column(Boolean)
    changed_at: Mapped[datetime]


class Sample(Base):
    """How a router was at one check."""

    __tablename__ = "samples"
    __table_args__ = (Index("samples_at", "at"),)

    router_id: Mapped[UUID] = mapped_column(
        ForeignKey("routers.id", ondelete="CASCADE"), primary_key=True
    )
    at: Mapped[datetime] = mapped_column(primary_key=True)
    reached: Mapped[bool] = mapped_column(Boolean)
    uptime_seconds: Mapped[int | None] = mapped_column(BigInteger)
    cpu_percent: Mapped[int | None] = mapped_column(Integer)
    memory_percent: Mapped[int | None] = mapped_column(Integer)
    active_guests: Mapped[int | None] = mapped_column(Integer)


class Sales(Base):
    """How much was sold at a router in an hour: what tells silence from a quiet night.

    No foreign key: guests also name routers that were removed.
    """

    __tablename__ = "sales"
    __table_args__ = (Index("sales_hour", "hour"),)

    router_id: Mapped[UUID] = mapped_column(primary_key=True)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    sold: Mapped[int] = mapped_column(Integer)


class Alarm(Base):
    """An alarm that was raised about a router and is not over."""

    __tablename__ = "alarms"

    alarm: Mapped[str] = mapped_column(primary_key=True)
    router_id: Mapped[UUID] = mapped_column(
        ForeignKey("routers.id", ondelete="CASCADE"), primary_key=True
    )
    raised_at: Mapped[datetime]
