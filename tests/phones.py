"""Guests with phones: small browsers on the WiFi of a router that came from the factory."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    Request,
    ViewportSize,
    expect,
    sync_playwright,
)

from .system import ROOT, System, wait_for

SCREENSHOTS = ROOT / "screenshots"
# A phone that was cheap ten years ago, and a Debian that shows nobody's profile.
SIZE: ViewportSize = {"width": 320, "height": 568}
DESKTOP: ViewportSize = {"width": 1280, "height": 800}
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
)

# How well text can be read on what is behind it (WCAG 2.1, 1.4.3).
CONTRAST = """
  const light = (rgb) => {
    const [r, g, b] = rgb.match(/[0-9.]+/g).slice(0, 3).map((one) => {
      const share = one / 255;
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (!/, 0\\)$/.test(colour)) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const contrastOf = (element) => {
    const pair = [light(getComputedStyle(element).color), light(behind(element))];
    return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
  };
"""
# What a person would see at once, said by a script: text that can be read, and no way sideways.
_FAULTS = (
    "() => {"
    + CONTRAST
    + """
  const faults = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim(), element = walker.currentNode.parentElement;
    const isSeen = element.getClientRects().length && !element.closest("noscript, script, .unseen");
    if (!text || !isSeen) continue;
    const contrast = contrastOf(element);
    if (contrast < 4.5) faults.push(`contrast ${contrast.toFixed(1)}: ${text}`);
    if (parseFloat(getComputedStyle(element).fontSize) < 14) faults.push(`small: ${text}`);
  }
  for (const field of document.querySelectorAll("input:not([type=hidden])"))
    if (!field.labels.length) faults.push(`no label: ${field.name}`);
  for (const tapped of document.querySelectorAll("button, a")) {
    const box = tapped.getBoundingClientRect();
    if (box.height && box.height < 40 && !tapped.closest("p.note"))
      faults.push(`too small to tap: ${tapped.textContent.trim()}`);
  }
  if (document.documentElement.scrollWidth > innerWidth) faults.push("wider than the screen");
  if (document.querySelectorAll("h1").length !== 1) faults.push("not one heading");
  if (!document.documentElement.lang || !document.title) faults.push("no language or title");
  return faults;
}"""
)


@dataclass(kw_only=True)
class Wifi:
    """A router that was taken out of its box, connected and provisioned as an operator would."""

    system: System
    router: str

    @classmethod
    def set_up(cls, system: System, address: str) -> "Wifi":
        """Plug it in at a loopback address, paste the script, provision it."""
        made = system.steer("/routers", factory="hap", nas_ip=address)
        headers = system.owner()
        body = {
            "name": f"shop at {address}",
            "ip_address": address,
            "username": "hotspot",
            "password": "a long password",
            "api_port": int(system.environment["HOTSPOT_ROUTEROS_PORT"]),
        }
        registered = system.post("/api/v1/routers", json=body, headers=headers).json()
        (simulated,) = made["ids"]
        script = registered["connectivity_script"]
        system.steer(f"/routers/{simulated}/paste", script=script)
        path = f"/api/v1/routers/{registered['id']}"
        wait_for(lambda: system.get(path, headers=headers).json()["status"] == "online")
        assert system.post(f"{path}/provision", headers=headers).status_code == 202

        def state() -> str:
            return str(system.get(f"{path}/provisioning", headers=headers).json().get("state"))

        wait_for(lambda: state() == "done", state)
        return cls(system=system, router=simulated)

    def join(self) -> "Device":
        """A device joins the WiFi."""
        guest = self.system.steer("/guests", router_id=self.router)
        return Device(system=self.system, id=guest["id"], mac=guest["mac"])


@dataclass(kw_only=True)
class Device:
    """A device on the WiFi, whatever browser it shows."""

    system: System
    id: str
    mac: str

    @property
    def any_page(self) -> str:
        """What the device opens: the router shows its login page in place of it."""
        return f"{self.system.simulators}/hotspot/{self.id}/"

    def is_online(self) -> bool:
        """Whether the router lets it through."""
        sessions = self.system.state()["sessions"]
        return any(one["guest_id"] == self.id and one["state"] == "active" for one in sessions)

    def log_out(self) -> None:
        """Leave, as a router that forgot its guests has it."""
        self.system.steer(f"/guests/{self.id}/logout")


@dataclass(kw_only=True)
class Phone:
    """A browser with its cookies, and what it was told by pages and network."""

    system: System
    context: BrowserContext
    page: Page
    troubles: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    transferred: int = 0

    @classmethod
    def of(cls, system: System, context: BrowserContext) -> "Phone":
        """A phone with one page open."""
        phone = cls(system=system, context=context, page=context.new_page())
        phone.page.on("pageerror", lambda error: phone.troubles.append(str(error)))
        phone.page.on("console", lambda said: phone._hear(said.type, said.text))
        phone.page.on("requestfinished", phone._keep)
        network = context.new_cdp_session(phone.page)
        network.on("Network.loadingFinished", phone._count)
        network.on("Network.requestWillBeSent", phone._count_redirect)
        network.send("Network.enable")
        return phone

    def _count(self, done: Any) -> None:
        # Bytes that came over the air, headers included; none for what the phone had kept.
        self.transferred += int(done["encodedDataLength"])

    def _count_redirect(self, sent: Any) -> None:
        self.transferred += int(sent.get("redirectResponse", {}).get("encodedDataLength", 0))

    def _keep(self, request: Request) -> None:
        self.requests.append(request)

    def _hear(self, kind: str, text: str) -> None:
        # A refused form is answered with 4xx, which browsers mention as an error.
        if kind in ("error", "warning") and not text.startswith("Failed to load resource"):
            self.troubles.append(text)

    def open(self, device: Device) -> None:
        """Open any page on the WiFi: the router sends the browser to the portal."""
        self.page.goto(device.any_page)
        self.page.wait_for_url(re.compile(re.escape(self.system.gateway)))

    def choose(self, package: str) -> None:
        """Tap a package."""
        self.page.locator(".card", has=self.page.get_by_text(package, exact=True)).click()

    def pay_with(self, number: str) -> None:
        """Type a number, and tap the button."""
        self.page.locator("#phone").fill(number)
        self.page.locator("form button").click()

    def sees(self, words: str) -> None:
        """Wait for the heading to be this."""
        expect(self.page.locator("h1")).to_have_text(words, timeout=30_000)

    def reads(self, words: str) -> None:
        """Wait for some text to be on the page."""
        expect(self.page.locator("main")).to_contain_text(words, timeout=30_000)

    def shoot(self, name: str) -> None:
        """A picture of the page for people to look at; and what a script can see of it."""
        SCREENSHOTS.mkdir(exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"portal-{name}.png", full_page=True)
        assert self.page.evaluate(_FAULTS) == [], name
        self.page.set_viewport_size(DESKTOP)
        path = SCREENSHOTS / f"portal-{name}-desktop.png"
        self.page.screenshot(path=path, full_page=True, scale="css")
        self.page.set_viewport_size(SIZE)

    def sent_to(self, path: str) -> str:
        """The form that was sent to an address that ends so."""
        return next(
            one.post_data or ""
            for one in self.requests
            if one.method == "POST" and one.url.endswith(path)
        )

    def hosts(self) -> set[str]:
        """Whom the browser talked to."""
        return {one.url.split("/")[2] for one in self.requests if one.url.startswith("http")}


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's browser, without a screen."""
    path = shutil.which("chromium")
    assert path, "install Debian's chromium: ./hotspot test does"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


def new_phone(browser: Browser, system: System, **options: Any) -> Phone:
    """A phone in English, with scripts, unless told otherwise."""
    asked = {"viewport": SIZE, "locale": "en-KE", "device_scale_factor": 2, **options}
    return Phone.of(system, browser.new_context(**asked))


def number_of(phone: str) -> str:
    """As people in Kenya write it: 0712 345 678."""
    return f"0{phone[3:6]} {phone[6:9]} {phone[9:]}"
