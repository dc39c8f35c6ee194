"""Having a guest sent off by their router: a job that calls the outside."""

from collections.abc import Callable
from functools import partial

import structlog
from sqlalchemy import select

from hotspot.bus.outcome import Reject, Retry
from hotspot.bus.work import Outside, Unclear, Work
from hotspot.contract.sessions import DisconnectSessionJob
from radius_service import booking, sessions
from radius_service.accounting import SENT_OFF
from radius_service.coa import Answer, Kick, disconnect
from radius_service.models import SESSIONS
from radius_service.nas import read_clients

log = structlog.get_logger()

Disconnecting = Outside[DisconnectSessionJob, Kick, Answer]


def disconnecting(coa_port: int, call: Callable[[Kick], Answer] = disconnect) -> Disconnecting:
    """The job with its parts. `coa_port`: where routers hear Disconnect-Requests."""
    return Outside(
        prepare=partial(find_kick, coa_port=coa_port), act=call, record=record_disconnect
    )


def find_kick(job: DisconnectSessionJob, work: Work, *, coa_port: int) -> Kick | None:
    """Whom to disconnect and where; None for who has left already.

    Nothing is written down first: asking a router twice for the same does no harm.
    """
    wanted = select(SESSIONS).where(SESSIONS.c.session_id == job.session_id)
    row = work.session.execute(wanted).first()
    if row is None or row.status != "online":
        return None
    address = str(row.nas)
    client = read_clients(work.session).at(address)
    if client is None:
        raise Reject(f"no secret is known for the router at {address}")
    return Kick(
        address=address,
        port=coa_port,
        secret=client.secret,
        username=row.username,
        session_id=row.acctsessionid,
        ip=str(row.ip) if row.ip else None,
    )


def record_disconnect(
    job: DisconnectSessionJob, kick: Kick, answer: Answer | Unclear, work: Work
) -> None:
    """Who was sent off is ended by the Stop that follows; whom the router does not know, here."""
    if isinstance(answer, Unclear):
        raise Retry(answer.reason)
    log.info("disconnect", answer=answer, router=kick.address, reason=job.reason)
    if answer == "asked":
        return
    sessions.lock_users(work.session, [kick.username])
    unique_id = select(SESSIONS.c.acctuniqueid).where(SESSIONS.c.session_id == job.session_id)
    gone = work.session.scalars(unique_id).all()
    for told in booking.close(work.session, gone, at=work.now, cause=SENT_OFF):
        work.send(told, correlation_id=told.payment_id)
