"""From the box to a hotspot: step by step, once, whatever breaks on the way."""

from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from hotspot.bus.work import Handlers
from hotspot.contract.message import Message
from hotspot.contract.money import Money
from hotspot.contract.packages import PackageChanged, PackageTerms
from hotspot.contract.routers import (
    ChangeRouterJob,
    CheckDriftJob,
    HotspotSite,
    RouterProvisioningJob,
    RouterProvisioningProgressed,
)
from hotspot.ids import new_id
from hotspot.testing.handling import NOON, FakePublisher, envelope_for, run, run_envelope
from hotspot.testing.identity import Keys
from router_service.provisioning import STEPS
from router_service.routeros import RouterRefused, RouterUnreachable, WrongPassword

from .router_on_paper import PaperRouter, from_the_box
from .test_connecting import connection
from .test_registration import register


@pytest.fixture
def paper() -> PaperRouter:
    """A router from the box."""
    return from_the_box()


@pytest.fixture
def router(client: FlaskClient, keys: Keys, engine: Engine, handlers: Handlers) -> UUID:
    """Connected, and a package is on sale."""
    router = str(register(client, keys).get_json()["id"])
    run(handlers, connection(router), engine)
    run(handlers, package("HOUR1"), engine)
    return UUID(router)


def package(code: str, *, on_sale: bool = True, down_kbps: int = 5000) -> PackageChanged:
    """What payment-service tells of a package."""
    terms = PackageTerms(
        package_id=new_id(),
        name=code,
        kind="hotspot",
        price=Money.shillings(20),
        duration_seconds=3600,
        down_kbps=down_kbps,
        up_kbps=2500,
    )
    return PackageChanged(code=code, terms=terms, on_sale=on_sale, changed_at=NOON)


def provision(
    handlers: Handlers, router: UUID, engine: Engine, run_id: UUID | None = None, step: int = 0
) -> list[Message]:
    """A run from a step to its end; answers what was told on the way."""
    told: list[Message] = []
    waiting: list[Message] = [
        RouterProvisioningJob(router_id=router, run_id=run_id or new_id(), step=step)
    ]
    while waiting:
        sent = run(handlers, waiting.pop(), engine)
        waiting += [one for one in sent if isinstance(one, RouterProvisioningJob)]
        told += [one for one in sent if not isinstance(one, RouterProvisioningJob)]
    return told


def state(client: FlaskClient, keys: Keys, router: UUID, what: str = "provisioning") -> Any:
    """What operators see."""
    url = f"/api/v1/routers/{router}/{what}".rstrip("/")
    return client.get(url, headers=keys.headers("viewer")).get_json()


def test_a_router_from_the_box_becomes_a_hotspot(
    *,
    router: UUID,
    client: FlaskClient,
    keys: Keys,
    engine: Engine,
    handlers: Handlers,
    paper: PaperRouter,
) -> None:
    told = provision(handlers, router, engine)

    seen = state(client, keys, router)
    assert [(step["name"], step["state"]) for step in seen["steps"]] == [
        (name, "done") for name in STEPS
    ]
    assert (seen["state"], seen["changes"] > 20) == ("done", True)
    assert state(client, keys, router, "")["status"] == "online"
    progress = [
        (one.step, one.state) for one in told if isinstance(one, RouterProvisioningProgressed)
    ]
    assert progress == [(name, state) for name in STEPS for state in ("running", "done")]
    (profile,) = [row for row in paper.read("/ip/hotspot/profile") if row["name"] != "default"]
    assert "http-pap" in profile["login-by"]
    (limits,) = paper.read("/ip/hotspot/user/profile", name="hotspot-package-HOUR1")
    assert limits["rate-limit"] == "2500k/5000k"
    order = [row.get("comment", "") for row in paper.read("/ip/firewall/filter")]
    assert order.index("hotspot: guests' rest") < order.index(
        "defconf: drop all not coming from LAN"
    )
    assert order.index("hotspot: no FastTrack in-interface") < order.index("defconf: fasttrack")
    ports = {row["interface"]: row["bridge"] for row in paper.read("/interface/bridge/port")}
    assert ports["ether2"] == "bridge"
    assert ports["wlan1"] == "hotspot-bridge"


def test_a_second_run_changes_nothing_and_says_so(
    *,
    router: UUID,
    client: FlaskClient,
    keys: Keys,
    engine: Engine,
    handlers: Handlers,
    paper: PaperRouter,
) -> None:
    provision(handlers, router, engine)
    before = paper.changed

    provision(handlers, router, engine)

    assert paper.changed == before
    assert (state(client, keys, router)["changes"], state(client, keys, router)["state"]) == (
        0,
        "done",
    )


def test_a_connection_that_breaks_anywhere_ends_in_the_same_state(
    client: FlaskClient, keys: Keys, engine: Engine, handlers: Handlers, paper: PaperRouter
) -> None:
    router = UUID(register(client, keys).get_json()["id"])
    run(handlers, connection(str(router)), engine)
    run(handlers, package("HOUR1"), engine)
    provision(handlers, router, engine)
    whole = {menu: strip(rows) for menu, rows in paper.menus.items()}
    box = from_the_box().menus

    for words in range(0, 120, 7):  # every seventh word that is said to it
        paper.menus = {menu: [dict(row) for row in rows] for menu, rows in box.items()}
        paper.breaks_after = words
        finish_in_spite_of_breaks(handlers, router, engine, paper)
        assert {menu: strip(rows) for menu, rows in paper.menus.items()} == whole, words


def finish_in_spite_of_breaks(
    handlers: Handlers, router: UUID, engine: Engine, paper: PaperRouter
) -> None:
    """A run whose connection breaks once, and is there again for the retry."""
    job: Message | None = RouterProvisioningJob(router_id=router, run_id=new_id())
    while job is not None:
        envelope = envelope_for(job)
        try:
            sent = run_envelope(handlers, envelope, engine)
        except RouterUnreachable:
            paper.breaks_after = None
            sent = run_envelope(handlers, envelope.again(), engine)
        job = next((one for one in sent if isinstance(one, RouterProvisioningJob)), None)


def strip(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Rows without their ids, which say only when they were made."""
    return [{name: value for name, value in row.items() if name != ".id"} for row in rows]


def test_a_router_that_stays_away_is_waited_for(
    *,
    router: UUID,
    client: FlaskClient,
    keys: Keys,
    engine: Engine,
    handlers: Handlers,
    paper: PaperRouter,
    publisher: FakePublisher,
) -> None:
    paper.fails = RouterUnreachable("no answer")
    job = RouterProvisioningJob(router_id=router, run_id=new_id())
    with pytest.raises(RouterUnreachable):
        run_envelope(handlers, envelope_for(job), engine)
    told = run_envelope(handlers, envelope_for(job, attempt=2), engine)

    assert [type(one) for one in told] == [RouterProvisioningProgressed] * 2
    assert (state(client, keys, router)["state"], state(client, keys, router)["reason"]) == (
        "waiting",
        "no answer",
    )
    # Asked again by an operator: the same run goes on.
    paper.fails = None
    answer = client.post(
        f"/api/v1/routers/{router}/provision", headers=keys.headers("operator")
    ).get_json()
    assert answer["id"] == str(job.run_id)
    provision(handlers, router, engine, job.run_id)
    assert state(client, keys, router)["state"] == "done"
    assert isinstance(publisher.sent[-1], RouterProvisioningJob)


@pytest.mark.parametrize(
    "failure", [WrongPassword("invalid user name or password (6)"), RouterRefused("failure: no")]
)
def test_a_router_that_refuses_has_failed_with_its_words(
    *,
    router: UUID,
    client: FlaskClient,
    keys: Keys,
    engine: Engine,
    handlers: Handlers,
    paper: PaperRouter,
    failure: Exception,
) -> None:
    paper.fails = failure
    provision(handlers, router, engine)

    assert state(client, keys, router)["reason"] == str(failure)
    assert state(client, keys, router, "")["status"] == "failed"
    paper.fails = None
    provision(handlers, router, engine)
    assert state(client, keys, router, "")["status"] == "online"


def test_two_runs_at_once_are_one(
    router: UUID, client: FlaskClient, keys: Keys, engine: Engine, handlers: Handlers
) -> None:
    first = RouterProvisioningJob(router_id=router, run_id=new_id())
    run(handlers, first, engine)

    assert run(handlers, RouterProvisioningJob(router_id=router, run_id=new_id()), engine) == []
    assert state(client, keys, router)["id"] == str(first.run_id)


def test_drift_is_shown_and_repaired_on_demand(
    *,
    router: UUID,
    client: FlaskClient,
    keys: Keys,
    engine: Engine,
    handlers: Handlers,
    paper: PaperRouter,
) -> None:
    assert state(client, keys, router, "drift")["checked_at"] is None
    provision(handlers, router, engine)
    look = CheckDriftJob(router_id=router, requested_at=NOON)
    run(handlers, look, engine)
    assert state(client, keys, router, "drift") == {
        "checked_at": "2026-01-15T09:00:00Z",
        "changes": [],
        "reason": None,
    }

    (profile,) = [r for r in paper.menus["/ip/hotspot/profile"] if r["name"] != "default"]
    profile["login-by"] = "http-chap"
    run(handlers, package("HOUR1", on_sale=False), engine)
    before = paper.changed
    run(handlers, CheckDriftJob(router_id=router, requested_at=NOON), engine)
    changes = state(client, keys, router, "drift")["changes"]
    assert [(one["change"], one["what"]) for one in changes] == [
        ("set", "hotspot-profile"),
        ("remove", "hotspot-package-HOUR1"),
    ]
    assert changes[0]["from"] == {"login-by": "http-chap"}
    assert paper.changed == before

    provision(handlers, router, engine)
    run(handlers, CheckDriftJob(router_id=router, requested_at=NOON), engine)
    assert state(client, keys, router, "drift")["changes"] == []


def test_ports_are_chosen_once_and_given_back_when_an_operator_takes_them(
    *,
    router: UUID,
    client: FlaskClient,
    keys: Keys,
    engine: Engine,
    handlers: Handlers,
    paper: PaperRouter,
) -> None:
    provision(handlers, router, engine)
    assert state(client, keys, router, "")["site"]["ports"] == [
        "ether3",
        "ether4",
        "ether5",
        "wlan1",
    ]
    # On another line today: the port that was the way to the internet is none for guests.
    paper.menus["/ip/dhcp-client"] = []
    paper.menus["/interface"].append({".id": "*F", "name": "lte1", "type": "lte"})
    provision(handlers, router, engine)
    assert ports(paper) == {"ether3", "ether4", "ether5", "wlan1"}

    site = HotspotSite(network="10.5.50.0/24", dns_name="login.hotspot", ports=("ether3", "wlan1"))
    change = ChangeRouterJob(router_id=router, requested_by="o", requested_at=NOON, site=site)
    run(handlers, change, engine)
    provision(handlers, router, engine)
    assert ports(paper) == {"ether3", "wlan1"}


def ports(paper: PaperRouter) -> set[str]:
    """The ports that guests have."""
    bridged = paper.read("/interface/bridge/port", bridge="hotspot-bridge")
    return {row["interface"] for row in bridged}


def test_no_secret_is_shown_or_kept_open(
    router: UUID, client: FlaskClient, keys: Keys, engine: Engine, handlers: Handlers
) -> None:
    provision(handlers, router, engine)
    script = client.get(
        f"/api/v1/routers/{router}/connectivity-script", headers=keys.headers("operator")
    ).get_json()["connectivity_script"]
    secret = script.split('secret="')[1].split('"')[0]

    token = script.split("/connect/")[1].split('"')[0]

    for kept_open in (secret, token):
        assert kept_open not in str(state(client, keys, router))
