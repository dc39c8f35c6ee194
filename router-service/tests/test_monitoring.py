"""Watching routers: two misses are an outage, alarms are said once, silence is heard."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from cryptography.fernet import Fernet
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from hotspot.bus.work import Handlers
from hotspot.contract.message import Message
from hotspot.contract.money import Money
from hotspot.contract.operations import AlarmCleared, AlarmRaised, HistoryPruned, RotateLogs
from hotspot.contract.payments import PaymentCompleted
from hotspot.contract.routers import (
    BackUpRouterJob,
    RemoveRouterJob,
    RouterProvisioningJob,
    RouterStatusUpdated,
)
from hotspot.ids import new_id
from hotspot.testing.handling import NOON, envelope_for, run, run_envelope
from hotspot.testing.identity import Keys
from hotspot.vault import Vault
from router_service.checking import Health, check_all
from router_service.config import Config
from router_service.provisioning import provision_router
from router_service.reaching import Reach
from router_service.registration import Registry
from router_service.routeros import Address, RouterUnreachable
from router_service.worker import handlers as handlers_of

from .router_on_paper import PaperRouter
from .test_registration import register
from .watching import AWAY, THERE, Watch


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


def test_prometheus_is_told_of_routers_and_their_alarms(
    router: UUID, watch: Watch, client: FlaskClient, engine: Engine, handlers: Handlers
) -> None:
    assert "hotspot_alarm{" not in client.get("/metrics").text
    run(handlers, sale(router), engine)
    watch.round(AWAY, times=2)

    shown = client.get("/metrics").text

    assert 'hotspot_routers{status="offline"} 1.0' in shown
    assert f'hotspot_alarm{{alarm="router_down",subject="{router}"}} 1.0' in shown


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


@pytest.fixture
def stopped(
    router: UUID, engine: Engine, registry: Registry, paper: PaperRouter
) -> RouterProvisioningJob:
    """A run whose router was away when it began."""
    paper.fails = RouterUnreachable("no answer")
    reach = Reach(registry=registry, connect=paper.connect)
    job = RouterProvisioningJob(router_id=router, run_id=new_id())
    run_envelope(
        {RouterProvisioningJob: provision_router(reach)}, envelope_for(job, attempt=2), engine
    )
    return job


def ordered(told: list[Message]) -> list[Message]:
    """The steps among what was told."""
    return [one for one in told if isinstance(one, RouterProvisioningJob)]


def test_a_router_that_returns_gets_what_it_missed(
    stopped: RouterProvisioningJob, watch: Watch
) -> None:
    assert statuses(watch.round(AWAY, times=2)) == ["offline"]

    assert ordered(watch.round(THERE)) == [stopped]


def test_also_one_that_was_away_too_shortly_to_be_missed(
    stopped: RouterProvisioningJob, watch: Watch
) -> None:
    assert ordered(watch.round(THERE)) == [stopped]
    assert ordered(watch.round(THERE)) == []  # on its way


def test_a_step_that_got_lost_is_sent_again(stopped: RouterProvisioningJob, watch: Watch) -> None:
    watch.round(THERE)

    assert ordered(watch.round(THERE, times=7)) == []
    assert ordered(watch.round(THERE, times=8)) == [stopped]


def test_a_router_whose_provisioning_failed_is_still_failed_when_it_returns(
    stopped: RouterProvisioningJob, watch: Watch, engine: Engine
) -> None:
    with engine.begin() as connection_:
        connection_.execute(text("UPDATE provisioning_runs SET state = 'failed'"))
    assert statuses(watch.round(AWAY, times=2)) == ["offline"]

    assert statuses(watch.round(THERE)) == ["failed"]


def test_a_removed_router_takes_its_alarms_along(
    router: UUID, watch: Watch, engine: Engine, handlers: Handlers
) -> None:
    run(handlers, sale(router), engine)
    watch.round(AWAY, times=2)
    removal = RemoveRouterJob(router_id=router, requested_by="owner", requested_at=NOON)

    cleared, _ = run(handlers, removal, engine)

    assert isinstance(cleared, AlarmCleared)
    assert cleared.subject == str(router)


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


def maintain(handlers: Handlers, engine: Engine, now: datetime) -> None:
    """Run the nightly job, and what it asks of this service, until nothing is left."""
    (prune,) = run(handlers, RotateLogs(), engine, now=now, service="router")
    (told,) = run(handlers, prune, engine, now=now, service="router")
    assert isinstance(told, HistoryPruned)


def test_maintenance_forgets_what_is_old(
    router: UUID, engine: Engine, handlers: Handlers, watch: Watch
) -> None:
    watch.round(THERE)

    def samples() -> Any:
        with engine.connect() as connection_:
            return connection_.execute(text("SELECT count(*) FROM samples")).scalar_one()

    maintain(handlers, engine, NOON + timedelta(days=29))
    assert samples() == 1
    maintain(handlers, engine, NOON + timedelta(days=31))
    assert samples() == 0


def test_maintenance_seals_anew_so_that_an_old_key_can_go(
    *, router: UUID, engine: Engine, handlers: Handlers, config: Config, keys: Keys
) -> None:
    backup = BackUpRouterJob(router_id=router, backup_id=new_id(), requested_at=NOON)
    run(handlers, backup, engine)
    new_key = Fernet.generate_key().decode()
    rotated = handlers_of(replace(config, encryption_keys=(new_key, *keys.encryption)))

    maintain(rotated, engine, NOON)

    columns = "sealed_password, sealed_radius_secret, sealed_text"
    with engine.connect() as connection_:
        sealed = connection_.execute(text(f"SELECT {columns} FROM routers, backups")).one()
    password, _, kept = (Vault([new_key]).open(one) for one in sealed)
    assert password == 'pass"word$?'
    assert "/ip address" in kept
