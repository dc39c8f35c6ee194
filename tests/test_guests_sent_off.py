"""Guests are off their router when their time is over, through everything that is real."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from .system import System, wait_for

MINUTE = timedelta(minutes=1)


def test_who_is_past_the_paid_time_is_off_the_router_within_a_minute(system: System) -> None:
    purchase = system.buy(system.new_phone(), mac="02:00:5E:10:04:01")
    access = purchase.wait_access("ready")["access"]
    router = system.state()["routers"][0]["id"]
    guest = system.steer("/guests", router_id=router, mac="02:00:5E:10:04:01")
    login = system.steer(
        f"/guests/{guest['id']}/login",
        username=access["username"],
        password=access["password"],
    )
    assert login["result"] == "accept", login
    purchase.wait_access("online")
    over = datetime.now(UTC)
    _take_away_time(system, purchase.id, over)

    def ended() -> Any:
        seen = [one for one in system.state()["sessions"] if one["id"] == login["session_id"]]
        return seen[0] if seen and seen[0]["state"] == "ended" else None

    session = wait_for(ended)
    assert session["cause"] == "Admin-Reset"
    assert datetime.fromisoformat(session["ended"]) - over < MINUTE
    wait_for(lambda: _kicks(system, purchase.id) == [("expired", "stopped")])


def _take_away_time(system: System, payment_id: str, now: datetime) -> None:
    """The paid time is over, and the router was told of another end."""
    with psycopg.connect(system.database_url("radius"), autocommit=True) as connection:
        connection.execute(
            "UPDATE grants SET starts_at = %s, ends_at = %s WHERE payment_id = %s",
            (now - MINUTE, now, payment_id),
        )
        connection.execute(
            "UPDATE sessions SET ends_at = %s WHERE payment_id = %s", (now, payment_id)
        )


def _kicks(system: System, payment_id: str) -> list[Any]:
    with psycopg.connect(system.database_url("radius")) as connection:
        query = "SELECT reason, outcome FROM kicks JOIN sessions USING (session_id)"
        return connection.execute(query + " WHERE payment_id = %s", (payment_id,)).fetchall()
