"""What the buyer's page shows of the access: its credentials, and whether it is in use."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import case, exists, select
from sqlalchemy.dialects.postgresql import insert

from hotspot.bus.outcome import Reject
from hotspot.bus.work import Work
from hotspot.contract.payments import CacheCredentialsJob
from hotspot.contract.sessions import SessionEnded, SessionExpired, SessionStarted
from payment_service.models import Access, AccessSession, change

PROVISIONING, READY, ONLINE, ENDED = "provisioning", "ready", "online", "ended"


def cache_credentials(job: CacheCredentialsJob, work: Work) -> None:
    """The login works: the page may log in by itself now."""
    cached = (
        change(Access)
        .where(Access.payment_id == job.payment_id)
        .values(
            user_id=job.user_id,
            grant_id=job.grant_id,
            username=job.username,
            sealed_password=job.sealed_password,
            until=job.until,
            # The guest may have been faster than this message, and even have used all of it up.
            state=case(
                (Access.ended_at.is_not(None), ENDED),
                (Access.state == ONLINE, ONLINE),
                else_=READY,
            ),
            changed_at=work.now,
        )
        .returning(Access.payment_id)
    )
    if work.session.execute(cached).first() is None:
        raise Reject(f"payment {job.payment_id} was not completed: nobody may see its credentials")


def session_started(event: SessionStarted, work: Work) -> None:
    """The guest is online."""
    if _is_known(event.payment_id, work):
        began = insert(AccessSession).values(
            session_id=event.session_id, payment_id=event.payment_id, started_at=event.started_at
        )
        work.session.execute(
            began.on_conflict_do_update(
                index_elements=[AccessSession.session_id], set_={"started_at": event.started_at}
            )
        )
        _work_out_state(event.payment_id, work)


def session_ended(event: SessionEnded, work: Work) -> None:
    """A stay online is over. What time is left can still be used."""
    if _is_known(event.payment_id, work):
        ended = insert(AccessSession).values(
            session_id=event.session_id, payment_id=event.payment_id, ended_at=event.ended_at
        )
        work.session.execute(
            ended.on_conflict_do_update(
                index_elements=[AccessSession.session_id], set_={"ended_at": event.ended_at}
            )
        )
        _work_out_state(event.payment_id, work)


def session_expired(event: SessionExpired, work: Work) -> None:
    """What was paid for is used up: time, or data before its time."""
    end(event.payment_id, event.cause, event.expired_at, work)


def end(
    payment_id: UUID, cause: Literal["time", "data", "reversed"], at: datetime, work: Work
) -> None:
    """The access is over for good, whatever its sessions still say. Twice changes nothing."""
    over = change(Access).where(Access.payment_id == payment_id, Access.ended_at.is_(None))
    work.session.execute(
        over.values(state=ENDED, ended_at=at, ended_cause=cause, changed_at=work.now)
    )


def _is_known(payment_id: UUID, work: Work) -> bool:
    """Whether this is one of our payments; its row is locked, so that sessions count in turn."""
    wanted = select(Access.payment_id).where(Access.payment_id == payment_id).with_for_update()
    return work.session.scalar(wanted) is not None


def _work_out_state(payment_id: UUID, work: Work) -> None:
    """Online while any session is open, whatever order their news came in."""
    is_open = exists().where(
        AccessSession.payment_id == payment_id, AccessSession.ended_at.is_(None)
    )
    state = case(
        (Access.ended_at.is_not(None), ENDED),
        (is_open, ONLINE),
        (Access.username.is_(None), PROVISIONING),
        (Access.until > work.now, READY),
        else_=ENDED,
    )
    work.session.execute(
        change(Access)
        .where(Access.payment_id == payment_id)
        .values(state=state, changed_at=work.now)
    )
