"""The demo: a guest pays by M-Pesa and is online, played against the running system."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from rich.console import Console

from hotspot.command.api import Api, ApiError, Body
from hotspot.command.errors import Unable
from hotspot.command.operate import TIMELINE, print_table, timeline

_PATIENCE = 30.0  # seconds for each thing that is waited for

# What RADIUS tells the router about the guest; the rest of its answer is protocol.
_LIMITS = ("Session-Timeout", "Mikrotik-Rate-Limit", "Mikrotik-Total-Limit", "Port-Limit")

T = TypeVar("T")


class StoryFailed(Unable):
    """The main job did not go through; the text says where it stuck."""


class Story:
    """One guest's afternoon."""

    def __init__(self, *, console: Console, gateway: Api, owner: Api, simulators: Api) -> None:
        self.console = console
        self.gateway = gateway
        self.owner = owner
        self.simulators = simulators
        # A new guest each time: a second payment by the same phone would extend the first.
        self.phone = f"25472{random.randrange(10**7):07d}"  # noqa: S311
        self.mac = "02:" + ":".join(f"{random.randrange(256):02X}" for _ in range(5))  # noqa: S311

    def play(self) -> None:
        """Buy, pay, log in, use and read the SMS. Raises StoryFailed."""
        try:
            package = self._choose()
            payment_id, buyer = self._buy(package)
            self._watch_the_prompt()
            access = self._wait_for_access(payment_id, buyer)
            self._log_in(access)
            self._wait_until_online(payment_id, buyer)
            self._read_the_sms(access)
            self._show_the_timeline(payment_id)
        except ApiError as error:
            raise StoryFailed(str(error)) from error

    def _choose(self) -> Body:
        packages = self.gateway.items("/api/v1/packages")
        on_offer = [package for package in packages if package["kind"] == "hotspot"]
        if not on_offer:
            raise StoryFailed("No hotspot package is on sale.")
        package = min(on_offer, key=lambda each: int(each["price"]["amount"]))
        self._tell(f"The guest chooses {package['name']!r} for {_money(package['price'])}.")
        return package

    def _buy(self, package: Body) -> tuple[str, Api]:
        # Whatever was tried with the stand-ins before, this guest pays.
        self.simulators.post("/mpesa/behaviour", {"mode": "pay", "phone": self.phone})
        routers = self.simulators.get("/state")["routers"]
        self.router_id = str(routers[0]["id"])
        guest = self.simulators.post("/guests", {"router_id": self.router_id, "mac": self.mac})
        self.guest_id = str(guest["id"])
        accepted = self.gateway.post(
            "/api/v1/payments",
            {
                "package_id": package["id"],
                "phone": self.phone,
                "mac": self.mac,
                "router_id": self.router_id,
            },
        )
        payment_id = str(accepted["id"])
        self._tell(f"Asked to pay with the phone {self.phone}: payment {payment_id}.")
        return payment_id, self.gateway.with_token(str(accepted["claim_token"]))

    def _watch_the_prompt(self) -> None:
        prompt = self._wait("M-Pesa's prompt", self._prompt)
        self._tell(f"M-Pesa prompted the phone for {prompt['amount']} KES ({prompt['state']}).")

    def _prompt(self) -> Body | None:
        prompts = self.simulators.get("/state")["prompts"]
        return next((prompt for prompt in prompts if prompt["phone"] == self.phone), None)

    def _wait_for_access(self, payment_id: str, buyer: Api) -> Body:
        def granted() -> Body | None:
            payment = buyer.get(f"/api/v1/payments/{payment_id}")
            if payment["status"] in ("failed", "cancelled", "expired"):
                raise StoryFailed(f"The payment {payment['status']}: {payment['failure']}.")
            access = payment["access"]
            return payment if access and access["state"] in ("ready", "online") else None

        payment = self._wait("the access that was paid for", granted)
        access: Body = payment["access"]
        self._tell(
            f"Paid (receipt {payment['receipt']}): username {access['username']}, "
            f"password {access['password']}, until {access['until']}."
        )
        return access

    def _log_in(self, access: Body) -> None:
        answer = self.simulators.post(
            f"/guests/{self.guest_id}/login",
            {"username": access["username"], "password": access["password"], "method": "chap"},
        )
        if answer["result"] != "accept":
            raise StoryFailed(f"RADIUS did not let the guest in: {answer['result']}.")
        reply = answer["reply"]
        limits = ", ".join(f"{name} {reply[name]}" for name in _LIMITS if name in reply)
        self._tell(f"RADIUS accepted the login: {limits}.")

    def _wait_until_online(self, payment_id: str, buyer: Api) -> None:
        def online() -> bool:
            access = buyer.get(f"/api/v1/payments/{payment_id}")["access"]
            return bool(access and access["state"] == "online")

        self._wait("the session", online)
        self.simulators.post(
            f"/guests/{self.guest_id}/use", {"bytes_in": 1_500_000, "bytes_out": 40_000_000}
        )
        self._tell("The guest is online, and has used 41.5 MB.")

    def _read_the_sms(self, access: Body) -> None:
        def received() -> Body | None:
            inbox = self.simulators.get("/state")["sms"]
            return next((sms for sms in inbox if str(sms["to"]).endswith(self.phone)), None)

        sms = self._wait("the SMS", received)
        self._tell(f"SMS: {sms['message']}")
        if str(access["password"]) not in str(sms["message"]):
            raise StoryFailed("The SMS does not carry the password.")

    def _show_the_timeline(self, payment_id: str) -> None:
        def complete() -> Body | None:
            trace = self.owner.get(f"/api/v1/trace/{payment_id}")
            seen = {item["message"] for item in trace["items"]}
            return trace if {"SessionStarted", "SmsSent"} <= seen else None

        trace = self._wait("the timeline", complete)
        self.console.print(f"\nWhat happened, counted from M-Pesa's callback (trace {payment_id}):")
        print_table(self.console, TIMELINE, timeline(trace["items"]))

    def _wait(self, what: str, look: Callable[[], T | None]) -> T:
        deadline = time.monotonic() + _PATIENCE
        while True:
            found = look()
            if found:
                return found
            if time.monotonic() > deadline:
                raise StoryFailed(f"Waited {_PATIENCE:.0f} s for {what}, and it did not come.")
            time.sleep(0.02)

    def _tell(self, sentence: str) -> None:
        self.console.print(f"  {sentence}", markup=False)


def _money(price: Body) -> str:
    return f"{int(price['amount']) / 100:.2f} {price['currency']}"
