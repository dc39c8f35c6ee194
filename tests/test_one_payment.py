"""A guest pays by M-Pesa and is online, through everything that is real."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
import requests

from .system import System, paid_callback, wait_for

MODES_WITHOUT_MONEY = {
    "cancel": "cancelled",
    "wrong_pin": "failed",
    "no_balance": "failed",
    "timeout": "expired",
}


def test_a_guest_pays_and_is_online(system: System) -> None:
    phone = system.new_phone()
    purchase = system.buy(phone, mac="02:00:5E:10:00:99")
    seen = purchase.wait_access("ready", "online")
    assert seen["status"] == "completed"
    assert len(seen["receipt"]) == 10
    assert phone not in str(seen["phone"])
    access = seen["access"]
    router = system.state()["routers"][0]["id"]
    guest = system.steer("/guests", router_id=router, mac="02:00:5E:10:00:99")
    login = system.steer(
        f"/guests/{guest['id']}/login",
        username=access["username"],
        password=access["password"],
        method="chap",
    )
    assert login["result"] == "accept", login
    assert purchase.wait_access("online")["access"]["until"]
    (sms,) = wait_for(lambda: system.sms_to(phone))
    assert access["username"] in sms["message"]
    assert access["password"] in sms["message"]
    system.steer(f"/guests/{guest['id']}/logout")


def test_the_timeline_joins_every_step(system: System) -> None:
    purchase = system.buy(system.new_phone())
    purchase.wait_access("ready")
    wanted = {
        "RequestPaymentJob",
        "PromptPhoneJob",
        "RecordStkCallbackJob",
        "HotspotUserProvisionRequested",
        "AuthorizeRadiusUserJob",
        "RadiusUserAuthorized",
        "CacheCredentialsJob",
        "SendCredentialsSMSJob",
        "ProcessPaymentJob",
    }

    def steps() -> set[str]:
        shown = system.command("trace", purchase.id, check=False).stdout
        return {name for name in wanted if name in shown}

    wait_for(lambda: steps() == wanted, steps)


def test_radclient_gets_what_was_paid_for(system: System) -> None:
    phone = system.new_phone()
    before = system.login("0" + phone[3:], "whatever")
    assert "Access-Reject" in before
    purchase = system.buy(phone)
    access = purchase.wait_access("ready")["access"]
    package = system.package()
    for chap in (False, True):
        answer = system.login(access["username"], access["password"], chap=chap)
        assert "Access-Accept" in answer, answer
        left = int(answer.split("Session-Timeout = ")[1].split()[0])
        assert package["duration_seconds"] - 120 < left <= package["duration_seconds"]
        assert "Mikrotik-Rate-Limit" in answer or "Attr-26.14988.8" in answer
    assert "Access-Reject" in system.login(access["username"], "wrong")


def test_radclient_is_told_the_data_that_is_left_beyond_4_gib(system: System) -> None:
    package = next(
        one
        for one in system.get("/api/v1/packages").json()["items"]
        if (one["data_bytes"] or 0) > 2**32
    )
    access = system.buy(system.new_phone(), package=package).wait_access("ready")["access"]
    answer = system.login(access["username"], access["password"])
    gigawords, octets = divmod(package["data_bytes"], 2**32)
    assert f"Mikrotik-Total-Limit = {octets}" in answer, answer
    assert f"Mikrotik-Total-Limit-Gigawords = {gigawords}" in answer


def test_after_the_time_is_up_the_login_is_refused(system: System) -> None:
    phone = system.new_phone()
    with psycopg.connect(system.database_url("payment"), autocommit=True) as connection:
        connection.execute("UPDATE packages SET duration_seconds = 3 WHERE name = %s", ("1 hour",))
    try:
        purchase = system.buy(phone, package=system.package("1 hour"))
        access = purchase.wait_access("ready")["access"]
        wait_for(lambda: "Access-Reject" in system.login(access["username"], access["password"]))
    finally:
        with psycopg.connect(system.database_url("payment"), autocommit=True) as connection:
            connection.execute(
                "UPDATE packages SET duration_seconds = 3600 WHERE name = %s", ("1 hour",)
            )


def test_a_second_payment_extends_the_access_and_keeps_the_password(system: System) -> None:
    phone = system.new_phone()
    first = system.buy(phone).wait_access("ready")["access"]
    second = system.buy(phone).wait_access("ready")["access"]
    assert (second["username"], second["password"]) == (first["username"], first["password"])
    assert second["until"] > first["until"]


@pytest.mark.parametrize(("mode", "status"), MODES_WITHOUT_MONEY.items())
def test_no_money_no_access(system: System, mode: str, status: str) -> None:
    phone = system.new_phone()
    system.steer("/mpesa/behaviour", mode=mode, phone=phone)
    seen = system.buy(phone).wait(status)
    assert seen["access"] is None
    assert seen["failure"]["code"]
    assert seen["failure"]["message"]
    assert "Access-Reject" in system.login("0" + phone[3:], "whatever")


@pytest.mark.parametrize("mode", ["duplicate", "callback_first"])
def test_odd_callbacks_serve_once(system: System, mode: str) -> None:
    phone = system.new_phone()
    system.steer("/mpesa/behaviour", mode=mode, phone=phone)
    purchase = system.buy(phone)
    purchase.wait_access("ready")
    wait_for(lambda: system.sms_to(phone))
    assert _rows(system, "provisioning", "grants", purchase.id) == 1


def test_a_guest_whose_callback_was_lost_is_online_all_the_same(system: System) -> None:
    phone = system.new_phone()
    system.steer("/mpesa/behaviour", mode="no_callback", phone=phone)
    access = system.buy(phone).wait_access("ready")["access"]
    assert "Access-Accept" in system.login(access["username"], access["password"])


def test_the_same_callback_50_times_at_once_serves_once(system: System) -> None:
    phone = system.new_phone()
    system.steer("/mpesa/behaviour", mode="no_callback", phone=phone)
    purchase = system.buy(phone)
    prompt = purchase.prompt()
    callback = paid_callback(prompt)

    def call(_: int) -> int:
        return requests.post(prompt["callback_url"], json=callback, timeout=30).status_code

    with ThreadPoolExecutor(50) as pool:
        assert set(pool.map(call, range(50))) == {200}
    purchase.wait_access("ready")
    wait_for(lambda: system.sms_to(phone))
    wait_for(lambda: _rows(system, "payment", "mpesa_messages", purchase.id) >= 50)
    assert len(system.sms_to(phone)) == 1
    assert _rows(system, "payment", "vouchers", purchase.id) == 1
    assert _rows(system, "provisioning", "grants", purchase.id) == 1
    assert _rows(system, "radius", "grants", purchase.id) == 1


def _rows(system: System, service: str, table: str, payment_id: str) -> int:
    with psycopg.connect(system.database_url(service)) as connection:
        counted = connection.execute(
            f"SELECT count(*) FROM {table} WHERE payment_id = %s", (payment_id,)
        ).fetchone()
    assert counted is not None
    return int(counted[0])
