"""The two promises of the system, as their services counted them last. Each must read 0."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from gateway.models import Promise
from hotspot.contract.operations import PromiseChecked

PROMISES = ("money_without_service", "service_without_time")


def keep(session: Session, checked: PromiseChecked) -> None:
    """Keep the newest count of a promise, in whatever order they arrive."""
    told = {"broken": checked.broken, "since": checked.since, "checked_at": checked.checked_at}
    session.execute(
        insert(Promise)
        .values(promise=checked.promise, **told)
        .on_conflict_do_update(
            index_elements=[Promise.promise],
            set_=told,
            where=Promise.checked_at < checked.checked_at,
        )
    )


def shown(connection: Connection) -> dict[str, Any]:
    """Each promise's number, and when it was counted; None: it was never counted."""
    kept = {row.promise: row for row in connection.execute(select(Promise.__table__))}
    counted: dict[str, dict[str, int | datetime | None]] = {
        name: {"broken": row.broken, "as_of": row.checked_at, "since": row.since}
        for name, row in kept.items()
    }
    numbers = {name: kept[name].broken if name in kept else None for name in PROMISES}
    return numbers | {"promises": {name: counted.get(name) for name in PROMISES}}
