"""The demo: a router becomes a hotspot, and a guest pays by M-Pesa, gets online and runs out."""

import random
import re
from dataclasses import dataclass
from html import unescape
from urllib.parse import parse_qs, urlsplit

from rich.console import Console

from hotspot.command.api import Api, ApiError, Body
from hotspot.command.operate import TIMELINE, print_table, timeline
from hotspot.command.story_router import RouterStory, Shop
from hotspot.command.telling import StoryFailed, Teller

# A guest who does nothing until somebody answers the prompt on the stand-ins' page.
_BY_HAND = "0700 000 111"
_TIME_TO_ANSWER_MS = 120_000  # a real prompt gives one minute, and no other page to find

__all__ = ["SpareGuest", "Story", "StoryFailed"]


@dataclass(frozen=True, kw_only=True)
class SpareGuest:
    """Somebody for whoever watches the demo to be. `page`: what the browser opens, as a path."""

    page: str
    by_hand: str


class Story:
    """One afternoon of an operator and a guest."""

    def __init__(
        self,
        *,
        console: Console,
        gateway: Api,
        owner: Api,
        simulators: Api,
        api_port: int,
        address: str | None = None,
    ) -> None:
        self.console = console
        self.teller = Teller(console)
        self.gateway = gateway
        self.owner = owner
        self.simulators = simulators
        self.api_port = api_port
        self.address = address  # the router's; None: it is in this machine
        # A new guest each time: a second payment by the same phone would extend the first.
        self.phone = f"25472{random.randrange(10**7):07d}"  # noqa: S311
        self.mac = "02:" + ":".join(f"{random.randrange(256):02X}" for _ in range(5))  # noqa: S311

    def play(self) -> SpareGuest:
        """Set up the router; buy, pay, log in, read the SMS, use it up. Raises StoryFailed."""
        try:
            shop = RouterStory(
                teller=self.teller,
                owner=self.owner,
                simulators=self.simulators,
                api_port=self.api_port,
                address=self.address,
            ).play()
            place = self._join(shop)
            package = self._choose()
            payment_id, buyer = self._buy(package, place)
            self._watch_the_prompt()
            access = self._wait_for_access(payment_id, buyer)
            self._log_in(access, place)
            self._wait_until_online(payment_id, buyer, shop)
            self._read_the_sms(access)
            self._use_up(package, payment_id, buyer)
            self._show_the_timeline(payment_id)
            return self._leave_a_guest(shop)
        except ApiError as error:
            raise StoryFailed(str(error)) from error

    def _join(self, shop: Shop) -> dict[str, str]:
        """Any page that the guest opens is the router's login page, which leads to the portal."""
        guest = self.simulators.post("/guests", {"router_id": shop.simulated_id, "mac": self.mac})
        self.guest_id = str(guest["id"])
        page = self.simulators.page(f"/hotspot/{self.guest_id}/")
        link = re.search(r'content="0; url=([^"]+)"', page)
        if link is None:
            raise StoryFailed("The router's login page does not lead to the portal.")
        portal = unescape(link[1])
        told = {name: values[0] for name, values in parse_qs(urlsplit(portal).query).items()}
        if told.get("router") != shop.router_id:
            raise StoryFailed(f"The router's login page names another router: {portal}")
        self.gateway.page(portal)
        self.teller.tell("A guest joins the WiFi; the router's login page leads to the portal.")
        return told

    def _choose(self) -> Body:
        packages = self.gateway.items("/api/v1/packages")
        on_offer = [package for package in packages if package["kind"] == "hotspot"]
        if not on_offer:
            raise StoryFailed("No hotspot package is on sale.")
        # One with a data cap can be seen to run out; time takes its time.
        capped = [package for package in on_offer if package["data_bytes"]]
        package = min(capped or on_offer, key=lambda each: int(each["price"]["amount"]))
        self.teller.tell(f"The guest chooses {package['name']!r} for {_money(package['price'])}.")
        return package

    def _buy(self, package: Body, place: dict[str, str]) -> tuple[str, Api]:
        # Whatever was tried with the stand-ins before, this guest pays.
        self.simulators.post("/mpesa/behaviour", {"mode": "pay", "phone": self.phone})
        accepted = self.gateway.post(
            "/api/v1/payments",
            {
                "package_id": package["id"],
                "phone": self.phone,
                "mac": self.mac,
                "ip": place["ip"],
                "router_id": place["router"],
                "link_login_only": place["link-login-only"],
            },
        )
        payment_id = str(accepted["id"])
        self.teller.tell(f"Asked to pay with the phone {self.phone}: payment {payment_id}.")
        return payment_id, self.gateway.with_token(str(accepted["claim_token"]))

    def _watch_the_prompt(self) -> None:
        prompt = self.teller.wait("M-Pesa's prompt", self._prompt)
        self.teller.tell(
            f"M-Pesa prompted the phone for {prompt['amount']} KES ({prompt['state']})."
        )

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

        payment = self.teller.wait("the access that was paid for", granted)
        access: Body = payment["access"]
        self.teller.tell(
            f"Paid (receipt {payment['receipt']}): username {access['username']}, "
            f"password {access['password']}, until {access['until']}."
        )
        return access

    def _log_in(self, access: Body, place: dict[str, str]) -> None:
        """As the portal has the browser do it: by the router's own login link."""
        form = {"username": str(access["username"]), "password": str(access["password"])}
        page = self.simulators.page(place["link-login-only"], form)
        sessions = self.simulators.get("/state")["sessions"]
        mine = [one for one in sessions if one["guest_id"] == self.guest_id]
        if not mine:
            raise StoryFailed(f"The router did not let the guest in: {page}")
        limits = mine[0]["limits"]
        given = ", ".join(f"{name} {limits[name]}" for name in limits if limits[name])
        self.teller.tell(f"Logged in at the router; RADIUS accepted: {given}.")

    def _wait_until_online(self, payment_id: str, buyer: Api, shop: Shop) -> None:
        self._wait_for_state("online", payment_id, buyer)
        online = self.owner.get(f"/api/v1/sessions?router_id={shop.router_id}")["items"]
        if [one["router_id"] for one in online] != [shop.router_id]:
            raise StoryFailed("The session does not show the router that the guest is at.")
        self.simulators.post(
            f"/guests/{self.guest_id}/use", {"bytes_in": 1_500_000, "bytes_out": 40_000_000}
        )
        self.teller.tell("The guest is online at that router, and has used 41.5 MB.")

    def _read_the_sms(self, access: Body) -> None:
        def received() -> Body | None:
            inbox = self.simulators.get("/state")["sms"]
            return next((sms for sms in inbox if str(sms["to"]).endswith(self.phone)), None)

        sms = self.teller.wait("the SMS", received)
        self.teller.tell(f"SMS: {sms['message']}")
        if str(access["password"]) not in str(sms["message"]):
            raise StoryFailed("The SMS does not carry the password.")

    def _use_up(self, package: Body, payment_id: str, buyer: Api) -> None:
        if not package["data_bytes"]:
            self.teller.tell("The session will end when its time is up.")
            return
        self.simulators.post(
            f"/guests/{self.guest_id}/use", {"bytes_in": 0, "bytes_out": package["data_bytes"]}
        )
        self._wait_for_state("ended", payment_id, buyer)
        self.teller.tell("The data is used up: the router let go, and the session has expired.")

    def _wait_for_state(self, state: str, payment_id: str, buyer: Api) -> None:
        def there() -> bool:
            access = buyer.get(f"/api/v1/payments/{payment_id}")["access"]
            return bool(access and access["state"] == state)

        self.teller.wait(f"the access to be {state}", there)

    def _show_the_timeline(self, payment_id: str) -> None:
        def complete() -> Body | None:
            trace = self.owner.get(f"/api/v1/trace/{payment_id}")
            seen = {item["message"] for item in trace["items"]}
            return trace if {"SessionStarted", "SmsSent"} <= seen else None

        trace = self.teller.wait("the timeline", complete)
        self.console.print(f"\nWhat happened, counted from M-Pesa's callback (trace {payment_id}):")
        print_table(self.console, TIMELINE, timeline(trace["items"]))

    def _leave_a_guest(self, shop: Shop) -> SpareGuest:
        """One more guest at that router, who has bought nothing yet."""
        self.simulators.post(
            "/mpesa/behaviour",
            {"mode": "manual", "phone": _BY_HAND, "delay_ms": _TIME_TO_ANSWER_MS},
        )
        guest = self.simulators.post("/guests", {"router_id": shop.simulated_id})
        return SpareGuest(page=f"/hotspot/{guest['id']}/", by_hand=_BY_HAND)


def _money(price: Body) -> str:
    return f"{int(price['amount']) / 100:.2f} {price['currency']}"
