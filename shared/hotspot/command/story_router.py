"""The demo's first half: a router comes out of its box and becomes a hotspot."""

import secrets
from dataclasses import dataclass
from http import HTTPStatus

from hotspot.command.api import Api, ApiError, Body
from hotspot.command.telling import StoryFailed, Teller


@dataclass(frozen=True, kw_only=True)
class Shop:
    """A router that is a hotspot now: its id here and among the stand-ins."""

    router_id: str
    simulated_id: str


@dataclass(frozen=True, kw_only=True)
class RouterStory:
    """What an operator does once for each router.

    `api_port`: of the simulated routers; `address`: where the new one is, else somewhere on this
    machine.
    """

    teller: Teller
    owner: Api
    simulators: Api
    api_port: int
    address: str | None = None

    def play(self) -> Shop:
        """Register, paste, provision, and provision again. Raises StoryFailed, ApiError."""
        address = self.address or f"127.{10 + secrets.randbelow(200)}.{secrets.randbelow(250)}.1"
        made = self.simulators.post("/routers", {"factory": "hap", "nas_ip": address})
        simulated = str(made["ids"][0])
        self.teller.tell(f"A MikroTik router is taken out of its box, at {address}.")
        registered = self._register(address)
        shop = Shop(router_id=str(registered["id"]), simulated_id=simulated)
        self._paste(shop, registered)
        changes = self._provision(shop)
        self.teller.tell(f"Provisioned: {changes} changes, and it is a hotspot.")
        again = self._provision(shop)
        if again:
            raise StoryFailed(f"A second run changed {again} things once more.")
        self.teller.tell("Provisioned again: 0 changes.")
        return shop

    def _register(self, address: str) -> Body:
        registered = self.owner.post(
            "/api/v1/routers",
            {
                "name": f"Demo shop {secrets.token_hex(3)}",
                "ip_address": address,
                "username": "hotspot",
                "password": secrets.token_urlsafe(16),
                "api_port": self.api_port,
            },
        )
        lines = str(registered["connectivity_script"]).count("\n")
        self.teller.tell(f"Registered as {registered['name']!r}: a script of {lines} lines.")
        return registered

    def _paste(self, shop: Shop, registered: Body) -> None:
        script = registered["connectivity_script"]
        self.simulators.post(f"/routers/{shop.simulated_id}/paste", {"script": script})

        def connected() -> Body | None:
            router = self.owner.get(f"/api/v1/routers/{shop.router_id}")
            return router if router["status"] == "online" else None

        router = self.teller.wait("the router to phone home", connected)
        self.teller.tell(
            f"Script pasted: {router['model']} with RouterOS {router['version']} phoned home."
        )

    def _provision(self, shop: Shop) -> int:
        """A run to its end; answers its number of changes."""
        path = f"/api/v1/routers/{shop.router_id}"
        run_id = self.owner.post(f"{path}/provision")["id"]

        def finished() -> Body | None:
            try:
                run = self.owner.get(f"{path}/provisioning")
            except ApiError as error:
                if error.status != HTTPStatus.NOT_FOUND:
                    raise
                return None  # the first run has not begun
            return run if run["id"] == run_id and run["state"] in ("done", "failed") else None

        run = self.teller.wait("the router to be provisioned", finished)
        if run["state"] == "failed":
            raise StoryFailed(f"The router could not be provisioned: {run['reason']}")
        return int(run["changes"])
