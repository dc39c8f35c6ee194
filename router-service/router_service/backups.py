"""Versions of a router's configuration: kept sealed, and only where it changed."""

import difflib
import hashlib
from dataclasses import dataclass
from uuid import UUID

import structlog
from librouteros.config import strip_header
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from hotspot.bus.outcome import Retry
from hotspot.bus.work import Outside, Unclear, Work
from hotspot.contract.routers import BackUpRouterJob
from router_service.handlers import UnknownRouter, locked
from router_service.models import Backup, Router
from router_service.reaching import Reach
from router_service.routeros import Address

log = structlog.get_logger()


class BackupUnclear(Retry):
    """Reading broke off: reading again does no harm."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """The router to read."""

    address: Address


def back_up_router(reach: Reach) -> Outside[BackUpRouterJob, Question, str]:
    """The handler of BackUpRouterJob. Reading changes nothing, so nothing is marked before."""

    def prepare(job: BackUpRouterJob, work: Work) -> Question:
        router = work.session.get(Router, job.router_id)
        if router is None:
            raise UnknownRouter(f"there is no router {job.router_id}")
        return Question(address=reach.address_of(router))

    def act(question: Question) -> str:
        with reach.connect(question.address) as router:
            return str(strip_header(router.export()))

    def record(job: BackUpRouterJob, _: Question, text: str | Unclear, work: Work) -> None:
        if isinstance(text, Unclear):
            raise BackupUnclear(text.reason)
        keep(job.router_id, job.backup_id, text, work, reach)

    return Outside(prepare=prepare, act=act, record=record)


def keep(router_id: UUID, backup_id: UUID, text: str, work: Work, reach: Reach) -> None:
    """Add a version, or note that the newest one still holds."""
    locked(work.session, router_id)  # versions are numbered one after the other
    newest = work.session.scalar(
        select(Backup).where(Backup.router_id == router_id).order_by(Backup.version.desc()).limit(1)
    )
    digest = hashlib.sha256(text.encode()).hexdigest()
    if newest is not None and newest.digest == digest:
        newest.seen_at = work.now
        log.info("configuration unchanged", router_id=str(router_id), version=newest.version)
        return
    version = newest.version + 1 if newest else 1
    work.session.execute(
        insert(Backup)
        .values(
            id=backup_id,
            router_id=router_id,
            version=version,
            sealed_text=reach.registry.vault.seal(text),
            digest=digest,
            lines=text.count("\n"),
            taken_at=work.now,
            seen_at=work.now,
        )
        .on_conflict_do_nothing()
    )
    log.info("configuration kept", router_id=str(router_id), version=version)


def difference(older: str, newer: str, *, names: tuple[str, str]) -> str:
    """What changed between two versions, as a unified diff; empty where nothing did."""
    lines = difflib.unified_diff(older.splitlines(), newer.splitlines(), *names, lineterm="", n=2)
    return "\n".join(lines)
