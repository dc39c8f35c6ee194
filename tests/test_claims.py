"""Receipts that guests show, and money that goes back, through everything that is real."""

from typing import Any

from .system import Purchase, System, wait_for

MAC = "02:00:5E:10:00:99"


def claim(system: System, receipt: str, phone: str, **more: Any) -> Purchase:
    body = {"receipt": receipt, "phone": phone, **more}
    answer = system.post("/api/v1/payments/claim", json=body)
    assert answer.status_code == 202, answer.text
    told = answer.json()
    return Purchase(system=system, phone=phone, id=told["id"], claim_token=told["claim_token"])


def paid_by_hand(system: System, phone: str) -> str:
    """Money that nobody told us of; answers its receipt."""
    receipt: str = system.steer("/mpesa/c2b", phone=phone, amount=20)["receipt"]
    return receipt


def test_a_receipt_that_nobody_heard_of_is_found_at_mpesa_and_served(system: System) -> None:
    phone = system.new_phone()
    receipt = paid_by_hand(system, phone)
    page = claim(system, receipt.lower(), phone, mac=MAC)
    assert page.look()["status"] == "pending"
    seen = page.wait_access("ready")
    assert (seen["status"], seen["receipt"]) == ("completed", receipt)
    assert seen["price"]["amount"] == 2000
    (sms,) = wait_for(lambda: system.sms_to(phone))
    assert seen["access"]["password"] in sms["message"]


def test_a_receipt_of_somebody_else_reads_like_one_that_there_is_not(system: System) -> None:
    receipt = paid_by_hand(system, system.new_phone())
    stranger = system.new_phone()
    failures = [
        claim(system, shown, stranger).wait("failed")["failure"]
        for shown in (receipt, "UAF0000000")
    ]
    assert failures[0] == failures[1]
    assert failures[0]["code"] == "receipt_not_found"


def test_a_guest_with_another_device_gets_the_sms_again(system: System) -> None:
    purchase = system.buy(system.new_phone(), mac=MAC)
    receipt = purchase.wait_access("ready")["receipt"]
    wait_for(lambda: system.sms_to(purchase.phone))
    page = claim(system, receipt, purchase.phone, mac="02:00:5E:10:00:98")
    assert page.id == purchase.id
    wait_for(lambda: len(system.sms_to(purchase.phone)) == 2)


def test_an_owner_sends_money_back_once_and_the_access_ends(system: System) -> None:
    purchase = system.buy(system.new_phone())
    receipt = purchase.wait_access("ready")["receipt"]
    path, owner = f"/api/v1/payments/{purchase.id}", system.owner()
    body = {"reason": "the guest left at once"}
    assert system.post(f"{path}/reverse", json=body).status_code == 401
    asked = system.post(f"{path}/reverse", json=body, headers=owner)
    assert asked.status_code == 202, asked.text
    purchase.wait_access("ended")

    def done() -> Any:
        shown = system.get(path, headers=owner).json()
        return shown if shown["reversal"]["state"] == "done" else None

    shown = wait_for(done)
    assert shown["reversed_at"]
    again = system.post(f"{path}/reverse", json=body, headers=owner)
    assert again.status_code == 409
    (moved,) = (one for one in system.state()["transactions"] if one["receipt"] == receipt)
    assert moved["reversed_by"]
