"""What the database knows about logins: all that wait are asked about in one query."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Engine, text

from radius_service.logins import Known, Login

# 5 us a login where a query for each would cost 100 to 300.
_KNOWN = text("""
    SELECT asked.place, checked.value AS password, limits.*, replies.items
    FROM unnest(CAST(:usernames AS text[]), CAST(:macs AS text[]))
        WITH ORDINALITY AS asked (username, mac, place)
    JOIN radcheck checked
        ON checked.username = asked.username AND checked.attribute = 'Cleartext-Password'
    CROSS JOIN LATERAL login_limits(asked.username, asked.mac, :at) AS limits
    CROSS JOIN LATERAL (
        SELECT array_agg(ARRAY[reply.attribute, reply.value] ORDER BY reply.id) AS items
        FROM radreply reply WHERE reply.username = asked.username
    ) AS replies
""")


class Line:
    """One connection that is kept, and made anew after a failure. Each statement is on its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._connection: Connection | None = None

    def connection(self) -> Connection:
        """The connection. Raises DBAPIError while the database cannot be reached."""
        if self._connection is None:
            self._connection = self._engine.connect()
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
    """What is known about each login, in their order; None for an unknown username."""
    found: list[Known | None] = [None] * len(logins)
    places = [place for place, login in enumerate(logins) if login.username]
    if not places:
        return found
    rows = connection.execute(
        _KNOWN,
        {
            "usernames": [logins[place].username for place in places],
            "macs": [logins[place].mac for place in places],
            "at": at,
        },
    )
    for row in rows:
        found[places[row.place - 1]] = Known(
            password=row.password,
            reason=row.reason,
            grant_id=row.grant_id,
            user_id=row.user_id,
            payment_id=row.payment_id,
            seconds_left=row.seconds_left,
            data_left=row.data_left,
            down_kbps=row.down_kbps,
            up_kbps=row.up_kbps,
            devices=row.devices,
            reply_items=tuple((name, value) for name, value in row.items or ()),
        )
    return found
