"""How a session's router is reached with CoA, and whether that is of any use at the moment."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hotspot.bus.work import Unclear, Work
from radius_service import sessions
from radius_service.coa import Answer, Kick
from radius_service.ledger_tables import DeafRouter
from radius_service.models import SESSIONS, NasSetting
from radius_service.nas import read_clients

# A router that heard nothing is not waited for again so soon: guests of others wait meanwhile.
DEAF_FOR = timedelta(minutes=5)
# Where its API is of no use either. One lost packet must not let a guest stay for minutes.
HOPELESS_FOR = timedelta(seconds=20)


def online(db: Session, session_id: UUID) -> Row[Any] | None:
    """A session, and nobody else may change it until the transaction ends; None: not online."""
    wanted = select(SESSIONS).where(
        SESSIONS.c.session_id == session_id, SESSIONS.c.status == "online"
    )
    found = db.execute(wanted).first()
    if found is None:
        return None
    sessions.lock_users(db, [found.username])
    return db.execute(wanted).first()


def router_of(db: Session, session: Row[Any], *, coa_port: int) -> Kick | None:
    """Where to ask for a session; None where no secret is known for its router."""
    address = str(session.nas)
    client = read_clients(db).at(address)
    if client is None:
        return None
    own_port = select(NasSetting.coa_port).where(NasSetting.nasname == address)
    return Kick(
        address=address,
        port=db.scalar(own_port) or coa_port,
        secret=client.secret,
        username=session.login_name or session.username,
        session_id=session.acctsessionid,
        ip=str(session.ip) if session.ip else None,
    )


def is_deaf(work: Work, address: str, *, within: timedelta = DEAF_FOR) -> bool:
    """Whether the router was silent a short while ago."""
    silent_at = work.session.scalar(select(DeafRouter.silent_at).where(DeafRouter.nas == address))
    return silent_at is not None and silent_at > work.now - within


def remember_hearing(work: Work, address: str, answer: Answer | Unclear) -> None:
    """Whether the router answered at all."""
    if isinstance(answer, Unclear):
        return
    if answer.outcome != "silent":
        work.session.execute(delete(DeafRouter).where(DeafRouter.nas == address))
        return
    row = insert(DeafRouter).values(nas=address, silent_at=work.now)
    again = {"silent_at": row.excluded.silent_at}
    work.session.execute(row.on_conflict_do_update(index_elements=[DeafRouter.nas], set_=again))
