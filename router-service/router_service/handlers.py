"""Messages about the routers themselves: one short function each."""

from dataclasses import asdict

import structlog
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from hotspot.bus.outcome import Reject
from hotspot.bus.work import Work
from hotspot.contract.operations import AlarmCleared
from hotspot.contract.routers import (
    ChangeRouterJob,
    ImportRoutersJob,
    RecordRouterConnectionJob,
    RemoveNasJob,
    RemoveRouterJob,
    RouterConnected,
    RouterStatusUpdated,
)
from router_service.models import OFFLINE, ONLINE, PENDING, Alarm, Router
from router_service.registration import Registry, add_router

log = structlog.get_logger()


class UnknownRouter(Reject):
    """The router was removed, or never was."""


class NameTaken(Reject):
    """Another router got this name in the meantime."""


def record_router_connection(
    job: RecordRouterConnectionJob, work: Work, *, registry: Registry
) -> None:
    """A router phoned home: it is connected, and RADIUS learns where its packets come from."""
    router = locked(work.session, job.router_id)
    router.identity, router.version, router.model = job.identity, job.version, job.model
    router.public_key = job.public_key or router.public_key
    router.connected_at = router.changed_at = job.connected_at
    if router.status in (PENDING, OFFLINE):
        router.status = ONLINE
        work.send(
            RouterStatusUpdated(router_id=router.id, status=ONLINE, changed_at=job.connected_at)
        )
    work.send(registry.nas_of(router, work.session, work.now))
    work.send(
        RouterConnected(
            router_id=router.id,
            identity=job.identity,
            connected_at=job.connected_at,
            version=job.version,
            model=job.model,
        )
    )


def change_router(job: ChangeRouterJob, work: Work, *, registry: Registry) -> None:
    """Note what an operator changed; RADIUS hears of a new address."""
    router = locked(work.session, job.router_id)
    for name in ("name", "ip_address", "username", "sealed_password", "api_port", "api_tls"):
        wanted = getattr(job, name)
        if wanted is not None:
            setattr(router, name, wanted)
    if job.site is not None:
        router.site = asdict(job.site) | {"ports": list(job.site.ports)}
    router.changed_at = work.now
    try:
        with work.session.begin_nested():
            work.session.flush()
    except IntegrityError as error:
        raise NameTaken(f"there is another router named {job.name!r}") from error
    work.send(registry.nas_of(router, work.session, work.now))


def remove_router(job: RemoveRouterJob, work: Work) -> None:
    """Forget a router and all that hangs on it; RADIUS no longer answers it."""
    raised = work.session.scalars(
        delete(Alarm).where(Alarm.router_id == job.router_id).returning(Alarm.alarm)
    ).all()
    gone = work.session.execute(
        delete(Router).where(Router.id == job.router_id).returning(Router.name)
    ).first()
    if gone is None:
        return
    log.info("router removed", router_id=str(job.router_id), name=gone.name, by=job.requested_by)
    for alarm in raised:
        work.send(
            AlarmCleared(
                service=work.service,
                alarm=alarm,
                subject=str(job.router_id),
                cleared_at=work.now,
            )
        )
    work.send(RemoveNasJob(router_id=job.router_id, removed_at=work.now))


def import_routers(job: ImportRoutersJob, work: Work, *, registry: Registry) -> None:
    """Register the routers of a list; a name that is taken is left as it is."""
    added = 0
    for new in job.routers:
        router = add_router(work.session, new, vault=registry.vault, at=work.now)
        if router is not None:
            added += 1
            work.send(registry.nas_of(router, work.session, work.now), correlation_id=router.id)
    log.info("routers imported", added=added, of=len(job.routers), by=job.requested_by)


def locked(session: Session, router_id: object) -> Router:
    """The router, with its row locked. Raises UnknownRouter."""
    router = session.scalar(
        select(Router)
        .where(Router.id == router_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if router is None:
        raise UnknownRouter(f"there is no router {router_id}")
    return router
