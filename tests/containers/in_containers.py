"""The system in containers: the main job, and what goes wrong in a machine room.

Run by `./hotspot test --containers`, which builds the images first. Not among the default tests.
"""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import requests
from rich.console import Console

from hotspot.command.story import Story
from hotspot.testing.system import Purchase, wait_for

from .deployed import ROUTEROS_PORT, Deployed, deployed

WORKER = "payment-worker-payments"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """One deployment for all of these tests, which run in their order."""
    folder = tmp_path_factory.mktemp("deployed")
    folder.parent.chmod(0o755)
    folder.chmod(0o755)
    started = time.monotonic()
    with deployed(folder) as running:
        print(f"\nup and healthy after {time.monotonic() - started:.1f} s")  # noqa: T201
        yield running


def test_the_main_job_through_the_gateway(system: Deployed) -> None:
    told = StringIO()
    console = Console(file=told, width=110, highlight=False)
    story = Story(
        console=console,
        gateway=system.gateway,
        owner=system.owner(),
        simulators=system.simulators,
        api_port=ROUTEROS_PORT,
        address=system.network.simulators,
    )
    try:
        story.play()
    finally:
        print(told.getvalue())  # noqa: T201  # shown with -s, and where it fails


def test_services_reach_their_own_and_nobody_elses(system: Deployed) -> None:
    ask = "import socket,sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)"
    reach = f"try: exec({ask!r}); print('reached')\nexcept OSError: print('not reached')"

    def can(service: str, host: str, port: int) -> bool:
        return system.python(service, reach, host, str(port)) == "reached"

    assert can("gateway-web", "payment-web", 8080)
    assert can("payment-web", "postgres", 5432)
    assert can("payment-web", "rabbitmq", 5672)
    assert not can("payment-web", "provisioning-web", 8080)
    assert not can("provisioning-web", "payment-web", 8080)
    assert not can("router-worker-routers", "radius-web", 8080)
    assert not can("payment-web", "redis", 6379)
    assert not can("payment-web", "gateway-worker-general", 8081)


def test_a_login_opens_its_own_database_only(system: Deployed) -> None:
    opening = (
        "import psycopg, pathlib, sys\n"
        "url = pathlib.Path('/run/secrets/payment_database_url').read_text().strip()\n"
        "try:\n"
        "    psycopg.connect(url.rpartition('/')[0] + '/' + sys.argv[1]).close(); print('open')\n"
        "except psycopg.OperationalError as error: print('permission denied' in str(error))\n"
    )
    assert system.python("payment-web", opening, "payment") == "open"
    assert system.python("payment-web", opening, "provisioning") == "True"


def test_no_secret_can_be_seen_from_outside(system: Deployed) -> None:
    folder = Path(system.environment["SECRETS_DIR"])
    secrets = [file.read_text().strip() for file in folder.iterdir()]
    logs = system.compose("logs", "--no-color")
    for container in system.compose("ps", "--all", "--quiet").split():
        seen = json.dumps(system.inspect(container)["Config"])
        assert not [secret for secret in secrets if secret in seen]
    assert not [secret for secret in secrets if secret in logs]


def test_payments_go_on_while_a_worker_is_killed_and_it_comes_back(system: Deployed) -> None:
    (worker,) = system.containers(WORKER)
    before = system.inspect(worker)["RestartCount"]
    purchases = [system.system.buy(system.system.new_phone()) for _ in range(10)]
    system.kill(worker)
    purchases += [system.system.buy(system.system.new_phone()) for _ in range(5)]
    wait_for(lambda: system.inspect(worker)["RestartCount"] > before)
    _all_served_once(system, purchases)


def test_a_group_is_scaled(system: Deployed) -> None:
    system.scaled[WORKER] = 3
    system.up("--no-recreate")
    assert len(system.containers(WORKER)) == 3
    owner = system.owner()

    def consumers() -> int:
        queues = owner.get("/api/v1/queues")["items"]
        return next(int(queue["consumers"]) for queue in queues if queue["name"] == "payments")

    wait_for(lambda: consumers() == 3)
    _all_served_once(system, [system.system.buy(system.system.new_phone()) for _ in range(15)])


def test_the_broker_restarts_in_the_middle_of_payments(system: Deployed) -> None:
    done = threading.Event()
    purchases: list[Purchase] = []

    def keep_buying() -> None:
        while not done.is_set():
            bought = _try_to_buy(system)
            if bought:
                purchases.append(bought)
            done.wait(0.2)

    with ThreadPoolExecutor(max_workers=2) as pool:
        guests = [pool.submit(keep_buying) for _ in range(2)]
        try:
            wait_for(lambda: len(purchases) >= 5)
            system.compose("restart", "rabbitmq")
            after = len(purchases) + 5
            wait_for(lambda: len(purchases) >= after)
        finally:
            done.set()
        for guest in guests:
            guest.result()
    _all_served_once(system, purchases)


def test_freeradius_takes_the_place_of_our_server_and_time_runs_out(system: Deployed) -> None:
    purchase = system.system.buy(system.system.new_phone(), package=_a_minute(system))
    access = purchase.wait_access("ready")["access"]
    system.environment["COMPOSE_PROFILES"] = "demo,freeradius"
    system.environment["RADIUS_SERVERS"] = "0"
    system.up("--no-recreate")
    assert system.containers("radius-server") == []
    router = next(one for one in system.simulators.get("/state")["routers"] if one["factory"])
    guest = system.simulators.post("/guests", {"router_id": router["id"]})
    login = {name: access[name] for name in ("username", "password")} | {"method": "pap"}

    def accepted() -> bool:  # a router that was just added is known a moment later
        result = system.simulators.post(f"/guests/{guest['id']}/login", login)["result"]
        return bool(result == "accept")

    wait_for(accepted)
    purchase.wait_access("online")
    bought = time.monotonic()
    while purchase.look()["access"]["state"] != "ended":
        assert time.monotonic() - bought < 90, (
            "a minute was paid for, and the guest is still online"
        )
        time.sleep(0.4)


def test_both_promises_are_kept(system: Deployed) -> None:
    owner = system.owner()
    owner.post("/api/v1/dashboard/refresh")

    def stats() -> dict[str, int]:
        seen = owner.get("/api/v1/dashboard/stats")
        return {name: seen[name] for name in ("money_without_service", "service_without_time")}

    wait_for(lambda: stats() == {"money_without_service": 0, "service_without_time": 0}, stats)
    assert owner.get("/api/v1/failed-jobs")["items"] == []


def _a_minute(system: Deployed) -> dict[str, Any]:
    """The shortest package that an operator can sell."""
    terms = {"name": "A minute", "duration_seconds": 60, "down_kbps": 1000, "up_kbps": 1000}
    price = {"amount": 100, "currency": "KES"}
    made = system.owner().post("/api/v1/packages", {**terms, "price": price})

    def on_sale() -> dict[str, Any] | None:
        packages = system.gateway.items("/api/v1/packages")
        return next((dict(one) for one in packages if one["id"] == made["id"]), None)

    return wait_for(on_sale)


def _try_to_buy(system: Deployed) -> Purchase | None:
    """None while the broker is away: the guest is told so, and asks again."""
    try:
        return system.system.buy(system.system.new_phone())
    except (AssertionError, requests.RequestException):
        return None


def _all_served_once(system: Deployed, purchases: list[Purchase]) -> None:
    """Everybody was asked once, paid once, and has access and one SMS."""
    for purchase in purchases:
        paid = purchase.wait_access("ready")
        assert paid["status"] == "completed"
    wait_for(lambda: all(system.system.sms_to(one.phone) for one in purchases))
    seen = system.system.state()
    for purchase in purchases:
        assert [one["phone"] for one in seen["prompts"]].count(purchase.phone) == 1
        assert len([one for one in seen["sms"] if one["to"].lstrip("+") == purchase.phone]) == 1
