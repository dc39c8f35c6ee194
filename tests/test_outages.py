"""The broker or the database goes away and comes back: nothing is lost, nobody must help."""

import os
import signal

import requests

from .system import Purchase, System, paid_callback, wait_for


def test_callbacks_outlive_the_broker_and_the_process_that_took_them(system: System) -> None:
    phone = system.new_phone()
    system.steer("/mpesa/behaviour", mode="no_callback", phone=phone)
    purchase = system.buy(phone)
    prompt = purchase.prompt()
    (broker,) = system.processes("rabbitmq")
    (web,) = system.processes("payment-web")
    os.kill(broker, signal.SIGKILL)
    answer = requests.post(prompt["callback_url"], json=paid_callback(prompt), timeout=10)
    os.kill(web, signal.SIGKILL)
    assert (answer.status_code, answer.json()["ResultCode"]) == (200, 0)
    wait_for(lambda: system.get("/api/v1/packages").status_code == 200)
    access = purchase.wait_access("ready")["access"]
    assert "Access-Accept" in system.login(access["username"], access["password"])
    assert len(wait_for(lambda: system.sms_to(phone))) == 1


def test_a_purchase_is_refused_clearly_while_the_broker_is_down(system: System) -> None:
    _buys(system)
    (broker,) = system.processes("rabbitmq")
    package = system.package()
    os.kill(broker, signal.SIGKILL)
    body = {"package_id": package["id"], "phone": system.new_phone()}
    answer = system.post("/api/v1/payments", json=body)
    assert answer.status_code in (202, 503)
    if answer.status_code == 503:
        assert answer.headers["Content-Type"] == "application/problem+json"
    wait_for(lambda: system.get("/health/ready").status_code == 200)
    _buys(system).wait_access("ready")


def test_the_database_dies_and_everything_goes_on(system: System) -> None:
    purchases = [_buys(system) for _ in range(3)]
    (postgres,) = system.processes("postgres")
    os.kill(postgres, signal.SIGKILL)
    wait_for(lambda: system.get("/health/ready").status_code == 200)
    for purchase in [*purchases, _buys(system)]:
        purchase.wait_access("ready")
    access = purchases[0].look()["access"]
    wait_for(lambda: "Access-Accept" in system.login(access["username"], access["password"]))


def _buys(system: System) -> Purchase:
    wait_for(lambda: system.get("/api/v1/packages").status_code == 200)
    return wait_for(lambda: _try_to_buy(system))


def _try_to_buy(system: System) -> Purchase | None:
    phone = system.new_phone()
    body = {"package_id": system.package()["id"], "phone": phone}
    answer = system.post("/api/v1/payments", json=body)
    if answer.status_code != 202:
        return None
    made = answer.json()
    return Purchase(system=system, phone=phone, id=made["id"], claim_token=made["claim_token"])
