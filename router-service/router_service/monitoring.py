"""Watching the routers: their status, their history, their silence."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, cast
from uuid import UUID

import structlog
from sqlalchemy import Table, delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hotspot.bus.outcome import Retry
from hotspot.bus.work import Outside, Unclear, Work
from hotspot.contract.operations import AlarmCleared, AlarmRaised
from hotspot.contract.routers import CheckRoutersJob, RouterStatusUpdated
from router_service import runs, sales
from router_service.checking import Health, check_all
from router_service.models import FAILED, OFFLINE, ONLINE, Alarm, Router, Sample
from router_service.reaching import PasswordLost, Reach
from router_service.routeros import Address

log = structlog.get_logger()

# One missed check is a lost packet or a reboot; two are a router that is away.
MISSED_BEFORE_OFFLINE = 2
# Longer than the rounds that make an outage, and one that was held up.
LATELY = timedelta(minutes=10)
_SAMPLES: Final = cast(Table, Sample.__table__)
_KNOWN: Final = (
    Router.id,
    Router.name,
    Router.status,
    Router.status_changed_at,
    Router.missed_checks,
    Router.version,
)
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
    """Keep how each router was, and tell what changed. Few statements, however many routers."""
    columns = (Router.id, Router.name, Router.status, Router.missed_checks, Router.version)
    changed_at = Router.status_changed_at
    routers = work.session.execute(
        select(*columns, changed_at)
        .where(Router.id.in_(found))
        .order_by(Router.id)
        .with_for_update()
    ).all()
    if not routers:
        return
    samples = [_sample(router.id, found[router.id], work.now) for router in routers]
    # The table, not the class: nulls stay, so that it is one statement.
    work.session.execute(insert(_SAMPLES).on_conflict_do_nothing(), samples)
    back = [one.id for one in routers if one.status == OFFLINE and found[one.id].reached]
    failed = runs.failed_last(work.session, back)
    after = {
        one.id: noted(one, found[one.id], work.now, back_as=FAILED if one.id in failed else ONLINE)
        for one in routers
    }
    work.session.execute(update(Router), [{"id": one, **after[one]} for one in after])
    status = {one: str(values["status"]) for one, values in after.items()}
    for router in routers:
        if status[router.id] != router.status:
            work.send(
                RouterStatusUpdated(
                    router_id=router.id, status=status[router.id], changed_at=work.now
                ),
                correlation_id=router.id,
            )
    reached = [router_id for router_id, health in found.items() if health.reached]
    # Also one that was away so shortly that no second check missed it.
    for missed in runs.missed_steps(work.session, reached, at=work.now):
        work.send(missed, correlation_id=missed.run_id)
    down = {one for one in status if status[one] == OFFLINE}
    gone = {one.id for one in routers if one.status != OFFLINE} & down
    _watch({one.id: one.name for one in routers}, found, work, down=down, gone=gone)
    log.info("routers checked", reached=len(reached), missed=len(found) - len(reached))


def noted(router: Any, health: Health, at: datetime, *, back_as: str = ONLINE) -> dict[str, object]:
    """What a check says about a router. Provisioning and its failure are not its word.

    `router`: a row of what is known of it.
    """
    missed = 0 if health.reached else router.missed_checks + 1
    status = router.status
    if health.reached and status == OFFLINE:
        status = back_as
    elif missed >= MISSED_BEFORE_OFFLINE:
        status = OFFLINE
    return {
        "checked_at": at,
        "missed_checks": missed,
        "version": health.version or router.version,
        "status": status,
        "status_changed_at": router.status_changed_at if status == router.status else at,
    }


def _watch(
    names: Mapping[UUID, str],
    found: Mapping[UUID, Health],
    work: Work,
    *,
    down: set[UUID],
    gone: set[UUID],
) -> None:
    """Alarms, said once each and taken back when they are over.

    `down`: those that are offline; `gone`: since this round.
    """
    raised = _raised(work.session)
    missed = {router_id for router_id in down if (DOWN, router_id) in raised}
    missed |= sales.paying_lately(work.session, down - missed, work.now)
    missed |= _had_guests(work.session, gone - missed, work.now)
    remembered = sales.memories(work.session, work.now)
    for router_id, name in names.items():
        alarm = partial(_alarm, router_id, raised, work)
        reason = found[router_id].reason or "no answer"
        said = f"{name} is down while guests pay there: {reason}."
        alarm(DOWN, on=router_id in missed, said=said)
        memory = remembered.get(router_id)
        silent = memory is not None and sales.is_silent(memory, work.now)
        said = f"{name} sells nothing in a time in which it normally sells."
        alarm(SILENT, on=silent, said=said)


def _alarm(
    router_id: UUID,
    raised: set[tuple[str, UUID]],
    work: Work,
    alarm: str,
    *,
    on: bool,
    said: str,
) -> None:
    was = (alarm, router_id) in raised
    about = {"service": work.service, "alarm": alarm, "subject": str(router_id)}
    if on and not was:
        values = {"alarm": alarm, "router_id": router_id, "raised_at": work.now}
        work.session.execute(insert(Alarm).values(values).on_conflict_do_nothing())
        work.send(AlarmRaised(**about, said=said, raised_at=work.now))
    elif was and not on:
        work.session.execute(
            delete(Alarm).where(Alarm.alarm == alarm, Alarm.router_id == router_id)
        )
        work.send(AlarmCleared(**about, cleared_at=work.now))


def _raised(session: Session) -> set[tuple[str, UUID]]:
    return {
        (row.alarm, row.router_id) for row in session.execute(select(Alarm.alarm, Alarm.router_id))
    }


def _had_guests(session: Session, routers: Collection[UUID], now: datetime) -> set[UUID]:
    """Those of the routers with guests online in the last minutes before they went."""
    if not routers:
        return set()
    had = select(Sample.router_id).where(
        Sample.router_id.in_(routers), Sample.at >= now - LATELY, Sample.active_guests > 0
    )
    return set(session.scalars(had))


def _sample(router_id: UUID, health: Health, at: datetime) -> dict[str, object]:
    return {
        "router_id": router_id,
        "at": at,
        "reached": health.reached,
        "uptime_seconds": health.uptime_seconds,
        "cpu_percent": health.cpu_percent,
        "memory_percent": health.memory_percent,
        "active_guests": health.active_guests,
    }
