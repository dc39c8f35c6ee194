"""How a router's API behaves, and who may log in."""

import ipaddress
from dataclasses import dataclass, field

import gevent

from simulators.behaviour import RouterMode
from simulators.nas import Router, Routers
from simulators.routeros.api import Conversation
from simulators.routeros.device import Device

# Longer than any client waits.
FOR_EVER = 3600.0
SENTENCES_BEFORE_REBOOT = 4
REBOOT_MS = 300


@dataclass
class MannerOfRouter:
    """A router as it behaves at this moment: its behaviour may change while somebody talks."""

    routers: Routers
    router_id: str
    rebooting: set[str]
    heard: int = 0

    def greet(self) -> bool:
        """Not without power, nor in a reboot."""
        router = self._router()
        return router is not None and router.powered and self.router_id not in self.rebooting

    def serves(self, *, tls: bool) -> bool:
        """As `/ip/service` says; TLS needs a certificate."""
        router = self._router()
        name = "api-ssl" if tls else "api"
        return router is not None and any(
            row["name"] == name
            and row["disabled"] == "no"
            and (not tls or row.get("certificate", "none") != "none")
            for row in router.device.read("/ip/service")
        )

    def wait(self) -> None:
        """A slow router takes its time; out of a black hole nothing comes."""
        router = self._router()
        if router is None or not router.powered:
            return
        black = router.behaviour.mode is RouterMode.BLACKHOLE
        gevent.sleep(FOR_EVER if black else router.behaviour.packet_delay)

    def breaks_off(self) -> bool:
        """Whether it lost power, or reboots in the middle of what it was told."""
        router = self._router()
        self.heard += 1
        if router is None or not router.powered:
            return True
        if router.behaviour.mode is not RouterMode.REBOOTS:
            return False
        after = router.behaviour.after
        if self.heard <= (SENTENCES_BEFORE_REBOOT if after is None else after):
            return False
        self.routers.behave(self.router_id, type(router.behaviour)())
        self.rebooting.add(self.router_id)
        seconds = (router.behaviour.delay_ms or REBOOT_MS) / 1000
        gevent.spawn_later(seconds, self.rebooting.discard, self.router_id)
        return True

    def _router(self) -> Router | None:
        return self.routers.get(self.router_id)


@dataclass
class Reception:
    """Meets whoever connects to a router's API."""

    routers: Routers
    rebooting: set[str] = field(default_factory=set)

    def meet(self, address: str, peer: str) -> tuple[MannerOfRouter, Conversation] | None:
        """The router at an address, ready to talk; None where there is none."""
        router = self.routers.with_api_at(address)
        if router is None:
            return None
        manner = MannerOfRouter(routers=self.routers, router_id=router.id, rebooting=self.rebooting)

        def allows(name: str, policy: str) -> bool:
            now = self.routers.get(router.id)
            wrong = now is None or now.behaviour.mode is RouterMode.WRONG_PASSWORD
            return not wrong and _allows(router.device, name, policy, peer)

        talk = Conversation(
            device=router.device,
            allows=allows,
            password_of=lambda name: _password_of(router.device, name),
        )
        return manner, talk


def _password_of(device: Device, name: str) -> str | None:
    users = (row for row in device.read("/user") if row["disabled"] == "no")
    return next((row.get("password", "") for row in users if row["name"] == name), None)


def _allows(device: Device, name: str, policy: str, peer: str) -> bool:
    """Whether a user may log in from an address, by a policy of its group."""
    user = next((row for row in device.read("/user") if row["name"] == name), {})
    group = next(
        (row for row in device.read("/user/group") if row["name"] == user.get("group")), {}
    )
    networks = [one for one in user.get("address", "").split(",") if one]
    here = not networks or any(
        ipaddress.IPv4Address(peer) in ipaddress.IPv4Network(one, strict=False) for one in networks
    )
    return here and policy in group.get("policy", "").split(",")
