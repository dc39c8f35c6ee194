"""Bringing a router to what it shall be like: one step a message, each of which may run twice."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from hotspot.bus.outcome import Retry
from hotspot.bus.work import Outside, Unclear, Work
from hotspot.contract.routers import (
    RouterProvisioningJob,
    RouterProvisioningProgressed,
    RouterStatusUpdated,
)
from router_service import runs
from router_service.comparing import Change, carry_out, differences
from router_service.hotspot import PARTS
from router_service.login_page import PREFIX, wanted_pages
from router_service.models import FAILED, ONLINE, PROVISIONING, Package, Router, RunStep
from router_service.plan import Plan, Speed
from router_service.preflight import CannotBeAHotspot, Found, look_at
from router_service.reaching import Reach
from router_service.routeros import (
    Address,
    RouterOs,
    RouterRefused,
    RouterUnreachable,
    WrongPassword,
)
from router_service.site import Site, site_of

log = structlog.get_logger()

# The first step connects and looks whether a hotspot can work here; it changes nothing.
CONNECTION: Final = "connection"
STEPS: Final = (CONNECTION, *(name for name, _ in PARTS))


class StepUnclear(Retry):
    """A step broke off: it compares before it changes, so that it may simply be done again."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A router, and what decides what it shall be like."""

    router_id: UUID
    address: Address
    site: Site
    packages: Sequence[Speed]
    radius_secret: str = field(repr=False)
    tunnel_address: str | None
    pages_url: str
    trouble: str | None


@dataclass(frozen=True, kw_only=True)
class Intent:
    """A step that is about to be done. `last_try`: no Retry will be granted any more."""

    target: Target
    step: int
    last_try: bool


@dataclass(frozen=True, kw_only=True)
class Done:
    """A step was done, by these changes; none where everything was as it shall be.

    `ports`: those that guests have.
    """

    changes: tuple[Change, ...]
    ports: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class NotDone:
    """A step could not be done. `away`: the router; when it returns, the run goes on."""

    reason: str
    away: bool = False


Result = Done | NotDone


def provision_router(reach: Reach) -> Outside[RouterProvisioningJob, Intent, Result]:
    """The handler of RouterProvisioningJob."""
    return Outside(
        prepare=lambda job, work: prepare(job, work, reach),
        act=lambda intent: act(intent, reach),
        record=lambda job, intent, result, work: record(job, intent, result, work, reach),
    )


def prepare(job: RouterProvisioningJob, work: Work, reach: Reach) -> Intent | None:
    """Mark the step as begun; None where it was done, or another run is under way."""
    router = work.session.get(Router, job.router_id, with_for_update=True, populate_existing=True)
    if router is None:
        return None  # removed in the meantime
    step = runs.begin(work.session, job, STEPS, at=work.now)
    if step is None:
        return None
    _become(router, PROVISIONING, work)
    work.send(_progressed(job, step, work))
    return Intent(
        target=target_of(router, work.session, reach), step=job.step, last_try=work.last_try
    )


def act(intent: Intent, reach: Reach) -> Result:
    """Do one step. Raises RouterUnreachable where it may be tried again."""
    try:
        with reach.connect(intent.target.address) as router:
            return _do(router, intent, reach)
    except RouterUnreachable as error:
        if not intent.last_try:
            raise
        return NotDone(reason=str(error), away=True)
    except (CannotBeAHotspot, WrongPassword, RouterRefused) as error:
        return NotDone(reason=str(error))


def record(
    job: RouterProvisioningJob, intent: Intent, result: Result | Unclear, work: Work, reach: Reach
) -> None:
    """Write down how the step went, tell, and order the next one."""
    if isinstance(result, Unclear):
        if not intent.last_try:
            raise StepUnclear(result.reason)
        result = NotDone(reason=result.reason)
    router = work.session.get(Router, job.router_id, with_for_update=True, populate_existing=True)
    step = runs.step_of(work.session, job.run_id, job.step)
    if router is None or step is None or step.state == "done":
        return
    if isinstance(result, NotDone):
        runs.stop(work.session, step, result.reason, away=result.away, at=work.now)
        if not result.away:
            _become(router, FAILED, work)
    else:
        runs.finish(step, [in_words(change) for change in result.changes], at=work.now)
        if not site_of(router.site).ports:
            # Chosen once: what leads to the internet tomorrow must not move guests' ports.
            router.site = {**router.site, "ports": list(result.ports)}
        if job.step + 1 < len(STEPS):
            runs.ordered(work.session, job.run_id, at=work.now)
            work.send(
                RouterProvisioningJob(router_id=job.router_id, run_id=job.run_id, step=job.step + 1)
            )
        else:
            changes = runs.complete(work.session, job.run_id, at=work.now)
            _become(router, ONLINE, work)
            # Its address may have been another router's when it was told last.
            work.send(reach.registry.nas_of(router, work.session, work.now))
            log.info("router provisioned", router_id=str(router.id), changes=changes)
    work.send(_progressed(job, step, work))


def target_of(router: Router, session: Session, reach: Reach) -> Target:
    """What a router shall be made into. Raises PasswordLost."""
    registry = reach.registry
    address = registry.address_of(router)
    token = registry.token_of(router.id)
    packages = session.scalars(select(Package).where(Package.on_sale).order_by(Package.code)).all()
    return Target(
        router_id=router.id,
        address=reach.address_of(router),
        site=site_of(router.site),
        packages=tuple(
            Speed(code=p.code, up_kbps=p.up_kbps, down_kbps=p.down_kbps, devices=p.devices)
            for p in packages
        ),
        radius_secret=registry.vault.open(router.sealed_radius_secret),
        tunnel_address=address if address != router.ip_address else None,
        pages_url=f"{registry.controller.connect_url}/connect/{token}",
        trouble=registry.trouble_with_address(router, session),
    )


def wanted_of(target: Target, found: Found, reach: Reach) -> Plan:
    """All that the router shall be like, now that it was looked at."""
    controller = reach.registry.controller
    return Plan(
        site=target.site,
        ports=found.ports,
        uplinks=found.uplinks,
        has_ntp_servers=found.is_seven,
        packages=target.packages,
        controller=controller,
        radius_secret=target.radius_secret,
        tunnel_address=target.tunnel_address,
        pages=wanted_pages(
            controller.portal_url, target.router_id, base_url=target.pages_url, disk=found.disk
        ),
        pages_prefix=f"{found.disk}{PREFIX}",
    )


def in_words(change: Change) -> dict[str, object]:
    """A change as operators read it, and as it is kept: without secrets."""
    told = asdict(change)
    return {
        "change": told["kind"],
        "menu": told["menu"],
        "what": told["what"],
        "from": told["before"],
        "to": told["values"],
    }


def _do(router: RouterOs, intent: Intent, reach: Reach) -> Done:
    found = look_at(router, intent.target.site, trouble=intent.target.trouble)
    if intent.step == 0:
        return Done(changes=(), ports=found.ports)
    _, part = PARTS[intent.step - 1]
    changes = differences(router, part(wanted_of(intent.target, found, reach)))
    for change in changes:
        try:
            carry_out(router, change)
        except RouterRefused as error:
            said = f"{change.kind} {change.menu} {change.what}: the router says: {error}"
            raise RouterRefused(said) from error
    return Done(changes=tuple(changes), ports=found.ports)


def _become(router: Router, status: str, work: Work) -> None:
    if router.status != status:
        router.status, router.status_changed_at = status, work.now
        work.send(RouterStatusUpdated(router_id=router.id, status=status, changed_at=work.now))


def _progressed(
    job: RouterProvisioningJob, step: RunStep, work: Work
) -> RouterProvisioningProgressed:
    return RouterProvisioningProgressed(
        router_id=job.router_id,
        run_id=job.run_id,
        step=step.name,
        state=step.state,
        at=work.now,
        changes=len(step.changes or []),
        reason=step.reason,
    )
