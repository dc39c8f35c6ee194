"""A router from its box to a guest who pays at it, through the whole running system."""

import re
from dataclasses import dataclass
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
import requests

from .system import System, wait_for


@dataclass(kw_only=True)
class Shop:
    """A registered router: as the system knows it, and as the stand-ins do."""

    system: System
    id: str
    simulated: str

    def look(self, what: str = "") -> Any:
        """What operators see of it."""
        path = f"/api/v1/routers/{self.id}/{what}".rstrip("/")
        return self.system.get(path, headers=self.system.owner()).json()

    def order(self, what: str) -> Any:
        """Have something done with it."""
        path = f"/api/v1/routers/{self.id}/{what}"
        answer = self.system.post(path, headers=self.system.owner())
        assert answer.status_code == 202, answer.text
        return answer.json()

    def provision(self) -> Any:
        """A run to its end."""
        run_id = self.order("provision")["id"]

        def finished() -> Any:
            run = self.look("provisioning")
            return run if run.get("id") == run_id and run["state"] in ("done", "failed") else None

        return wait_for(finished, lambda: self.look("provisioning"))

    def open_page(self) -> tuple[str, dict[str, str]]:
        """A guest joins and opens any page; its id, and what the router tells the portal."""
        guest = str(self.system.steer("/guests", router_id=self.simulated)["id"])
        page = requests.get(f"{self.system.simulators}/hotspot/{guest}/", timeout=30).text
        (link,) = re.findall(r'content="0; url=([^"]+)"', page)
        assert unescape(link).startswith(f"{self.system.gateway}/?")
        told = parse_qs(urlsplit(unescape(link)).query)
        return guest, {name: values[0] for name, values in told.items()}


@pytest.fixture(scope="module")
def shop(system: System) -> Shop:
    """Registered, its script pasted, provisioned."""
    address = "127.0.40.1"
    (simulated,) = system.steer("/routers", factory="bare", nas_ip=address)["ids"]
    body = {
        "name": "Westlands cafe",
        "ip_address": address,
        "username": "hotspot",
        "password": "a long password",
        "api_port": int(system.environment["HOTSPOT_ROUTEROS_PORT"]),
    }
    answer = system.post("/api/v1/routers", json=body, headers=system.owner())
    assert answer.status_code == 201, answer.text
    registered = answer.json()
    assert registered["status"] == "pending"
    shop = Shop(system=system, id=registered["id"], simulated=simulated)
    script = registered["connectivity_script"]
    printed = system.steer(f"/routers/{simulated}/paste", script=script)["printed"]
    assert len(printed) == 1, printed
    wait_for(lambda: shop.look()["status"] == "online", shop.look)
    run = shop.provision()
    assert (run["state"], run["changes"] > 20) == ("done", True), run
    return shop


def test_a_guest_buys_at_the_router_and_logs_in_there(system: System, shop: Shop) -> None:
    guest, told = shop.open_page()
    assert told["router"] == shop.id

    purchase = system.buy(
        system.new_phone(),
        mac=told["mac"],
        ip=told["ip"],
        router_id=told["router"],
        link_login_only=told["link-login-only"],
    )
    access = purchase.wait_access("ready")["access"]
    form = {"username": access["username"], "password": access["password"]}
    requests.post(told["link-login-only"], data=form, timeout=30)

    purchase.wait_access("online")
    query = {"router_id": shop.id, "status": "online"}
    (session,) = system.get("/api/v1/sessions", params=query, headers=system.owner()).json()[
        "items"
    ]
    assert (session["username"], session["mac"]) == (access["username"], told["mac"])
    system.steer(f"/guests/{guest}/logout")


def test_a_second_run_changes_nothing_and_drift_is_repaired(system: System, shop: Shop) -> None:
    shop.provision()  # packages that were heard of since the first run
    assert shop.provision()["changes"] == 0

    by_hand = "/ip hotspot profile set [find name=hotspot-profile] login-by=http-chap"
    system.steer(f"/routers/{shop.simulated}/paste", script=by_hand)
    shop.order("drift")
    (change,) = wait_for(lambda: shop.look("drift")["changes"])
    assert change["from"] == {"login-by": "http-chap"}
    assert shop.provision()["changes"] == 1


def test_a_router_that_ignores_disconnects_is_told_by_its_api(system: System, shop: Shop) -> None:
    guest, told = shop.open_page()
    purchase = system.buy(system.new_phone(), mac=told["mac"], router_id=shop.id)
    access = purchase.wait_access("ready")["access"]
    form = {"username": access["username"], "password": access["password"]}
    requests.post(told["link-login-only"], data=form, timeout=30)
    purchase.wait_access("online")
    system.steer(f"/routers/{shop.simulated}/behaviour", mode="ignore_disconnect")
    try:
        query = {"router_id": shop.id, "status": "online"}
        (session,) = system.get("/api/v1/sessions", params=query, headers=system.owner()).json()[
            "items"
        ]
        answer = requests.delete(
            f"{system.gateway}/api/v1/sessions/{session['id']}",
            headers=system.owner(),
            timeout=30,
        )
        assert answer.status_code == 202

        def ended() -> Any:
            return next(
                (
                    one
                    for one in system.state()["sessions"]
                    if one["guest_id"] == guest and one["state"] == "ended"
                ),
                None,
            )

        assert wait_for(ended)["cause"] == "Admin-Reset"
        assert _orders_to_send_off(system) > 0
    finally:
        system.steer(f"/routers/{shop.simulated}/behaviour", mode="ok")


def _orders_to_send_off(system: System) -> int:
    query = "SELECT count(*) FROM inbox WHERE queue = 'session-management.router'"
    with psycopg.connect(system.database_url("router")) as connection:
        found = connection.execute(query).fetchone()
    return int(found[0]) if found else 0
