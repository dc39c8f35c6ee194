"""FreeRADIUS 3.2's tables by its own names, so that it runs on them unchanged."""

from datetime import datetime
from typing import cast
from uuid import UUID

from sqlalchemy import (
    TIMESTAMP,
    BigInteger,
    Index,
    Integer,
    String,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """All tables of radius-service."""

    type_annotation_map = {  # noqa: RUF012  # SQLAlchemy reads it so
        str: Text,
        int: BigInteger,
        datetime: TIMESTAMP(timezone=True),
        UUID: Uuid,
    }


class RadCheck(Base):
    """What a login is checked against."""

    __tablename__ = "radcheck"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    username: Mapped[str] = mapped_column(server_default="")
    attribute: Mapped[str] = mapped_column(server_default="")
    op: Mapped[str] = mapped_column(String(2), server_default="==")
    value: Mapped[str] = mapped_column(server_default="")
    __table_args__ = (
        Index("radcheck_username", "username", "attribute"),
        Index(
            "radcheck_one_password",
            "username",
            unique=True,
            postgresql_where=text("attribute = 'Cleartext-Password'"),
        ),
    )


class RadReply(Base):
    """What every accepted login of a user gets. What changes with time is never stored here."""

    __tablename__ = "radreply"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    username: Mapped[str] = mapped_column(server_default="")
    attribute: Mapped[str] = mapped_column(server_default="")
    op: Mapped[str] = mapped_column(String(2), server_default="=")
    value: Mapped[str] = mapped_column(server_default="")
    __table_args__ = (
        Index("radreply_username", "username", "attribute"),
        Index(
            "radreply_ours_once",
            "username",
            "attribute",
            unique=True,
            postgresql_where=text("attribute IN ('Acct-Interim-Interval', 'Idle-Timeout')"),
        ),
    )


class RadGroupCheck(Base):
    """Checks of a group."""

    __tablename__ = "radgroupcheck"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    groupname: Mapped[str] = mapped_column(server_default="")
    attribute: Mapped[str] = mapped_column(server_default="")
    op: Mapped[str] = mapped_column(String(2), server_default="==")
    value: Mapped[str] = mapped_column(server_default="")
    __table_args__ = (Index("radgroupcheck_groupname", "groupname", "attribute"),)


class RadGroupReply(Base):
    """Replies of a group."""

    __tablename__ = "radgroupreply"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    groupname: Mapped[str] = mapped_column(server_default="")
    attribute: Mapped[str] = mapped_column(server_default="")
    op: Mapped[str] = mapped_column(String(2), server_default="=")
    value: Mapped[str] = mapped_column(server_default="")
    __table_args__ = (Index("radgroupreply_groupname", "groupname", "attribute"),)


class RadUserGroup(Base):
    """Which groups a user is in."""

    __tablename__ = "radusergroup"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    username: Mapped[str] = mapped_column(server_default="")
    groupname: Mapped[str] = mapped_column(server_default="")
    priority: Mapped[int] = mapped_column(Integer, server_default="0")
    __table_args__ = (Index("radusergroup_username", "username"),)


class RadAcct(Base):
    """Accounting: one row a session of a router. A trigger charges what is used to the grants.

    What ended a week ago is in `radacct_history` instead.
    """

    __tablename__ = "radacct"
    radacctid: Mapped[int] = mapped_column(primary_key=True)
    acctsessionid: Mapped[str]
    acctuniqueid: Mapped[str] = mapped_column(unique=True)
    username: Mapped[str | None]
    realm: Mapped[str | None]
    nasipaddress: Mapped[str] = mapped_column(INET)
    nasportid: Mapped[str | None]
    nasporttype: Mapped[str | None]
    acctstarttime: Mapped[datetime | None]
    acctupdatetime: Mapped[datetime | None]
    acctstoptime: Mapped[datetime | None]
    acctinterval: Mapped[int | None]
    acctsessiontime: Mapped[int | None]
    acctauthentic: Mapped[str | None]
    connectinfo_start: Mapped[str | None]
    connectinfo_stop: Mapped[str | None]
    acctinputoctets: Mapped[int | None]
    acctoutputoctets: Mapped[int | None]
    calledstationid: Mapped[str | None]
    callingstationid: Mapped[str | None]
    acctterminatecause: Mapped[str | None]
    servicetype: Mapped[str | None]
    framedprotocol: Mapped[str | None]
    framedipaddress: Mapped[str | None] = mapped_column(INET)
    framedipv6address: Mapped[str | None] = mapped_column(INET)
    framedipv6prefix: Mapped[str | None] = mapped_column(INET)
    framedinterfaceid: Mapped[str | None]
    delegatedipv6prefix: Mapped[str | None] = mapped_column(INET)
    class_: Mapped[str | None] = mapped_column("class")
    __table_args__ = (
        Index(
            "radacct_active_session_idx",
            "acctuniqueid",
            postgresql_where=text("acctstoptime IS NULL"),
        ),
        Index(
            "radacct_bulk_close",
            "nasipaddress",
            "acctstarttime",
            postgresql_where=text("acctstoptime IS NULL"),
        ),
        Index("radacct_start_user_idx", "acctstarttime", "username"),
        Index(
            "radacct_ended",
            "acctstoptime",
            postgresql_where=text("acctstoptime IS NOT NULL"),
        ),
        Index(
            "radacct_online_user_idx",
            "username",
            postgresql_where=text("acctstoptime IS NULL"),
        ),
    )


class RadPostAuth(Base):
    """The answers to logins. A trigger empties `pass`: clear passwords are never kept."""

    __tablename__ = "radpostauth"
    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str]
    pass_: Mapped[str | None] = mapped_column("pass")
    reply: Mapped[str | None]
    calledstationid: Mapped[str | None]
    callingstationid: Mapped[str | None]
    authdate: Mapped[datetime] = mapped_column(server_default=func.now())
    class_: Mapped[str | None] = mapped_column("class")
    __table_args__ = (Index("radpostauth_authdate", "authdate"),)


class Nas(Base):
    """Who may ask: a router's address or network, and the secret shared with it."""

    __tablename__ = "nas"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    nasname: Mapped[str]
    shortname: Mapped[str]
    type: Mapped[str] = mapped_column(server_default="other")
    ports: Mapped[int | None] = mapped_column(Integer)
    secret: Mapped[str]
    server: Mapped[str | None]
    community: Mapped[str | None]
    description: Mapped[str | None]
    __table_args__ = (Index("nas_nasname", "nasname", unique=True),)


RADACCT = cast(Table, RadAcct.__table__)  # for statements that need no objects
