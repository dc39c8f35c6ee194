"""What is common to the tables. Money is in minor units (cents) of KES."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import TIMESTAMP, ColumnElement, Row, Text, Update, Uuid, func, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    """What is common to the tables."""

    type_annotation_map: ClassVar[dict[object, object]] = {
        datetime: TIMESTAMP(timezone=True),
        dict[str, object]: JSONB,
        str: Text,
        UUID: Uuid,
    }


metadata = Base.metadata

AnyRow = Row[*tuple[Any, ...]]


def change(table: type[Base]) -> Update:
    """An UPDATE that looks for no objects in the session: handlers read columns, not objects."""
    return update(table).execution_options(synchronize_session=False)


def hashed(phone: ColumnElement[str]) -> ColumnElement[str]:
    """A number as C2B v1 tells it: its SHA-256 in hex."""
    return func.encode(func.sha256(func.decode(phone, "escape")), "hex")
