"""Tables of what is done about sessions, and of what they used: kicks, days, old accounting."""

from datetime import date, datetime
from typing import cast
from uuid import UUID

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, text
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.orm import Mapped, mapped_column

from radius_service.freeradius_tables import RADACCT, Base


class Kick(Base):
    """One guest to be sent off, for as long as it takes. One open row a session.

    `attempts` counts how often it was ordered; `due_at`: when it is ordered again.
    """

    __tablename__ = "kicks"
    kick_id: Mapped[UUID] = mapped_column(primary_key=True)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.session_id", ondelete="CASCADE"))
    reason: Mapped[str]
    begun_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(Integer)
    due_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    __table_args__ = (
        Index(
            "kicks_one_open", "session_id", unique=True, postgresql_where=text("ended_at IS NULL")
        ),
        Index("kicks_session", "session_id", "kick_id"),
        Index("kicks_due", "due_at", postgresql_where=text("ended_at IS NULL")),
    )


class KickStep(Base):
    """What was tried, and what came of it."""

    __tablename__ = "kick_steps"
    step_id: Mapped[int] = mapped_column(primary_key=True)
    kick_id: Mapped[UUID] = mapped_column(ForeignKey("kicks.kick_id", ondelete="CASCADE"))
    attempt: Mapped[int] = mapped_column(Integer)
    step: Mapped[str]
    outcome: Mapped[str]
    detail: Mapped[str] = mapped_column(server_default="")
    at: Mapped[datetime]
    __table_args__ = (Index("kick_steps_kick", "kick_id", "step_id"),)


class DeafRouter(Base):
    """A router that did not answer when it was last asked to disconnect someone."""

    __tablename__ = "deaf_routers"
    nas: Mapped[str] = mapped_column(INET, primary_key=True)
    silent_at: Mapped[datetime]


class RegisteredNas(Base):
    """What router-service said last of a router. Without a `nasname`: it was removed."""

    __tablename__ = "registered_nas"
    router_id: Mapped[UUID] = mapped_column(primary_key=True)
    nasname: Mapped[str | None]
    changed_at: Mapped[datetime]


class RevokedGrant(Base):
    """A grant that was taken back, perhaps before it arrived."""

    __tablename__ = "revoked_grants"
    grant_id: Mapped[UUID] = mapped_column(primary_key=True)
    revoked_at: Mapped[datetime]


class DailyUse(Base):
    """What a user used on a day in Nairobi. A trigger on radacct keeps it."""

    __tablename__ = "daily_use"
    username: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    bytes_in: Mapped[int]
    bytes_out: Mapped[int]
    seconds: Mapped[int]
    __table_args__ = (Index("daily_use_day", "day"),)


class RadAcctNews(Base):
    """A row of radacct that another server than ours wrote, and no session has followed yet."""

    __tablename__ = "radacct_news"
    acctuniqueid: Mapped[str] = mapped_column(primary_key=True)
    login_name: Mapped[str | None]


class Promise(Base):
    """How often a promise was broken when that was last told."""

    __tablename__ = "promises"
    promise: Mapped[str] = mapped_column(primary_key=True)
    broken: Mapped[int]
    since: Mapped[datetime | None]
    checked_at: Mapped[datetime]


class Alarm(Base):
    """What has been raised and not cleared."""

    __tablename__ = "alarms"
    alarm: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    raised_at: Mapped[datetime]


# Partitioned by month of `acctstoptime`: see `history`.
RADACCT_HISTORY = Table(
    "radacct_history",
    Base.metadata,
    *(Column(one.name, one.type, nullable=one.nullable) for one in RADACCT.c),
    Index("radacct_history_user", "username", "acctstoptime"),
)

KICKS = cast(Table, Kick.__table__)
KICK_STEPS = cast(Table, KickStep.__table__)
DAILY_USE = cast(Table, DailyUse.__table__)
