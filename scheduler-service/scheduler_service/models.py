"""Tables: the schedule and its runs, measurements, alarms, and what maintenance did."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    DOUBLE_PRECISION,
    TIMESTAMP,
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Unicode,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """Of all tables of this service."""

    type_annotation_map: ClassVar[dict[object, object]] = {
        datetime: TIMESTAMP(timezone=True),
        dict[str, Any]: JSONB,
        str: Text,
        UUID: Uuid,
    }


metadata = Base.metadata

# APScheduler's own: when each job is due next. Its store would make it as well; the migration
# does, so that whoever runs the service needs no right to make tables.
JOB_STORE = "apscheduler_jobs"
JOBS = Table(
    JOB_STORE,
    metadata,
    Column("id", Unicode(191), primary_key=True),
    Column("next_run_time", DOUBLE_PRECISION),
    Column("job_state", LargeBinary, nullable=False),
    Index("ix_apscheduler_jobs_next_run_time", "next_run_time"),
)


class Run(Base):
    """A job that was due, once for each due time. `message_id`: of the message, however often
    it has to be sent. `superseded`: it could not be sent before the next one was due.
    """

    __tablename__ = "runs"
    __table_args__ = (
        UniqueConstraint("job", "due_at", name="runs_job_due_at_key"),
        Index("runs_recorded_at", "recorded_at"),
        Index(
            "runs_to_publish",
            "job",
            postgresql_where=text("published_at IS NULL AND NOT superseded"),
        ),
    )

    message_id: Mapped[UUID] = mapped_column(primary_key=True)
    job: Mapped[str]
    due_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str]
    published_at: Mapped[datetime | None]
    superseded: Mapped[bool] = mapped_column(server_default="false")


class ServiceMeasure(Base):
    """What each service said about itself last."""

    __tablename__ = "service_measures"

    service: Mapped[str] = mapped_column(primary_key=True)
    database_bytes: Mapped[int] = mapped_column(BigInteger)
    outbox: Mapped[int] = mapped_column(BigInteger)
    oldest_outbox_at: Mapped[datetime | None]
    failed_jobs: Mapped[int] = mapped_column(BigInteger)
    spool: Mapped[int | None] = mapped_column(BigInteger)
    spool_most: Mapped[int | None] = mapped_column(BigInteger)
    measured_at: Mapped[datetime]


class Snapshot(Base):
    """Every figure at one moment: `{name: value}`. One row a minute instead of hundreds."""

    __tablename__ = "snapshots"

    at: Mapped[datetime] = mapped_column(primary_key=True)
    figures: Mapped[dict[str, Any]]


class Quarter(Base):
    """Every figure over 15 minutes: `{name: {"avg", "max", "n"}}`."""

    __tablename__ = "quarters"

    at: Mapped[datetime] = mapped_column(primary_key=True)
    figures: Mapped[dict[str, Any]]


class QueueMark(Base):
    """A moment in a queue's life: as long as fewer than `depth` messages were done with since,
    one that waited then still waits.
    """

    __tablename__ = "queue_marks"

    queue: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    depth: Mapped[int] = mapped_column(BigInteger)
    acked: Mapped[int] = mapped_column(BigInteger)


class Alarm(Base):
    """What is wrong now: `checks` in a row found it, and since `raised_at` people know."""

    __tablename__ = "alarms"

    alarm: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    checks: Mapped[int] = mapped_column(Integer)
    said: Mapped[str]
    raised_at: Mapped[datetime | None]


class Maintenance(Base):
    """What a service's maintenance did: `done` names things with their numbers."""

    __tablename__ = "maintenance"
    __table_args__ = (Index("maintenance_ended_at", "ended_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    service: Mapped[str]
    what: Mapped[str]
    begun_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    done: Mapped[dict[str, Any]]
    problem: Mapped[str | None]
