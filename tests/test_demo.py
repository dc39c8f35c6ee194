"""What the demo leaves behind: links by which anyone can be the guest, the payer and the owner."""

import re

import pytest
import requests
from playwright.sync_api import Browser, expect

from .phones import SCREENSHOTS, chromium, new_phone, number_of
from .system import System

TOLD = (
    "phoned home",
    "changes, and it is a hotspot",
    "Provisioned again: 0 changes",
    "leads to the portal",
    "online at that router",
    "SMS: WiFi",
    "the session has expired",
)


@pytest.fixture(scope="module")
def told(system: System) -> str:
    """What the demo prints."""
    return system.command("demo").stdout


def test_the_demo_tells_it_all(told: str) -> None:
    assert [part for part in TOLD if part not in told] == [], told


def test_its_links_let_anyone_buy_by_hand_and_watch_it(system: System, told: str) -> None:
    links = dict(re.findall(r"^  (\S.*?) {2,}(http\S+)$", told, re.MULTILINE))
    by_hand = re.search(r"With (\d{4} \d{3} \d{3}) you", told)
    account = re.search(r"Log in to the dashboard as (\S+) with the password (\S+)", told)
    assert by_hand, told
    assert account, told
    assert requests.get(links["API"], timeout=30).status_code == 200
    with chromium() as browser:
        _buy_by_hand(browser, system, links, number=by_hand[1], account=account.groups())


def _buy_by_hand(
    browser: Browser,
    system: System,
    links: dict[str, str],
    *,
    number: str,
    account: tuple[str | None, ...],
) -> None:
    screen = {"viewport": {"width": 1280, "height": 800}, "device_scale_factor": 1}
    owner = new_phone(browser, system, **screen)
    owner.page.goto(links["Dashboard"])
    for label, typed in zip(("E-mail address", "Password"), account, strict=True):
        owner.page.get_by_label(label).fill(str(typed))
    owner.page.get_by_role("button", name="Log in").click()
    expect(owner.page.locator("#stream")).to_have_text("live")

    guest = new_phone(browser, system)
    guest.page.goto(links["Guests' page"])
    guest.sees("Choose a package")  # by way of the router's login page
    guest.choose("1 hour")
    guest.pay_with(number)
    guest.sees("Check your phone")

    payer = new_phone(browser, system, **screen)
    payer.page.goto(links["Simulators"])
    payer.page.get_by_role("button", name="Pay", exact=True).click()
    guest.sees("You are online")
    assert guest.page.goto(links["Guests' page"])
    expect(guest.page.locator("body")).to_have_text("You are online.")  # the internet, that is

    feed = owner.page.locator("#feed")
    paid = feed.locator(
        "li[data-event=PaymentCompleted]", has_text=number_of(_international(number))
    )
    expect(paid).to_be_visible(timeout=15_000)
    expect(feed.locator("li[data-event=SessionStarted]").first).to_be_visible(timeout=15_000)
    SCREENSHOTS.mkdir(exist_ok=True)
    payer.page.screenshot(path=SCREENSHOTS / "simulators.png", full_page=True)
    for person in (owner, guest, payer):
        assert person.troubles == []


def _international(number: str) -> str:
    return "254" + number.replace(" ", "")[1:]
