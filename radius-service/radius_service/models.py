"""Our own tables: grants, sessions, settings of routers. FreeRADIUS's can be had from here too."""

from datetime import datetime
from typing import cast
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    Table,
    text,
)
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.orm import Mapped, mapped_column

from radius_service.freeradius_tables import (
    RADACCT,
    Base,
    Nas,
    RadAcct,
    RadCheck,
    RadGroupCheck,
    RadGroupReply,
    RadPostAuth,
    RadReply,
    RadUserGroup,
)
from radius_service.ledger_tables import DAILY_USE, KICK_STEPS, KICKS, RADACCT_HISTORY

__all__ = [
    "DAILY_USE",
    "KICKS",
    "KICK_STEPS",
    "RADACCT",
    "RADACCT_HISTORY",
    "SESSIONS",
    "Base",
    "Grant",
    "GuestSession",
    "Nas",
    "NasSetting",
    "RadAcct",
    "RadCheck",
    "RadGroupCheck",
    "RadGroupReply",
    "RadPostAuth",
    "RadReply",
    "RadUserGroup",
    "metadata",
]

metadata = Base.metadata


class NasSetting(Base):
    """What `nas` has no column for. A NAS without a row has the defaults.

    `require_message_authenticator`: false only for routers that cannot sign (RouterOS before 7.15).
    `mac_auth_password`: what the router is set to send for devices that log in by their address.
    `router_id` and `coa_port` (where it hears Disconnect-Requests): of a router of router-service.
    """

    __tablename__ = "nas_settings"
    nasname: Mapped[str] = mapped_column(primary_key=True)
    require_message_authenticator: Mapped[bool] = mapped_column(server_default=text("true"))
    mac_auth_password: Mapped[str | None]
    router_id: Mapped[UUID | None]
    coa_port: Mapped[int | None] = mapped_column(Integer)
    __table_args__ = (Index("nas_settings_router", "router_id", unique=True),)


class SuspendedUser(Base):
    """Who may not log in whatever they have paid. The newest `changed_at` counts."""

    __tablename__ = "suspended_users"
    username: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str]
    suspended: Mapped[bool]
    changed_at: Mapped[datetime]


class RadiusCount(Base):
    """What happened to packets, by name, summed over all processes that ever served."""

    __tablename__ = "radius_counts"
    name: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int]


class Grant(Base):
    """Access given to a user: from, until, data cap, speed. `used_bytes`: charged by accounting.

    `moved_at`: when `mac` was last chosen anew.
    """

    __tablename__ = "grants"
    grant_id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID]
    username: Mapped[str]
    phone: Mapped[str | None]
    payment_id: Mapped[UUID]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    data_bytes: Mapped[int | None]
    used_bytes: Mapped[int] = mapped_column(server_default="0")
    down_kbps: Mapped[int] = mapped_column(Integer)
    up_kbps: Mapped[int] = mapped_column(Integer)
    devices: Mapped[int] = mapped_column(Integer)
    mac: Mapped[str | None]
    router_id: Mapped[str | None]
    authorized_at: Mapped[datetime]
    revision: Mapped[int] = mapped_column(Integer, server_default="0")
    moved_at: Mapped[datetime | None]
    __table_args__ = (
        Index("grants_username", "username", "ends_at"),
        Index("grants_phone", "phone"),
        Index("grants_mac", "mac", "ends_at", postgresql_where=text("mac IS NOT NULL")),
        CheckConstraint("starts_at < ends_at", name="grants_have_time"),
    )


class GuestSession(Base):
    """One stay online, tied to the grant it uses: made with the grant, filled by accounting.

    `ends_at`: when the paid time ends as known now, by what `expires_by` says. `expired_at`: when
    SessionExpired was sent. `login_name`: the user's name as the router knows it.
    `router_until`: the end that the router confirmed after the login.
    """

    __tablename__ = "sessions"
    session_id: Mapped[UUID] = mapped_column(primary_key=True)
    grant_id: Mapped[UUID] = mapped_column(ForeignKey("grants.grant_id"))
    user_id: Mapped[UUID]
    username: Mapped[str]
    phone: Mapped[str | None]
    payment_id: Mapped[UUID]
    status: Mapped[str]
    acctuniqueid: Mapped[str | None] = mapped_column(unique=True)
    acctsessionid: Mapped[str | None]
    nas: Mapped[str | None] = mapped_column(INET)
    nas_identifier: Mapped[str | None]
    router_id: Mapped[str | None]
    mac: Mapped[str | None]
    ip: Mapped[str | None] = mapped_column(INET)
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]
    ends_at: Mapped[datetime]
    expired_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    cause: Mapped[str | None]
    bytes_in: Mapped[int] = mapped_column(server_default="0")
    bytes_out: Mapped[int] = mapped_column(server_default="0")
    login_name: Mapped[str | None]
    expires_by: Mapped[str] = mapped_column(server_default="time")
    router_until: Mapped[datetime | None]
    __table_args__ = (
        CheckConstraint("status IN ('awaiting', 'online', 'ended')", name="sessions_status"),
        CheckConstraint("expires_by IN ('time', 'data', 'revoked')", name="sessions_expires_by"),
        Index("sessions_grant", "grant_id"),
        Index("sessions_phone", "phone", "session_id"),
        Index("sessions_router", "router_id", "session_id"),
        Index("sessions_due", "ends_at", postgresql_where=text("status = 'online'")),
        Index("sessions_unused", "ends_at", postgresql_where=text("status = 'awaiting'")),
        Index("sessions_ended", "ended_at", postgresql_where=text("status = 'ended'")),
        Index("sessions_online", "seen_at", postgresql_where=text("status = 'online'")),
        Index("sessions_online_user", "username", postgresql_where=text("status = 'online'")),
    )


SESSIONS = cast(Table, GuestSession.__table__)  # for statements that need no objects
