"""An operator at the dashboard, in a real browser, while guests pay and routers come and go."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from .phones import CONTRAST, DESKTOP, SCREENSHOTS, Wifi, chromium, number_of
from .system import System, wait_for

EMAIL, PASSWORD = "owner@desk.example", "a long password"
PHONE: ViewportSize = {"width": 320, "height": 640}
SCREENS: tuple[tuple[str, ViewportSize, Literal["light", "dark"]], ...] = (
    ("desktop-light", DESKTOP, "light"),
    ("desktop-dark", DESKTOP, "dark"),
    ("phone-light", PHONE, "light"),
    ("phone-dark", PHONE, "dark"),
)
# A picture is for people: of a list of 200 rows the first ones will do.
HIGHEST = 2400
PAGES = (
    "", "/payments", "/payments?needs_attention=true", "/receipts", "/statements", "/vouchers",
    "/packages", "/users", "/sessions", "/subscriptions", "/messages", "/routers", "/failed-jobs",
    "/schedules", "/queues", "/cases", "/operators", "/api-keys", "/account", "/audit", "/overdue",
    "/search?q=nothing", "/nothing",
)  # fmt: skip
# Pages of one thing, by the list that leads to them.
LEAD_ON = (
    "/payments", "/vouchers", "/packages", "/users", "/sessions", "/messages", "/operators",
)  # fmt: skip
# Text that cannot be read well (WCAG 2.1, 1.4.3), and what is wider than its screen.
_FAULTS = (
    "() => {"
    + CONTRAST
    + """
  const faults = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim(), element = walker.currentNode.parentElement;
    if (!text || !element.getClientRects().length || element.closest(".unseen, .skip, .none, svg"))
      continue;
    const contrast = contrastOf(element);
    if (contrast < 4.5) faults.push(`contrast ${contrast.toFixed(1)}: ${text}`);
    if (parseFloat(getComputedStyle(element).fontSize) < 13) faults.push(`small: ${text}`);
  }
  for (const field of document.querySelectorAll("input:not([type=hidden]), select"))
    if (!field.labels.length) faults.push(`no label: ${field.name}`);
  if (document.documentElement.scrollWidth > innerWidth) faults.push("wider than the screen");
  if (document.querySelectorAll("h1").length !== 1) faults.push("not one heading");
  return faults;
}"""
)


@dataclass(kw_only=True)
class Desk:
    """A browser in which an operator works."""

    system: System
    context: BrowserContext
    page: Page
    troubles: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, browser: Browser, system: System) -> "Desk":
        """A browser with the dashboard's login page open."""
        context = browser.new_context(viewport=DESKTOP, color_scheme="light")
        desk = cls(system=system, context=context, page=context.new_page())
        desk.page.on("pageerror", lambda error: desk.troubles.append(str(error)))
        desk.page.on(
            "console",
            lambda said: desk.troubles.append(said.text) if said.type == "error" else None,
        )
        return desk

    def log_in(self) -> None:
        """Say who is there."""
        self.go("")
        expect(self.page.locator("h1")).to_have_text("Log in")
        self.page.get_by_label("E-mail address").fill(EMAIL)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Log in").click()
        self.sees("Overview")
        expect(self.page.locator("#stream")).to_have_text("live")

    def go(self, path: str) -> None:
        """Open a page."""
        self.page.goto(f"{self.system.gateway}/dashboard{path}")

    def sees(self, words: str | re.Pattern[str]) -> None:
        """Wait for the heading to be this."""
        expect(self.page.locator("h1")).to_contain_text(words, timeout=15_000)

    def shoot(self, name: str) -> None:
        """A picture of the page for people to look at; and what a script can see of it."""
        SCREENSHOTS.mkdir(exist_ok=True)
        width, height = self.page.evaluate("[innerWidth, document.documentElement.scrollHeight]")
        self.page.screenshot(
            path=SCREENSHOTS / f"dashboard-{name}.png",
            full_page=True,
            clip={"x": 0, "y": 0, "width": width, "height": min(height, HIGHEST)},
        )
        assert self.page.evaluate(_FAULTS) == [], name

    def shoot_on_every_screen(self, name: str) -> None:
        """The same page, as it is read in the office, at night, and on a small phone."""
        for screen, size, scheme in SCREENS:
            self.page.set_viewport_size(size)
            self.page.emulate_media(color_scheme=scheme)
            self.shoot(f"{name}-{screen}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser process; each desk is a profile of its own."""
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def owner(system: System) -> None:
    """An owner's account."""
    added = ("--email", EMAIL, "--role", "owner", "--password", PASSWORD)
    system.command("operator", "add", *added)


@pytest.fixture
def desk(browser: Browser, system: System, owner: None) -> Iterator[Desk]:
    """An owner who is logged in; nothing may have gone wrong in the browser."""
    made = Desk.of(browser, system)
    made.log_in()
    yield made
    assert made.troubles == []
    made.context.close()


def test_an_operator_sees_a_payment_as_it_happens(system: System, desk: Desk) -> None:
    money, feed = desk.page.locator("#tiles .value").first, desk.page.locator("#feed")
    before = money.inner_text()
    for promise in desk.page.locator(".promise").all():
        expect(promise).not_to_have_class(re.compile("broken"))
    phone = system.new_phone()
    system.buy(phone)
    arrived = feed.locator("li[data-event=PaymentCompleted]", has_text=number_of(phone))
    expect(arrived).to_contain_text("paid by", timeout=15_000)
    expect(desk.page.locator("#part-1, #part-2").get_by_text(number_of(phone))).to_be_visible()
    expect(money).not_to_have_text(before, timeout=15_000)
    desk.shoot("overview-live")
    arrived.get_by_role("link").click()
    desk.sees(re.compile("Payment [A-Z0-9]{10}"))
    timeline = desk.page.locator(".part", has=desk.page.get_by_role("heading", name="Timeline"))
    expect(timeline.get_by_text("SmsSent").first).to_be_visible(timeout=15_000)
    desk.shoot("payment")
    desk.page.get_by_label("Phone, receipt, voucher or id").fill(number_of(phone))
    desk.page.get_by_role("button", name="Search").click()
    desk.sees("Search")
    expect(desk.page.get_by_role("heading", name="Messages")).to_be_visible()
    desk.shoot("search")


def test_an_operator_adds_a_router_and_provisions_it(system: System, desk: Desk) -> None:
    simulated = system.steer("/routers", factory="hap", nas_ip="127.0.7.1")["ids"][0]
    desk.go("/routers")
    desk.page.get_by_text("Add a router", exact=True).click()
    typed = {
        "Name": "Kilimani shop",
        "Address": "not an address!",
        "Username": "hotspot",
        "Password": "a long password",
        "API port": system.environment["HOTSPOT_ROUTEROS_PORT"],
    }
    form = desk.page.locator("form", has=desk.page.get_by_role("button", name="Add the router"))
    for label, text in typed.items():
        form.get_by_label(label, exact=True).fill(text)
    form.get_by_role("button").click()
    expect(form.locator(".says")).to_contain_text("IPv4 address")
    desk.shoot("router-refused")
    form.get_by_label("Address", exact=True).fill("127.0.7.1")
    form.get_by_label("Password").fill("a long password")
    form.get_by_role("button").click()
    desk.sees("Kilimani shop")
    script = desk.page.locator("pre").inner_text()
    desk.shoot("router-script")
    system.steer(f"/routers/{simulated}/paste", script=script)
    expect(desk.page.locator("h1 .badge")).to_have_text("online", timeout=15_000)
    desk.page.get_by_role("button", name="Provision").click()
    done = desk.page.get_by_role("heading", name=re.compile("Provisioning: done"))
    expect(done).to_be_visible(timeout=15_000)
    desk.shoot("router-provisioned")
    # The first answer of the form is 422, which browsers mention as an error.
    desk.troubles[:] = [one for one in desk.troubles if "422" not in one]


def test_an_operator_disconnects_a_guest(system: System, desk: Desk) -> None:
    wifi = Wifi.set_up(system, "127.0.7.2")
    device, phone = wifi.join(), system.new_phone()
    access = system.buy(phone, mac=device.mac).wait_access("ready")["access"]
    said = {"username": access["username"], "password": access["password"], "method": "chap"}
    assert system.steer(f"/guests/{device.id}/login", **said)["result"] == "accept"
    wait_for(device.is_online)
    desk.go(f"/sessions?status=online&phone={phone}")
    desk.page.get_by_role("link", name=access["username"]).click()
    desk.sees("Session of")
    desk.page.get_by_text("Disconnect", exact=True).click()
    desk.page.get_by_role("button", name="Disconnect now").click()
    expect(desk.page.locator("h1 .badge")).to_have_text("ended", timeout=15_000)
    wait_for(lambda: not device.is_online())
    desk.shoot("session")


def test_every_page_can_be_read_on_every_screen(
    system: System, browser: Browser, owner: None
) -> None:
    batch = {"package_id": system.package()["id"], "count": 2}
    system.post("/api/v1/vouchers", json=batch, headers=system.owner())
    desk = Desk.of(browser, system)
    desk.go("")
    desk.shoot_on_every_screen("login")
    desk.log_in()
    for path in PAGES:
        desk.go(path)
        desk.shoot_on_every_screen(re.sub(r"\W+", "-", path).strip("-") or "overview")
        if path in LEAD_ON:
            one = desk.page.locator(f"td a[href^='/dashboard{path}/']").first.get_attribute("href")
            desk.go(str(one).removeprefix("/dashboard"))
            desk.shoot_on_every_screen(f"{path[1:]}-one")
    desk.troubles[:] = [one for one in desk.troubles if "404" not in one]  # of /nothing
    assert desk.troubles == []
    desk.context.close()
