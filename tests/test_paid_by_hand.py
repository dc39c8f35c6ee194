"""A guest pays to the paybill by hand, with a phone number as account, and gets online."""

from collections.abc import Iterator

import pytest
import requests

from .system import System, wait_for


@pytest.fixture
def registered(system: System) -> Iterator[System]:
    """M-Pesa reports such payments; for this test only, for it reports paid prompts as well."""
    said = system.command("mpesa", "register-urls").stdout
    assert "/callbacks/c2b/confirmation/" in said
    yield system
    requests.delete(system.simulators + "/mpesa/c2b", timeout=10)


def test_money_that_is_paid_by_hand_buys_access(registered: System) -> None:
    phone = registered.new_phone()
    account = f"0{phone[3:]}"
    paid = registered.steer("/mpesa/c2b", phone=phone, amount=25, reference=account)
    (sms,) = wait_for(lambda: registered.sms_to(phone))
    assert paid["receipt"] in sms["message"]
    password = sms["message"].split("password ")[1].split(".")[0]
    assert "Access-Accept" in registered.login(account, password)
    listed = registered.get("/api/v1/receipts?held=true", headers=registered.owner()).json()
    (left,) = [one for one in listed["items"] if one["receipt"] == paid["receipt"]]
    assert left["left_over"]["amount"] == 500, "of 25 bob, the hour costs 20"


def test_a_prompt_that_m_pesa_reports_twice_is_served_once(registered: System) -> None:
    phone = registered.new_phone()
    purchase = registered.buy(phone)
    receipt = purchase.wait_access("ready")["receipt"]
    wait_for(lambda: registered.sms_to(phone))

    def heard() -> list[str]:
        listed = registered.state()["transactions"]
        return next(one["confirmations"] for one in listed if one["receipt"] == receipt)

    wait_for(heard)
    found = registered.get(f"/api/v1/receipts?receipt={receipt}", headers=registered.owner())
    (one,) = found.json()["items"]
    assert (one["payment_id"], one["held"]) == (purchase.id, None)
    assert len(registered.sms_to(phone)) == 1
