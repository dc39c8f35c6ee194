"""Watching the routers: their status, their history, their silence."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hotspot.bus.outcome import Retry
from hotspot.bus.work import Outside, Unclear, Work
from hotspot.contract.operations import AlarmCleared, AlarmRaised
from hotspot.contract.routers import CheckRoutersJob, RouterStatusUpdated
from router_service import runs, sales
from router_service.checking import Health, check_all
from router_service.models import OFFLINE, ONLINE, Alarm, Router, Sample
from router_service.reaching import PasswordLost, Reach
from router_service.routeros import Address

log = structlog.get_logger()

# One missed check is a lost packet or a reboot; two are a router that is away.
MISSED_BEFORE_OFFLINE = 2
DOWN, SILENT = "router_down", "router_silent"

Check = Callable[[Mapping[UUID, Address]], dict[UUID, Health]]


class CheckUnclear(Retry):
    """The check broke off: the next one tells."""


@dataclass(frozen=True, kw_only=True)
class Round:
    """The routers to ask."""

    routers: Mapping[UUID, Address]


def check_routers(
    reach: Reach, check: Check = check_all
) -> Outside[CheckRoutersJob, Round, dict[UUID, Health]]:
    """The handler of CheckRoutersJob. Asking changes nothing, so nothing is marked before."""

    def record(_job: CheckRoutersJob, _round: Round, found: object, work: Work) -> None:
        if isinstance(found, Unclear):
            raise CheckUnclear(found.reason)
        if isinstance(found, dict):
            record_round(found, work)

    return Outside(
        prepare=lambda _job, work: prepare(work, reach),
        act=lambda round_: check(round_.routers),
        record=record,
    )


def prepare(work: Work, reach: Reach) -> Round | None:
    """Every router that phoned home once; None where there is none."""
    addresses = {}
    for router in work.session.scalars(select(Router).where(Router.connected_at.is_not(None))):
        try:
            addresses[router.id] = reach.address_of(router)
        except PasswordLost as error:
            log.error("router cannot be asked", router_id=str(router.id), reason=str(error))
    return Round(routers=addresses) if addresses else None


def record_round(found: Mapping[UUID, Health], work: Work) -> None:
    """Keep how each router was, and tell what changed."""
    routers = work.session.scalars(
        select(Router)
        .where(Router.id.in_(found))
        .order_by(Router.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    raised = _raised(work.session)
    sold = sales.sold_by_hour(work.session, work.now)
    samples = []
    for router in routers:
        health = found[router.id]
        samples.append(_sample(router, health, work.now))
        was = router.status
        note(router, health, work.now)
        if router.status != was:
            _tell(router, work)
        _watch(router, health, sold.get(router.id, {}), raised, work)
    if samples:
        work.session.execute(insert(Sample).on_conflict_do_nothing(), samples)
    reached = sum(health.reached for health in found.values())
    log.info("routers checked", reached=reached, missed=len(found) - reached)


def note(router: Router, health: Health, at: datetime) -> None:
    """What a check says about a router's status. Provisioning and its failure are not its word."""
    router.checked_at = at
    if health.reached:
        router.missed_checks = 0
        router.version = health.version or router.version
        if router.status == OFFLINE:
            router.status, router.status_changed_at = ONLINE, at
        return
    router.missed_checks += 1
    if router.missed_checks >= MISSED_BEFORE_OFFLINE and router.status != OFFLINE:
        router.status, router.status_changed_at = OFFLINE, at


def _tell(router: Router, work: Work) -> None:
    """The status changed; a router that returned gets what it missed."""
    work.send(
        RouterStatusUpdated(router_id=router.id, status=router.status, changed_at=work.now),
        correlation_id=router.id,
    )
    missed = runs.waiting_step(work.session, router.id) if router.status == ONLINE else None
    if missed is not None:
        work.send(missed, correlation_id=missed.run_id)


def _watch(
    router: Router,
    health: Health,
    sold: Mapping[datetime, int],
    raised: set[tuple[str, UUID]],
    work: Work,
) -> None:
    """Alarms, said once each and taken back when they are over."""
    down = router.status == OFFLINE
    losing = down and (
        (DOWN, router.id) in raised
        or sales.paying_lately(work.session, router.id, work.now) > 0
        or _guests_lately(work.session, router.id) > 0
    )
    said = f"{router.name} is down while guests pay there: {health.reason or 'no answer'}."
    _alarm(router, raised, work, alarm=DOWN, on=losing, said=said)
    silent = sales.is_silent(sold, work.now)
    said = f"{router.name} sells nothing in a time in which it normally sells."
    _alarm(router, raised, work, alarm=SILENT, on=silent, said=said)


def _alarm(
    router: Router,
    raised: set[tuple[str, UUID]],
    work: Work,
    *,
    alarm: str,
    on: bool,
    said: str,
) -> None:
    was = (alarm, router.id) in raised
    if on and not was:
        values = {"alarm": alarm, "router_id": router.id, "raised_at": work.now}
        work.session.execute(insert(Alarm).values(values).on_conflict_do_nothing())
        work.send(
            AlarmRaised(
                service=work.service,
                alarm=alarm,
                subject=str(router.id),
                said=said,
                raised_at=work.now,
            )
        )
    elif was and not on:
        work.session.execute(
            delete(Alarm).where(Alarm.alarm == alarm, Alarm.router_id == router.id)
        )
        work.send(
            AlarmCleared(
                service=work.service, alarm=alarm, subject=str(router.id), cleared_at=work.now
            )
        )


def _raised(session: Session) -> set[tuple[str, UUID]]:
    return {
        (row.alarm, row.router_id) for row in session.execute(select(Alarm.alarm, Alarm.router_id))
    }


def _guests_lately(session: Session, router_id: UUID) -> int:
    """How many guests were online when it was last reached."""
    return (
        session.scalar(
            select(Sample.active_guests)
            .where(Sample.router_id == router_id, Sample.reached)
            .order_by(Sample.at.desc())
            .limit(1)
        )
        or 0
    )


def _sample(router: Router, health: Health, at: datetime) -> dict[str, object]:
    return {
        "router_id": router.id,
        "at": at,
        "reached": health.reached,
        "uptime_seconds": health.uptime_seconds,
        "cpu_percent": health.cpu_percent,
        "memory_percent": health.memory_percent,
        "active_guests": health.active_guests,
    }
