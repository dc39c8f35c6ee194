"""What is learnt from others, and what is forgotten."""

from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from hotspot.bus.pruning import Kept
from hotspot.bus.upkeep import begin_pruning
from hotspot.bus.work import Work
from hotspot.contract.operations import RotateLogs
from hotspot.contract.packages import PackageChanged
from hotspot.contract.payments import PaymentCompleted
from hotspot.contract.vouchers import VoucherRedeemed
from hotspot.vault import CannotOpen, Vault
from router_service import sales
from router_service.models import Backup, Package, Router, Run, Sales, Sample

log = structlog.get_logger()

# For how long this service keeps what it saw and did.
KEPT = (
    Kept(since=Sample.at, days=30),
    Kept(since=Sales.hour, days=60),
    Kept(since=Run.finished_at, days=180),
)


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


def rotate_logs(job: RotateLogs, work: Work, *, keys: Sequence[str]) -> None:
    """Seal anew what an old key sealed, and begin to forget what is too old."""
    _seal_anew(work, keys)
    begin_pruning(job, work)


def _count(router_id: str | None, work: Work) -> None:
    """Guests' pages name routers as they like: what is no id is no router of ours."""
    if router_id is None:
        return
    with suppress(ValueError):
        sales.count_sale(work.session, UUID(router_id), work.now)


def _seal_anew(work: Work, keys: Sequence[str]) -> None:
    """With the newest key, so that older ones can be taken out of ENCRYPTION_KEYS."""
    vault, newest = Vault(keys), Vault(keys[:1])
    for router in work.session.scalars(select(Router).order_by(Router.id).with_for_update()):
        _renew(router, ("sealed_password", "sealed_radius_secret"), vault, newest)
    # Texts of some kilobytes each: a few at a time.
    some = select(Backup).with_for_update().execution_options(yield_per=50)
    for backup in work.session.scalars(some):
        _renew(backup, ("sealed_text",), vault, newest)
        work.session.flush()


def _renew(row: Router | Backup, columns: Sequence[str], vault: Vault, newest: Vault) -> None:
    for column in columns:
        sealed = getattr(row, column)
        try:
            newest.open(sealed)
        except CannotOpen:
            try:
                setattr(row, column, vault.rotate(sealed))
            except CannotOpen:
                log.error("sealed with a key that is gone", column=column, id=str(row.id))
