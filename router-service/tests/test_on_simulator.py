"""From a box to a hotspot over TCP: the service's own handlers and the simulated routers."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from ipaddress import IPv4Interface
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from sqlalchemy import Engine

from hotspot.contract.message import Message
from hotspot.contract.routers import (
    BackUpRouterJob,
    CheckDriftJob,
    CheckRoutersJob,
    RecordRouterConnectionJob,
    RouterProvisioningJob,
)
from hotspot.contract.sessions import DisconnectGuestJob, GuestDisconnected
from hotspot.ids import new_id
from hotspot.testing.handling import NOON, FakePublisher
from hotspot.testing.identity import Keys
from hotspot.testing.simulators import Simulators, free_port
from hotspot.vault import Vault
from router_service.checking import ask_router, check_all
from router_service.config import Config, Controller, WireGuard
from router_service.monitoring import check_routers
from router_service.provisioning import STEPS
from router_service.reaching import Reach
from router_service.registration import Registry
from router_service.routeros import connect
from router_service.web import create_app
from router_service.worker import handlers as handlers_of

from .conftest import CONTROLLER_KEY
from .on_simulator import Operator, served
from .test_provisioning import package

# So short that a test need not wait for a black hole.
PATIENCE_SECONDS = 0.8
PORTAL = "http://127.0.0.1:8000"


@pytest.fixture(scope="module")
def simulators() -> Iterator[Simulators]:
    """One process for all tests of this file: each has routers at addresses of its own."""
    with Simulators.started() as running:
        yield running


@pytest.fixture
def own_port() -> int:
    """Where routers find us."""
    return free_port()


@pytest.fixture
def controller(controller: Controller, own_port: int) -> Controller:
    """A controller on this machine, without tunnels."""
    return replace(
        controller,
        addresses=("127.0.0.1",),
        radius_address="127.0.0.1",
        connect_url=f"http://127.0.0.1:{own_port}",
        portal_url=PORTAL,
        wireguard=None,
    )


@pytest.fixture
def operator(
    config: Config, engine: Engine, keys: Keys, simulators: Simulators, own_port: int
) -> Iterator[Operator]:
    """At work, with a package on sale."""
    registry = Registry(vault=Vault(config.encryption_keys), controller=config.controller)
    reach = Reach(registry=registry, connect=partial(connect, timeout=PATIENCE_SECONDS))
    ask = partial(ask_router, patience=PATIENCE_SECONDS)
    publisher = FakePublisher()
    app = create_app(config, publisher=publisher, engine=engine)
    with ExitStack() as open_:
        open_.enter_context(served(app, own_port))
        working = Operator(
            app=app,
            keys=keys,
            engine=engine,
            handlers={
                **handlers_of(config, reach),
                CheckRoutersJob: check_routers(reach, partial(check_all, ask=ask)),
            },
            publisher=publisher,
            simulators=simulators,
        )
        working.work_off([package("HOUR1"), package("DAY1")])
        yield working


def test_one_paste_connects_a_router_and_a_second_changes_nothing(
    operator: Operator, simulators: Simulators
) -> None:
    simulated = simulators.plug_in("127.0.50.1")
    registered = operator.register("127.0.50.1")
    router = UUID(registered["id"])
    assert operator.look(router)["status"] == "pending"

    said = operator.paste(simulated, registered)

    assert said[0] == "Connecting shop at 127.0.50.1 to the hotspot system"
    assert said[1:] == []
    seen = operator.look(router)
    assert (seen["status"], seen["identity"], seen["model"]) == ("online", "MikroTik", "hAP ax^2")
    before = configuration(operator, router)
    assert operator.paste(simulated, registered) == said
    assert configuration(operator, router) == before
    assert before.index("hotspot: controller 1 tcp") < before.index("action=drop")


@pytest.mark.parametrize("factory", ["hap", "bare"])
def test_a_router_from_the_box_becomes_a_hotspot(
    operator: Operator, simulators: Simulators, factory: str
) -> None:
    address = {"hap": "127.0.51.1", "bare": "127.0.51.2"}[factory]
    simulated, router = operator.connect(address, factory=factory)

    run = operator.provision(router)

    assert [step["state"] for step in run["steps"]] == ["done"] * len(STEPS), run["reason"]
    assert run["changes"] > 20
    guest = simulators.post("/guests", router_id=simulated)
    page = simulators.browse(f"/hotspot/{guest['id']}/")
    (target,) = re.findall(r'content="0; url=([^"]+)"', page.text.replace("&amp;", "&"))
    assert target.startswith(f"{PORTAL}/?")
    told = {name: value for name, (value,) in parse_qs(urlsplit(target).query).items()}
    assert (told["mac"], told["ip"], told["router"]) == (guest["mac"], guest["ip"], str(router))
    assert told["link-login-only"] == f"{simulators.url}/hotspot/{guest['id']}/login"
    # Nobody answers RADIUS here; but the router asks it, instead of refusing a plain password.
    refused = simulators.browse(f"/hotspot/{guest['id']}/login?username=u&password=p")
    assert "error=RADIUS%20server%20is%20not%20responding" in refused.text

    again = operator.provision(router)
    assert (again["state"], again["changes"]) == ("done", 0)


def test_an_operators_own_things_stay(operator: Operator, simulators: Simulators) -> None:
    simulated, router = operator.connect("127.0.52.1")
    own = """
/ip hotspot profile add name=hsprof1 login-by=http-chap
/ip hotspot add name=hotspot1 interface=ether5 profile=hsprof1 disabled=no
/ip address add address=10.7.0.1/24 interface=ether4
/ip hotspot user profile add name=hotspot-staff
/ip firewall filter add chain=input action=accept protocol=tcp dst-port=8291 comment="winbox"
/system ntp client set servers=time.example.net
"""
    assert simulators.post(f"/routers/{simulated}/paste", script=own)["printed"] == []
    before = set(configuration(operator, router).splitlines())

    assert operator.provision(router)["state"] == "done"

    after = set(configuration(operator, router).splitlines())
    gone = {line for line in before - after if "bridge=bridge" not in line}
    assert {re.sub(r"\s.*", "", line) for line in gone} <= {"set"}
    assert "servers=time.example.net" in "\n".join(after)
    assert operator.look(router)["site"]["ports"] == ["ether3", "wifi1", "wifi2"]


def test_drift_is_shown_and_repaired(operator: Operator, simulators: Simulators) -> None:
    simulated, router = operator.connect("127.0.53.1")
    operator.provision(router)
    whole = configuration(operator, router)
    by_hand = """
/ip hotspot profile set [find name=hotspot-profile] login-by=http-chap
/ip firewall nat remove [find comment="hotspot: way out"]
/interface bridge port set [find interface=ether4] bridge=bridge
/file remove [find type=".html file"]
"""
    simulators.post(f"/routers/{simulated}/paste", script=by_hand)

    operator.work_off([CheckDriftJob(router_id=router, requested_at=NOON)])

    changes = operator.look(router, "drift")["changes"]
    assert {(one["change"], one["what"].partition("/")[2] or one["what"]) for one in changes} == {
        ("set", "hotspot-profile"),
        ("set", "ether4"),
        ("add", "hotspot: way out"),
        *(("fetch", f"{name}.html") for name in ("login", "redirect", "status", "logout", "error")),
    }
    operator.provision(router)
    assert sorted(configuration(operator, router).splitlines()) == sorted(whole.splitlines())


def test_a_router_that_reboots_in_each_step_is_the_same_in_the_end(
    operator: Operator, simulators: Simulators
) -> None:
    _, undisturbed = operator.connect("127.0.54.1")
    operator.provision(undisturbed)
    whole = configuration(operator, undisturbed)

    for turn in range(5):
        simulated, router = operator.connect(f"127.0.54.{turn + 2}")

        def reboot(job: Message, simulated: str = simulated, turn: int = turn) -> None:
            """After the login, the look at the router, the reading, and the first changes."""
            step = job.step if isinstance(job, RouterProvisioningJob) else 0
            after = (turn * 7 + step * 4) % 40
            simulators.post(
                f"/routers/{simulated}/behaviour", mode="reboots", after=after, delay_ms=20
            )

        operator.trouble = reboot
        run = operator.provision(router)
        operator.trouble = lambda _: None
        simulators.post(f"/routers/{simulated}/behaviour", mode="ok")

        assert run["state"] == "done", run
        assert configuration(operator, router) == whole


@pytest.mark.parametrize("mode", ["down", "blackhole"])
def test_a_router_that_is_away_is_waited_for_and_goes_on(
    operator: Operator, simulators: Simulators, mode: str
) -> None:
    simulated, router = operator.connect({"down": "127.0.55.1", "blackhole": "127.0.55.2"}[mode])
    steps_done = 0

    def lose_it(job: Message) -> None:
        nonlocal steps_done
        steps_done += isinstance(job, RouterProvisioningJob)
        if steps_done == 3:
            simulators.post(f"/routers/{simulated}/behaviour", mode=mode)

    operator.trouble = lose_it
    run = operator.provision(router)
    operator.trouble = lambda _: None
    assert (run["state"], run["steps"][1]["state"]) == ("waiting", "done")
    assert "does not answer" in run["reason"]
    for status in ("provisioning", "offline"):  # one miss is nothing, two are an outage
        operator.work_off([CheckRoutersJob()])
        assert operator.look(router)["status"] == status

    simulators.post(f"/routers/{simulated}/behaviour", mode="ok")
    operator.work_off([CheckRoutersJob()])

    assert operator.look(router)["status"] == "online"
    finished = operator.look(router, "provisioning")
    assert (finished["id"], finished["state"]) == (run["id"], "done")


@pytest.mark.parametrize(
    ("plan", "behaviour", "reason"),
    [
        ({}, "wrong_password", "does not let hotspot in: invalid user name or password"),
        ({"hotspot": "missing"}, "ok", "install the package `hotspot`"),
        ({"hotspot": "forbidden"}, "ok", "/system/device-mode/update hotspot=yes"),
    ],
)
def test_what_a_person_must_do_is_said(
    *,
    operator: Operator,
    simulators: Simulators,
    plan: dict[str, str],
    behaviour: str,
    reason: str,
) -> None:
    simulated, router = operator.connect(f"127.0.56.{len(reason)}", **plan)
    simulators.post(f"/routers/{simulated}/behaviour", mode=behaviour)

    run = operator.provision(router)

    assert (run["state"], run["steps"][0]["state"]) == ("failed", "failed")
    assert reason in run["reason"]
    operator.work_off([CheckRoutersJob()] * 2)
    # A router without HotSpot is there; one that lets nobody in cannot be watched.
    away = behaviour == "wrong_password"
    assert operator.look(router)["status"] == ("offline" if away else "failed")


@pytest.mark.parametrize("version", ["7.14.3", "7.18", "6.49.10"])
def test_older_and_newer_versions_as_far_as_they_go(operator: Operator, version: str) -> None:
    address = f"127.0.57.{sum(map(ord, version)) % 200}"
    simulated = operator.simulators.plug_in(address, version=version)
    registered = operator.register(address)
    said = operator.paste(simulated, registered)
    router = UUID(registered["id"])

    assert operator.look(router)["version"] == version
    # A terminal refuses a line with an unknown word as a whole, whatever guards it.
    unknown = any("unknown parameter require-message-auth" in line for line in said)
    assert unknown is (version != "7.18")
    assert operator.provision(router)["state"] == "done"
    assert operator.provision(router)["changes"] == 0


def test_by_tls_with_a_certificate_of_the_routers_own(
    operator: Operator, simulators: Simulators
) -> None:
    simulated = simulators.plug_in("127.0.58.1")
    registered = operator.register("127.0.58.1", api_tls=True)
    operator.paste(simulated, registered)
    router = UUID(registered["id"])

    assert operator.provision(router)["state"] == "done"
    operator.work_off([CheckRoutersJob()] * 2)
    assert operator.look(router)["status"] == "online"


def test_a_guest_is_sent_off_by_the_api(operator: Operator, simulators: Simulators) -> None:
    simulated, router = operator.connect("127.0.59.1")
    operator.provision(router)

    def order(nas: str) -> DisconnectGuestJob:
        return DisconnectGuestJob(
            session_id=new_id(), attempt=1, username="u", nas=nas, requested_at=NOON
        )

    def answers(nas: str) -> str:
        (told,) = operator.work_off([order(nas)])
        assert isinstance(told, GuestDisconnected)
        return told.outcome

    assert answers("127.0.59.1") == "not_there"
    assert answers("127.0.59.9") == "unknown_router"
    simulators.post(f"/routers/{simulated}/behaviour", mode="down")
    assert answers("127.0.59.1") == "unreachable"


def test_behind_cgnat_only_the_public_key_comes_home(
    operator: Operator, simulators: Simulators, registry: Registry, controller: Controller
) -> None:
    tunnels = WireGuard(
        endpoint_host="vpn.example.net",
        endpoint_port=51820,
        public_key=CONTROLLER_KEY,
        interface=IPv4Interface("10.99.0.1/16"),
    )
    operator.app.extensions["registry"] = replace(
        registry, controller=replace(controller, wireguard=tunnels)
    )
    simulated = simulators.plug_in("127.0.60.1")
    registered = operator.register("127.0.60.1")
    pasted = simulators.post(
        f"/routers/{simulated}/paste", script=registered["connectivity_script"]
    )

    first, second = operator.publisher.sent
    assert isinstance(first, RecordRouterConnectionJob)
    assert isinstance(second, RecordRouterConnectionJob)
    assert (first.public_key, len(second.public_key or "")) == (None, 44)
    assert len(pasted["printed"]) == 1


def configuration(operator: Operator, router: UUID) -> str:
    """`/export`, without what differs between two routers."""
    record = BackUpRouterJob(router_id=router, backup_id=new_id(), requested_at=NOON)
    operator.work_off([record])
    headers = operator.keys.headers("operator")
    client = operator.app.test_client()
    newest = client.get(f"/api/v1/routers/{router}/backups", headers=headers).get_json()["items"]
    url = f"/api/v1/routers/{router}/backups/{newest[0]['version']}"
    text = client.get(url, headers=headers).text
    return re.sub(r"hotspot-page-\w+|127\.0\.5\d\.\d", "X", text)
