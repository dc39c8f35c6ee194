"""What the database knows about logins: all that wait are asked about in one query."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Engine, text

from radius_service.logins import Known, Login

# 5 us a login where a query for each would cost 100 to 300.
_ANSWERS = text("""
    SELECT asked.place, answer.username, answer.password, answer.reason,
        answer.grant_id, answer.user_id, answer.payment_id, answer.items
    FROM unnest(CAST(:names AS text[]), CAST(:devices AS text[]))
        WITH ORDINALITY AS asked (name, device, place)
    CROSS JOIN LATERAL login_answer(asked.name, asked.device, :at) AS answer
    WHERE answer.username IS NOT NULL
""")

# One lookup that is stuck must not hold up its thread for longer than its router waits.
_PATIENCE = "SET statement_timeout TO 1000"


class Line:
    """One connection that is kept, and made anew after a failure. Each statement is on its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._connection: Connection | None = None

    def connection(self) -> Connection:
        """The connection. Raises DBAPIError while the database cannot be reached."""
        if self._connection is None:
            self._connection = self._engine.connect()
            self._connection.exec_driver_sql(_PATIENCE)
        return self._connection

    def drop(self) -> None:
        """Have the next one made anew."""
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None

    def __enter__(self) -> "Line":
        return self

    def __exit__(self, *_: object) -> None:
        self.drop()


def look_up(connection: Connection, logins: Sequence[Login], *, at: datetime) -> list[Known | None]:
    """What is known about each login, in their order; None for an unknown name."""
    found: list[Known | None] = [None] * len(logins)
    places = [place for place, login in enumerate(logins) if login.typed]
    if not places:
        return found
    rows = connection.execute(
        _ANSWERS,
        {
            "names": [logins[place].typed for place in places],
            "devices": [logins[place].mac for place in places],
            "at": at,
        },
    )
    for place, *columns in rows.all():
        found[places[place - 1]] = Known(*columns)
    return found
