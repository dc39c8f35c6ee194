"""Watching routers: two misses are an outage, alarms are said once, silence is heard."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from router_service.checking import Health, check_all
from router_service.monitoring import check_routers
from router_service.reaching import Reach
from router_service.registration import Registry
from router_service.routeros import Address, RouterUnreachable
from router_service.sales import is_silent
from sqlalchemy import Engine, text

from hotspot.bus.work import Handlers
from hotspot.contract.message import Message
from hotspot.contract.money import Money
from hotspot.contract.operations import AlarmCleared, AlarmRaised, RotateLogs
from hotspot.contract.payments import PaymentCompleted
from hotspot.contract.routers import (
    CheckRoutersJob,
    RouterProvisioningJob,
    RouterStatusUpdated,
)
from hotspot.ids import new_id
from hotspot.testing.handling import NOON, envelope_for, run, run_envelope
from hotspot.testing.identity import Keys
from hotspot.vault import Vault

from .router_on_paper import PaperRouter
from .test_connecting import connection
from .test_registration import register

THERE = Health(
    reached=True,
    version="7.17",
    uptime_seconds=5,
    cpu_percent=3,
    memory_percent=40,
    active_guests=2,
)
AWAY = Health(reached=False, reason="it does not answer")
PERIOD = timedelta(minutes=2)


class Watch:
    """CheckRoutersJob, round after round; the routers answer as they are told to."""

    def __init__(self, engine: Engine, registry: Registry) -> None:
        self.engine = engine
        self.now = NOON
        self.health: Health = THERE
        self.asked: Mapping[UUID, Address] = {}
        reach = Reach(registry=registry, connect=PaperRouter().connect)
        self.handlers: Handlers = {CheckRoutersJob: check_routers(reach, self._check)}

    def round(self, health: Health, *, times: int = 1) -> list[Message]:
        """Check some times, two minutes apart; answers what was told."""
        self.health = health
        told: list[Message] = []
        for _ in range(times):
            self.now += PERIOD
            told += run(self.handlers, CheckRoutersJob(), self.engine, now=self.now)
        return told

    def _check(self, routers: Mapping[UUID, Address]) -> dict[UUID, Health]:
        self.asked = routers
        return dict.fromkeys(routers, self.health)


@pytest.fixture
def watch(engine: Engine, registry: Registry) -> Watch:
    """The rounds."""
    return Watch(engine, registry)


@pytest.fixture
def router(client: FlaskClient, keys: Keys, engine: Engine, handlers: Handlers) -> UUID:
    """A connected router."""
    router = str(register(client, keys).get_json()["id"])
    run(handlers, connection(router), engine)
    return UUID(router)


def statuses(told: list[Message]) -> list[str]:
    """The changes of status among what was told."""
    return [one.status for one in told if isinstance(one, RouterStatusUpdated)]


def sale(router: UUID) -> PaymentCompleted:
    """Somebody paid at this router."""
    return PaymentCompleted(
        payment_id=new_id(),
        phone="254712345678",
        package_id=new_id(),
        receipt="TKL4H7RT61",
        amount=Money.shillings(20),
        completed_at=NOON,
        router_id=str(router),
    )


def test_one_miss_is_nothing_and_two_are_an_outage(router: UUID, watch: Watch) -> None:
    assert statuses(watch.round(THERE)) == []
    assert statuses(watch.round(AWAY)) == []
    assert statuses(watch.round(THERE)) == []
    assert statuses(watch.round(AWAY, times=2)) == ["offline"]
    assert statuses(watch.round(AWAY, times=3)) == []
    assert statuses(watch.round(THERE, times=2)) == ["online"]


def test_its_history_is_kept_for_charts(
    router: UUID, watch: Watch, client: FlaskClient, keys: Keys
) -> None:
    watch.round(THERE)
    watch.round(AWAY)

    url = f"/api/v1/routers/{router}/history?since=2026-01-01T00:00:00Z"
    first, second = client.get(url, headers=keys.headers("viewer")).get_json()["items"]

    assert (first["reached"], first["active_guests"], first["cpu_percent"]) == (True, 2, 3)
    assert (second["reached"], second["active_guests"]) == (False, None)
    seen = client.get(f"/api/v1/routers/{router}", headers=keys.headers("viewer")).get_json()
    assert seen["version"] == "7.17"


def test_a_router_that_never_phoned_home_is_not_asked(
    client: FlaskClient, keys: Keys, watch: Watch
) -> None:
    register(client, keys)

    assert watch.round(AWAY, times=3) == []
    assert watch.asked == {}


def test_a_router_down_with_guests_paying_is_an_alarm_once(
    router: UUID, watch: Watch, engine: Engine, handlers: Handlers
) -> None:
    run(handlers, sale(router), engine)
    raised = [one for one in watch.round(AWAY, times=5) if isinstance(one, AlarmRaised)]
    cleared = [one for one in watch.round(THERE, times=2) if isinstance(one, AlarmCleared)]

    assert [(one.alarm, one.subject) for one in raised] == [("router_down", str(router))]
    assert "Kilimani shop is down while guests pay there" in raised[0].said
    assert [one.alarm for one in cleared] == ["router_down"]


def test_a_router_down_that_nobody_uses_is_no_alarm(router: UUID, watch: Watch) -> None:
    assert [one for one in watch.round(AWAY, times=3) if isinstance(one, AlarmRaised)] == []


def test_a_router_that_returns_gets_what_it_missed(
    router: UUID, watch: Watch, engine: Engine, registry: Registry, paper: PaperRouter
) -> None:
    from router_service.provisioning import provision_router

    paper.fails = RouterUnreachable("no answer")
    reach = Reach(registry=registry, connect=paper.connect)
    job = RouterProvisioningJob(router_id=router, run_id=new_id())
    run_envelope(
        {RouterProvisioningJob: provision_router(reach)}, envelope_for(job, attempt=2), engine
    )
    with engine.begin() as connection_:  # as it was found by then
        connection_.execute(text("UPDATE routers SET status = 'offline'"))

    told = watch.round(THERE)

    assert [one for one in told if isinstance(one, RouterProvisioningJob)] == [job]


def sold(weeks: int, each: int, *, silent_for: int) -> dict[datetime, int]:
    """Sales of every hour of some weeks, up to so many hours before NOON."""
    hours = range(silent_for + 1, weeks * 7 * 24)
    return {NOON - timedelta(hours=hour): each for hour in hours}


@pytest.mark.parametrize(
    ("case", "silent"),
    [
        (sold(4, 3, silent_for=4), True),
        (sold(4, 3, silent_for=1), False),
        (sold(4, 1, silent_for=4), False),  # so few that it may be chance
        (sold(4, 1, silent_for=10), True),
        ({NOON - timedelta(days=2): 50}, False),  # has no normal yet
        ({}, False),
    ],
)
def test_silence_is_what_cannot_be_chance(case: dict[datetime, int], silent: bool) -> None:
    assert is_silent(case, NOON + timedelta(minutes=59)) is silent


def test_silence_is_an_alarm(router: UUID, watch: Watch, engine: Engine) -> None:
    rows = [
        {"router_id": router, "hour": hour, "sold": each}
        for hour, each in sold(3, 4, silent_for=6).items()
    ]
    with engine.begin() as connection_:
        connection_.execute(
            text("INSERT INTO sales VALUES (:router_id, :hour, :sold)"),
            rows,
        )

    told = watch.round(THERE, times=2)

    assert [one.alarm for one in told if isinstance(one, AlarmRaised)] == ["router_silent"]


def test_a_thousand_routers_are_asked_a_hundred_at_a_time() -> None:
    now = most = 0

    async def ask(_address: Address) -> Health:
        import asyncio

        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.001)
        now -= 1
        return AWAY

    address = Address(host="192.0.2.1", port=1, tls=False, username="u", password="p")
    found = check_all({UUID(int=number): address for number in range(1000)}, ask)

    assert len(found) == 1000
    assert most == 100


def test_a_router_that_refuses_connections_is_away() -> None:
    address = Address(host="127.0.0.1", port=9, tls=False, username="u", password="p")
    (health,) = check_all({UUID(int=1): address}).values()

    assert not health.reached
    assert health.reason


def test_maintenance_forgets_what_is_old_and_seals_anew(
    router: UUID, engine: Engine, handlers: Handlers, registry: Registry, watch: Watch
) -> None:
    watch.round(THERE)

    def counted(table: str) -> Any:
        with engine.connect() as connection_:
            return connection_.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()

    assert run(handlers, RotateLogs(), engine, now=NOON + timedelta(days=29)) == []
    assert counted("samples") == 1
    assert run(handlers, RotateLogs(), engine, now=NOON + timedelta(days=31)) == []
    assert counted("samples") == 0
    with engine.connect() as connection_:
        sealed = connection_.execute(text("SELECT sealed_password FROM routers")).scalar_one()
    assert isinstance(registry.vault, Vault)
    assert registry.vault.open(sealed) == 'pass"word$?'
