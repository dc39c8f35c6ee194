"""The dashboard's figures again from the events that are kept, in place of what was counted."""

import sys
from datetime import date, datetime, timedelta

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from gateway import events, figures
from gateway.config import Config
from gateway.figures import COMPLETED, COUNTED, FAILED, REVENUE, REVERSED, SENT_BACK, SESSIONS
from gateway.history import EVENTS_KEPT_DAYS
from gateway.stays import ONLINE
from hotspot.bus.database import connect
from hotspot.clock import utc_now
from hotspot.contract.payments import PaymentCompleted, PaymentFailed, PaymentReversed
from hotspot.contract.sessions import SessionStarted

_DAY = "(at AT TIME ZONE 'Africa/Nairobi')::date"
_ONE = "count(*)"
_CENTS = "sum((payload->'amount'->>'amount')::bigint)"
_ROUTER, _NAS = "payload->>'router_id'", "payload->>'nas'"

# figure, the event that it is counted from, what is added up, by which router
_COUNTS = (
    *((figure, event.NAME, _ONE, None) for event, figure in COUNTED.items()),
    (COMPLETED, PaymentCompleted.NAME, _ONE, None),
    (REVENUE, PaymentCompleted.NAME, _CENTS, None),
    (REVERSED, PaymentReversed.NAME, _ONE, None),
    (SENT_BACK, PaymentReversed.NAME, _CENTS, None),
    (COMPLETED, PaymentCompleted.NAME, _ONE, _ROUTER),
    (REVENUE, PaymentCompleted.NAME, _CENTS, _ROUTER),
    (SESSIONS, SessionStarted.NAME, _ONE, _NAS),
)

# A payment failed once, on the day that this was heard first, unless money came after all.
_FAILURES = f"""
    INSERT INTO day_figures (day, figure, value)
    SELECT day, :figure, count(*) FROM (
        SELECT DISTINCT ON (payment_id) payment_id, {_DAY} AS day FROM events
        WHERE name = '{PaymentFailed.NAME}' ORDER BY payment_id, seq
    ) AS failed
    WHERE day >= :first AND NOT EXISTS (
        SELECT FROM events AS paid
        WHERE paid.payment_id = failed.payment_id AND paid.name = '{PaymentCompleted.NAME}'
    )
    GROUP BY day"""  # noqa: S608  # names of ours alone

_STAYS = (
    """INSERT INTO stays (session_id, started_at, heard_at)
    SELECT DISTINCT ON (1) (payload->>'session_id')::uuid, (payload->>'started_at')::timestamptz, at
    FROM events WHERE name = 'SessionStarted' ORDER BY 1, seq
    ON CONFLICT (session_id) DO UPDATE SET started_at = excluded.started_at
    WHERE stays.started_at IS NULL""",
    """INSERT INTO stays (session_id, ended_at, heard_at)
    SELECT DISTINCT ON (1) (payload->>'session_id')::uuid, (payload->>'ended_at')::timestamptz, at
    FROM events WHERE name = 'SessionEnded' ORDER BY 1, seq
    ON CONFLICT (session_id) DO UPDATE SET ended_at = excluded.ended_at
    WHERE stays.ended_at IS NULL""",
    f"""INSERT INTO gauges (gauge, value)
    SELECT '{ONLINE}', count(*) FROM stays WHERE started_at IS NOT NULL AND ended_at IS NULL
    ON CONFLICT (gauge) DO UPDATE SET value = excluded.value""",  # noqa: S608
)

_ALARMS = """
    INSERT INTO alarms (service, alarm, subject, said, is_raised, changed_at)
    SELECT DISTINCT ON (1, 2, 3) payload->>'service', payload->>'alarm', payload->>'subject',
        payload->>'said', name = 'AlarmRaised',
        coalesce(payload->>'raised_at', payload->>'cleared_at')::timestamptz
    FROM events WHERE name IN ('AlarmRaised', 'AlarmCleared')
    ORDER BY 1, 2, 3, 6 DESC
    ON CONFLICT (service, alarm, subject) DO UPDATE
    SET said = excluded.said, is_raised = excluded.is_raised, changed_at = excluded.changed_at
    WHERE alarms.changed_at < excluded.changed_at"""


def run(config: Config) -> int:
    """Rebuild, and say since which day; answers the exit code."""
    engine = connect(config.database_url)
    try:
        first = rebuild(engine, utc_now())
    finally:
        engine.dispose()
    sys.stdout.write(f"rebuilt the figures since {first.isoformat()}\n")
    return 0


def rebuild(engine: Engine, now: datetime) -> date:
    """Count anew every day of which all events are kept; answers the first of these days.

    Older days stay as they were counted. Nothing is counted by anybody else meanwhile.
    """
    first = figures.day_of(now - timedelta(days=EVENTS_KEPT_DAYS)) + timedelta(days=1)
    with Session(engine) as session, session.begin():
        events.take_turn(session)
        session.execute(text("DELETE FROM day_figures WHERE day >= :first"), {"first": first})
        for figure, event, added, router in _COUNTS:
            session.execute(
                text(_counting(added, router)), {"figure": figure, "event": event, "first": first}
            )
        session.execute(text(_FAILURES), {"figure": FAILED, "first": first})
        for statement in (*_STAYS, _ALARMS):
            session.execute(text(statement))
        figures.work_out(session, now)
    return first


def _counting(added: str, router: str | None) -> str:
    name = f"cast(:figure AS text) || '@' || ({router})" if router else ":figure"
    named = f"AND coalesce({router}, '') <> ''" if router else ""
    return f"""
        INSERT INTO day_figures (day, figure, value)
        SELECT {_DAY} AS day, {name} AS named, {added} FROM events
        WHERE name = :event AND {_DAY} >= :first {named}
        GROUP BY 1, 2"""  # noqa: S608
