"""Guests at the captive portal, in a real browser on a 320-pixel screen, through everything."""

import re
from collections.abc import Callable, Iterator

import pytest
import requests
from playwright.sync_api import Browser, expect

from .phones import Phone, Wifi, chromium, new_phone, number_of
from .system import System, paid_callback, wait_for

LIGHT = 30_000  # bytes: what a first visit may cost, from the packages to being online
NewPhone = Callable[..., Phone]


@pytest.fixture(scope="module")
def wifi(system: System) -> Wifi:
    """A shop's WiFi."""
    return Wifi.set_up(system, "127.0.6.1")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser process; each phone is a profile of its own."""
    with chromium() as running:
        yield running


@pytest.fixture
def phone(browser: Browser, system: System) -> Iterator[NewPhone]:
    """Phones; none of them may have met with an error."""
    made: list[Phone] = []

    def new(**options: object) -> Phone:
        made.append(new_phone(browser, system, **options))
        return made[-1]

    yield new
    for one in made:
        assert one.troubles == []
        one.context.close()


def answers(system: System, number: str, mode: str, **more: object) -> None:
    """What the owner of a phone does with M-Pesa's prompts."""
    system.steer("/mpesa/behaviour", phone=number, mode=mode, **more)


def test_a_guest_buys_and_is_online(system: System, wifi: Wifi, phone: NewPhone) -> None:
    guest, device, number = phone(), wifi.join(), system.new_phone()
    answers(system, number, "pay", delay_ms=1500)
    guest.open(device)
    guest.sees("Choose a package")
    guest.shoot("choose")
    guest.choose("1 hour")
    guest.sees("Pay with M-Pesa")
    guest.shoot("pay")
    guest.pay_with(number_of(number))
    guest.sees("Check your phone")
    guest.reads("Do you want to pay KSh 20?")
    guest.shoot("wait")
    guest.sees("You are online")  # and nobody tapped anything
    assert device.is_online()
    guest.reads("59 minutes")
    guest.reads(f"0{number[3:]}")
    guest.shoot("online")
    # By CHAP: the password never crossed the air in clear.
    assert re.search(r"password=[0-9a-f]{32}&", guest.sent_to("/login"))
    assert guest.hosts() == {
        address.removeprefix("http://") for address in (system.gateway, system.simulators)
    }
    assert guest.transferred < LIGHT


@pytest.mark.parametrize(
    ("mode", "heading", "advice"),
    [
        ("wrong_pin", "The PIN was wrong", "Nothing was charged."),
        ("no_balance", "Not enough money in M-Pesa", "choose a cheaper package"),
        ("timeout", "The phone did not answer", "Check that it is switched on"),
    ],
)
def test_why_there_is_no_money_is_said_clearly(
    wifi: Wifi, phone: NewPhone, mode: str, heading: str, advice: str
) -> None:
    guest, number = phone(), wifi.system.new_phone()
    answers(wifi.system, number, mode)
    guest.open(wifi.join())
    guest.choose("1 hour")
    guest.pay_with(number)
    guest.sees(heading)
    guest.reads(advice)
    guest.shoot(f"failed-{mode}")


def test_who_cancelled_tries_again_without_typing(
    system: System, wifi: Wifi, phone: NewPhone
) -> None:
    guest, number = phone(), system.new_phone()
    answers(system, number, "cancel")
    guest.open(wifi.join())
    guest.choose("1 hour")
    guest.pay_with("0712 34")
    guest.reads("This number is too short.")
    expect(guest.page.locator("#phone")).to_be_focused()
    guest.shoot("pay-wrong-number")
    guest.pay_with(number)
    guest.sees("You cancelled the payment")
    guest.reads("Nothing was charged.")
    guest.shoot("failed-cancelled")
    answers(system, number, "pay")
    guest.page.get_by_role("button", name="Try again: pay KSh 20").click()
    guest.sees("You are online")


def test_a_phone_with_another_prompt_open_is_busy(
    system: System, wifi: Wifi, phone: NewPhone
) -> None:
    guest, number = phone(), system.new_phone()
    answers(system, number, "manual")
    prompted = system.buy(number).prompt()
    guest.open(wifi.join())
    guest.choose("1 hour")
    guest.pay_with(number)
    guest.sees("The phone is busy")
    guest.shoot("failed-busy")
    system.steer(f"/mpesa/prompts/{prompted['checkout_request_id']}", answer="cancel")


def test_while_m_pesa_is_away_nobody_is_told_to_look_for_a_prompt(
    system: System, wifi: Wifi, phone: NewPhone
) -> None:
    guest, number = phone(), system.new_phone()
    answers(system, number, "down")
    guest.open(wifi.join())
    guest.choose("1 hour")
    guest.pay_with(number)
    guest.sees("M-Pesa does not answer")
    guest.reads("If the phone asks for your PIN, enter it")
    guest.shoot("failed-silent")


def test_money_that_comes_late_is_noticed_on_the_page_that_said_no(
    system: System, wifi: Wifi, phone: NewPhone
) -> None:
    guest, number = phone(), system.new_phone()
    answers(system, number, "timeout")
    guest.open(wifi.join())
    guest.choose("1 hour")
    guest.pay_with(number)
    guest.sees("The phone did not answer")
    guest.reads("If you do pay after all, this page goes on by itself.")
    prompt = next(one for one in system.state()["prompts"] if one["phone"] == number)
    requests.post(prompt["callback_url"], json=paid_callback(prompt), timeout=30)
    # The guest was in the SMS, and comes back.
    wait_for(lambda: system.sms_to(number))
    guest.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    guest.sees("You are online")


def test_a_voucher_from_a_shop_gets_its_holder_online(
    system: System, wifi: Wifi, phone: NewPhone
) -> None:
    code = new_voucher(system)
    guest, device = phone(), wifi.join()
    guest.open(device)
    guest.page.get_by_role("link", name="I have a voucher").click()
    guest.shoot("voucher")
    guest.page.locator("#voucher").fill("4KCX9-DM7RH-PWT3V")
    guest.page.locator("form button").click()
    guest.reads("There is no such voucher.")
    guest.shoot("voucher-unknown")
    guest.page.locator("#voucher").fill(code.lower().replace("-", " "))
    guest.page.locator("form button").click()
    guest.sees("You are online")
    assert device.is_online()
    # Somebody who finds the card in the bin
    other = phone()
    other.open(wifi.join())
    other.page.goto(f"{system.gateway}/?voucher={code}")
    other.page.locator("form button").click()
    other.reads("This voucher was used already.")


def test_who_has_paid_shows_the_receipt_on_another_device(
    system: System, wifi: Wifi, phone: NewPhone
) -> None:
    number = system.new_phone()
    paid = system.buy(number, mac=wifi.join().mac).wait_access("ready")
    guest, device = phone(), wifi.join()
    guest.open(device)
    guest.page.get_by_role("link", name="I have paid, but I am not online").click()
    guest.page.locator("#receipt").fill("hello")
    guest.page.locator("#phone").fill(number_of(number))
    guest.page.locator("form button").click()
    guest.reads("This is not an M-Pesa code.")
    guest.shoot("claim")
    guest.page.locator("#receipt").fill(f"{paid['receipt']} Confirmed. Ksh20.00 paid to WIFI")
    guest.page.locator("form button").click()
    guest.sees("You are online")
    assert device.is_online()


def test_a_page_that_was_closed_goes_on_where_it_was(
    system: System, wifi: Wifi, phone: NewPhone
) -> None:
    guest, device, number = phone(), wifi.join(), system.new_phone()
    answers(system, number, "manual")
    guest.open(device)
    guest.choose("1 hour")
    guest.pay_with(number)
    guest.sees("Check your phone")
    guest.page.close()  # to read the SMS, or for M-Pesa's prompt
    prompt = wait_for(
        lambda: next((one for one in system.state()["prompts"] if one["phone"] == number), None)
    )
    system.steer(f"/mpesa/prompts/{prompt['checkout_request_id']}", answer="pay")
    wait_for(lambda: system.sms_to(number))
    guest.page = guest.context.new_page()
    guest.open(device)
    guest.sees("You are online")


def test_a_device_that_is_known_goes_on_in_any_browser(
    system: System, wifi: Wifi, phone: NewPhone
) -> None:
    device, number = wifi.join(), system.new_phone()
    system.buy(number, mac=device.mac, package=system.package("Week 7 GB")).wait_access("ready")
    guest = phone()
    guest.open(device)
    guest.reads("Welcome back! This device still has 6 days 23 hours and 7 GB.")
    guest.shoot("known-device")
    guest.page.get_by_role("button", name="Go online").click()
    guest.sees("You are online")
    guest.reads("Data left")
    assert device.is_online()
    guest.shoot("online-device")
    about = system.get("/captive", params={"mac": device.mac})
    assert about.headers["Content-Type"] == "application/captive+json"
    assert about.json()["captive"] is False
    assert about.json()["seconds-remaining"] > 6 * 24 * 3600
    device.log_out()
    wait_for(lambda: system.get("/captive", params={"mac": device.mac}).json()["captive"])


def test_username_and_password_of_the_sms_let_the_guest_in(
    system: System, wifi: Wifi, phone: NewPhone
) -> None:
    access = system.buy(system.new_phone()).wait_access("ready")["access"]
    guest, device = phone(), wifi.join()
    guest.open(device)
    log_in(guest, access["username"], "wrong")
    guest.reads("The username or password is wrong.")
    guest.shoot("refused")
    log_in(guest, access["username"], access["password"])
    guest.sees("You are online")
    assert device.is_online()


def test_kiswahili_from_the_first_page_to_the_last(
    system: System, wifi: Wifi, phone: NewPhone
) -> None:
    guest, number = phone(), system.new_phone()
    answers(system, number, "cancel", delay_ms=700)
    guest.open(wifi.join())
    guest.page.get_by_role("link", name="Kiswahili").click()
    guest.sees("Chagua kifurushi")
    assert guest.page.locator("html").get_attribute("lang") == "sw"
    guest.shoot("sw-choose")
    guest.choose("1 hour")
    guest.pay_with(number)
    guest.sees("Angalia simu yako")
    guest.shoot("sw-wait")
    guest.sees("Umeghairi malipo")
    guest.shoot("sw-cancelled")
    answers(system, number, "pay")
    guest.page.get_by_role("button", name="Jaribu tena: lipa KSh 20").click()
    guest.sees("Uko mtandaoni")
    guest.shoot("sw-online")
    phone_in_swahili = phone(locale="sw-KE")
    phone_in_swahili.page.goto(system.gateway)
    phone_in_swahili.sees("Chagua kifurushi")


def test_without_scripts_pages_refresh_and_one_tap_logs_in(
    system: System, wifi: Wifi, phone: NewPhone
) -> None:
    guest, device, number = phone(java_script_enabled=False), wifi.join(), system.new_phone()
    guest.open(device)
    guest.choose("1 hour")
    guest.pay_with(number)
    guest.sees("Your access is ready")  # by refreshing itself
    guest.page.get_by_role("button", name="Go online").click()
    guest.sees("You are online")
    assert device.is_online()
    assert re.search(r"password=[a-z0-9]{8}&", guest.sent_to("/login"))


def test_a_network_that_holds_streams_back_delays_nobody_for_long(
    system: System, wifi: Wifi, phone: NewPhone
) -> None:
    guest, number = phone(), system.new_phone()
    guest.page.route("**/events", lambda route: route.abort())
    answers(system, number, "pay", delay_ms=1000)
    guest.open(wifi.join())
    guest.choose("1 hour")
    guest.pay_with(number)
    guest.sees("You are online")
    guest.troubles.clear()  # the stream that was cut off, which browsers mention


def test_a_phone_that_lost_the_network_while_it_waited_catches_up(
    system: System, wifi: Wifi, phone: NewPhone
) -> None:
    guest, number = phone(), system.new_phone()
    answers(system, number, "pay", delay_ms=1000)
    guest.open(wifi.join())
    guest.choose("1 hour")
    guest.pay_with(number)
    guest.sees("Check your phone")
    guest.context.set_offline(True)
    wait_for(lambda: system.sms_to(number))
    guest.context.set_offline(False)
    guest.sees("You are online")


def test_the_keyboard_alone_is_enough(system: System, wifi: Wifi, phone: NewPhone) -> None:
    guest, number = phone(), system.new_phone()
    guest.open(wifi.join())
    for _ in range(4):  # the provider, the language, and the second package
        guest.page.keyboard.press("Tab")
    guest.page.keyboard.press("Enter")
    guest.sees("Pay with M-Pesa")
    guest.page.locator("#phone").focus()
    guest.page.keyboard.type(number)
    guest.page.keyboard.press("Enter")
    guest.sees("You are online")


def log_in(guest: Phone, username: str, password: str) -> None:
    """Type what the SMS says, on the page for it."""
    guest.page.get_by_role("link", name="I have a username and password").click()
    guest.page.locator("#username").fill(username)
    guest.page.locator("#password").fill(password)
    guest.page.locator("form button").click()


def new_voucher(system: System) -> str:
    """The code of a voucher, as its card in the shop has it."""
    body = {"package_id": system.package("1 hour")["id"], "count": 1}
    made = system.post("/api/v1/vouchers", json=body, headers=system.owner()).json()
    query = {"batch_id": made["batch_id"]}

    def codes() -> list[str]:
        found = system.get("/api/v1/vouchers", params=query, headers=system.owner()).json()
        return [str(one["code"]) for one in found["items"]]

    return wait_for(codes)[0]
