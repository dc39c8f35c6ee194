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


def test_who_is_at_a_router_that_ignores_disconnect_is_off_by_its_api(system: System) -> None:
    router = _connected_router(system)
    purchase = system.buy(system.new_phone(), mac="02:00:5E:10:04:02")
    access = purchase.wait_access("ready")["access"]
    guest = system.steer("/guests", router_id=router, mac="02:00:5E:10:04:02")
    login = system.steer(
        f"/guests/{guest['id']}/login",
        username=access["username"],
        password=access["password"],
    )
    assert login["result"] == "accept", login
    purchase.wait_access("online")
    system.steer(f"/routers/{router}/behaviour", mode="ignore_disconnect")
    over = datetime.now(UTC)
    _take_away_time(system, purchase.id, over)

    wait_for(lambda: _kicks(system, purchase.id) == [("expired", "stopped")])
    assert _ended(system, login["session_id"]) - over < MINUTE
    wait_for(lambda: ("router_api", "removed") in _steps(system, purchase.id))


def _connected_router(system: System) -> str:
    """A router from its box, registered, connected and provisioned; its id in the stand-ins."""
    address, owner = "127.0.44.2", system.owner()
    (simulated,) = system.steer("/routers", nas_ip=address, factory="hap")["ids"]
    body = {
        "name": "the deaf one",
        "ip_address": address,
        "username": "hotspot",
        "password": "a long password",
        "api_port": int(system.environment["HOTSPOT_ROUTEROS_PORT"]),
    }
    registered = system.post("/api/v1/routers", json=body, headers=owner)
    assert registered.status_code == 201, registered.text
    script = registered.json()["connectivity_script"]
    system.steer(f"/routers/{simulated}/paste", script=script)
    path = f"/api/v1/routers/{registered.json()['id']}"
    wait_for(lambda: system.get(path, headers=owner).json()["connected_at"])
    assert system.post(f"{path}/provision", headers=owner).status_code == 202

    def run() -> Any:
        return system.get(f"{path}/provisioning", headers=owner).json()

    wait_for(lambda: run().get("state") == "done", run)
    return str(simulated)


def _ended(system: System, session_id: str) -> datetime:
    (session,) = [one for one in system.state()["sessions"] if one["id"] == session_id]
    return datetime.fromisoformat(session["ended"])


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


def _steps(system: System, payment_id: str) -> list[Any]:
    with psycopg.connect(system.database_url("radius")) as connection:
        query = (
            "SELECT step, kick_steps.outcome FROM kick_steps"
            " JOIN kicks USING (kick_id) JOIN sessions USING (session_id)"
        )
        return connection.execute(query + " WHERE payment_id = %s", (payment_id,)).fetchall()
