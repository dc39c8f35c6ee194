"""Messages in: RADIUS shall answer a router, or no longer. The newest order about one counts."""

import ipaddress
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from hotspot.bus.outcome import Reject
from hotspot.bus.work import Work
from hotspot.contract.routers import RegisterNasJob, RemoveNasJob
from hotspot.vault import CannotOpen, Vault
from radius_service.ledger_tables import DeafRouter, RegisteredNas
from radius_service.models import Nas, NasSetting


def register_nas(job: RegisterNasJob, work: Work, *, vault: Vault) -> None:
    """Answer a router at its address from now on, and nowhere else any more.

    An address belongs to whoever registered there last: RADIUS tells senders apart by nothing
    else. The servers read these rows each second.
    """
    address, secret = _address(job), _opened(vault, job)
    if not _is_newest(work, job.router_id, address, job.registered_at):
        return
    _forget(work, job.router_id, but=address)
    row = insert(Nas).values(
        nasname=address,
        shortname=job.name,
        type="mikrotik",
        secret=secret,
        description="from router-service",
    )
    changed = {name: row.excluded[name] for name in ("shortname", "secret", "description")}
    work.session.execute(row.on_conflict_do_update(index_elements=[Nas.nasname], set_=changed))
    settings = {
        "require_message_authenticator": job.require_message_authenticator,
        "router_id": job.router_id,
        "coa_port": job.coa_port,
    }
    setting = insert(NasSetting).values(nasname=address, **settings)
    work.session.execute(
        setting.on_conflict_do_update(index_elements=[NasSetting.nasname], set_=settings)
    )
    # It may have another secret or port now: it is worth asking.
    work.session.execute(delete(DeafRouter).where(DeafRouter.nas == address))


def remove_nas(job: RemoveNasJob, work: Work) -> None:
    """Answer a router no longer."""
    if _is_newest(work, job.router_id, None, job.removed_at):
        _forget(work, job.router_id)


def _is_newest(work: Work, router_id: UUID, nasname: str | None, at: datetime) -> bool:
    """Keep an order about a router; False where a newer one was kept already."""
    row = insert(RegisteredNas).values(router_id=router_id, nasname=nasname, changed_at=at)
    kept = row.on_conflict_do_update(
        index_elements=[RegisteredNas.router_id],
        set_={"nasname": row.excluded.nasname, "changed_at": row.excluded.changed_at},
        where=RegisteredNas.changed_at < row.excluded.changed_at,
    )
    return work.session.execute(kept.returning(RegisteredNas.router_id)).first() is not None


def _forget(work: Work, router_id: UUID, *, but: str | None = None) -> None:
    """Remove its rows `but` those at one address; none where another router has it by now."""
    mine = select(NasSetting.nasname).where(NasSetting.router_id == router_id)
    names = work.session.scalars(mine.where(NasSetting.nasname.is_distinct_from(but))).all()
    for table in (Nas, NasSetting):
        work.session.execute(delete(table).where(table.nasname.in_(names)))


def _address(job: RegisterNasJob) -> str:
    """Host names are not asked for: DNS would hold up the server."""
    try:
        return str(ipaddress.ip_address(job.address))
    except ValueError as error:
        raise Reject(f"{job.name} has no IP address: {job.address!r}") from error


def _opened(vault: Vault, job: RegisterNasJob) -> str:
    try:
        return vault.open(job.sealed_secret)
    except CannotOpen as error:
        raise Reject(f"the secret of {job.name} cannot be opened: {error}") from error
