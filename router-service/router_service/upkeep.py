"""What is learnt from others, and what is forgotten."""

from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import delete, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from hotspot.bus.upkeep import prune_bus
from hotspot.bus.work import Work
from hotspot.contract.operations import RotateLogs
from hotspot.contract.packages import PackageChanged
from hotspot.contract.payments import PaymentCompleted
from hotspot.contract.vouchers import VoucherRedeemed
from hotspot.vault import CannotOpen, Vault
from router_service import sales
from router_service.models import Package, Router, Run, Sales, Sample

log = structlog.get_logger()

SAMPLES_KEPT_FOR = timedelta(days=30)
SALES_KEPT_FOR = timedelta(days=60)
RUNS_KEPT_FOR = timedelta(days=180)
AT_ONCE = 5_000


def note_package(event: PackageChanged, work: Work) -> None:
    """Remember what is sold; the newest word counts, whichever comes last."""
    kept = {
        "up_kbps": event.terms.up_kbps,
        "down_kbps": event.terms.down_kbps,
        "devices": event.terms.devices,
        "on_sale": event.on_sale,
        "changed_at": event.changed_at,
    }
    work.session.execute(
        insert(Package)
        .values(code=event.code, **kept)
        .on_conflict_do_update(
            index_elements=[Package.code],
            set_=kept,
            where=Package.changed_at <= event.changed_at,
        )
    )


def count_payment(event: PaymentCompleted, work: Work) -> None:
    """A sale, at the router that the guest's page named."""
    _count(event.router_id, work)


def count_voucher(event: VoucherRedeemed, work: Work) -> None:
    """A sale, at the router that the guest's page named."""
    _count(event.router_id, work)


def rotate_logs(_job: RotateLogs, work: Work, *, vault: Vault) -> None:
    """Forget what is too old to be asked for; seal anew what an old key sealed."""
    prune_bus(work)
    old = (
        select(Sample.router_id, Sample.at)
        .where(Sample.at < work.now - SAMPLES_KEPT_FOR)
        .limit(AT_ONCE * 20)
    )
    work.session.execute(delete(Sample).where(tuple_(Sample.router_id, Sample.at).in_(old)))
    work.session.execute(delete(Sales).where(Sales.hour < work.now - SALES_KEPT_FOR))
    work.session.execute(delete(Run).where(Run.finished_at < work.now - RUNS_KEPT_FOR))
    _seal_anew(work, vault)


def _count(router_id: str | None, work: Work) -> None:
    """Guests' pages name routers as they like: what is no id is no router of ours."""
    if router_id is None:
        return
    with suppress(ValueError):
        sales.count_sale(work.session, UUID(router_id), work.now)


def _seal_anew(work: Work, vault: Vault) -> None:
    """With the newest key, so that older ones can be taken out of ENCRYPTION_KEYS."""
    for router in work.session.scalars(select(Router).order_by(Router.id).with_for_update()):
        try:
            router.sealed_password = vault.rotate(router.sealed_password)
            router.sealed_radius_secret = vault.rotate(router.sealed_radius_secret)
        except CannotOpen:
            log.error("sealed with a key that is gone", router_id=str(router.id))
