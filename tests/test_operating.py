"""What an operator does by the command: look, trace, retry, flush."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
import requests

from hotspot.bus.envelope import Parcel, enclose
from hotspot.bus.rabbit import RabbitTransport
from hotspot.clock import utc_now
from hotspot.contract.payments import ProcessPaymentJob
from hotspot.ids import new_id

from .system import System, paid_callback, wait_for


@pytest.fixture
def broker(system: System) -> Iterator[RabbitTransport]:
    """The running system's broker, for putting poison into its queues."""
    transport = RabbitTransport(system.setting("payment-web", "AMQP_URL"), "test")
    assert transport.wait_until_up(30)
    yield transport
    transport.close()


def failed(system: System) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = system.get(
        "/api/v1/failed-jobs?limit=200", headers=system.owner()
    ).json()["items"]
    return items


def test_poison_is_seen_retried_and_flushed(system: System, broker: RabbitTransport) -> None:
    system.command("jobs", "flush")
    wait_for(lambda: not failed(system))
    envelope = replace(
        enclose(ProcessPaymentJob(payment_id=new_id()), sender="test", now=utc_now()),
        body=b"this is no JSON",
    )
    broker.publish([Parcel(exchange="", routing_key="payments", envelope=envelope)])
    wait_for(lambda: failed(system))
    job_id = str(envelope.message_id)
    assert job_id in system.command("jobs", "failed").stdout
    shown = system.command("jobs", "show", job_id).stdout
    assert "this is no JSON" in shown
    assert "the body is not JSON" in shown
    system.command("jobs", "retry", job_id)
    wait_for(lambda: [job["failures"] for job in failed(system)] == [2])
    system.command("jobs", "retry", "all")
    wait_for(lambda: [job["failures"] for job in failed(system)] == [3])
    system.command("jobs", "flush")
    wait_for(lambda: not failed(system))


def test_a_job_whose_cause_is_mended_succeeds_when_retried(
    system: System, broker: RabbitTransport
) -> None:
    system.command("jobs", "flush")
    wait_for(lambda: not failed(system))
    phone = system.new_phone()
    system.steer("/mpesa/behaviour", mode="no_callback", phone=phone)
    purchase = system.buy(phone)
    prompt = purchase.prompt()
    too_early = ProcessPaymentJob(payment_id=UUID(purchase.id))
    envelope = enclose(too_early, sender="test", now=utc_now(), correlation_id=too_early.payment_id)
    broker.publish([Parcel.of(too_early, envelope)])
    (job,) = wait_for(lambda: failed(system))
    assert (job["message"], job["correlation_id"]) == ("ProcessPaymentJob", purchase.id)
    assert "not completed" in job["reason"]
    requests.post(prompt["callback_url"], json=paid_callback(prompt), timeout=30)
    purchase.wait("completed")
    system.command("jobs", "retry", job["id"])
    wait_for(lambda: not failed(system))


def test_an_operator_sends_a_guest_off(system: System) -> None:
    phone = system.new_phone()
    purchase = system.buy(phone)
    access = purchase.wait_access("ready")["access"]
    router = system.state()["routers"][0]["id"]
    guest = system.steer("/guests", router_id=router, mac="02:00:5E:10:00:42")
    credentials = {"username": access["username"], "password": access["password"]}
    login = system.steer(f"/guests/{guest['id']}/login", method="pap", **credentials)
    assert login["result"] == "accept", login
    purchase.wait_access("online")
    listed = system.get(f"/api/v1/sessions?phone={phone}&status=online", headers=system.owner())
    (session,) = listed.json()["items"]
    path = f"{system.gateway}/api/v1/sessions/{session['id']}"
    assert requests.delete(path, headers=system.owner(), timeout=30).status_code == 202
    ended = purchase.wait_access("ready")
    assert ended["status"] == "completed", "the time that was paid for is still there"
    assert [
        one["state"] for one in system.state()["sessions"] if one["username"] == access["username"]
    ] == ["ended"]


def test_queues_are_listed(system: System) -> None:
    shown = system.command("queues").stdout
    for name in ("hotspot-provisioning", "payments", "hotspot-sms", "dashboard"):
        assert name in shown


def test_what_is_not_there_is_said_clearly(system: System) -> None:
    for arguments in (("trace", str(new_id())), ("jobs", "show", str(new_id())), ("trace", "x")):
        done = system.command(*arguments, check=False)
        assert done.returncode != 0
        assert "Traceback" not in done.stdout + done.stderr
        assert (done.stdout + done.stderr).strip()


def test_an_operator_account_is_made_and_can_log_in(system: System) -> None:
    account = {"email": "owner@hotspot.example", "password": "a long enough password"}
    system.command(
        "operator",
        "add",
        "--email",
        account["email"],
        "--role",
        "owner",
        "--password",
        account["password"],
    )
    answer = system.post("/api/v1/auth/token", json=account)
    assert answer.status_code == 200, answer.text
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert system.get("/api/v1/users", headers=headers).status_code == 200
    wrong = system.post("/api/v1/auth/token", json=account | {"password": "guessed"})
    assert wrong.status_code == 401


def test_a_second_up_says_that_it_runs(system: System) -> None:
    assert "running already" in system.command("up", "--detach").stdout
