"""Alarms of all services that are not over, as they were said last."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from gateway.models import Alarm
from hotspot.contract.operations import AlarmCleared, AlarmRaised

MOST_SHOWN = 200


def keep(session: Session, heard: AlarmRaised | AlarmCleared) -> None:
    """Keep the newest word about an alarm, in whatever order they arrive."""
    is_raised = isinstance(heard, AlarmRaised)
    told: dict[str, Any] = {
        "said": heard.said if isinstance(heard, AlarmRaised) else None,
        "is_raised": is_raised,
        "changed_at": heard.raised_at if isinstance(heard, AlarmRaised) else heard.cleared_at,
    }
    session.execute(
        insert(Alarm)
        .values(service=heard.service, alarm=heard.alarm, subject=heard.subject, **told)
        .on_conflict_do_update(
            index_elements=[Alarm.service, Alarm.alarm, Alarm.subject],
            set_=told,
            where=Alarm.changed_at < told["changed_at"],
        )
    )


def shown(connection: Connection) -> Sequence[dict[str, Any]]:
    """The alarms that are not over, the newest first."""
    wanted = select(Alarm.__table__).where(Alarm.is_raised).order_by(Alarm.changed_at.desc())
    return [
        {
            "service": row.service,
            "alarm": row.alarm,
            "subject": row.subject,
            "said": row.said or "",
            "raised_at": row.changed_at,
        }
        for row in connection.execute(wanted.limit(MOST_SHOWN))
    ]
