"""Having a guest sent off: by a Disconnect-Request, else by the router's API, until gone."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Row

from hotspot.bus.work import Outside, Unclear, Work
from hotspot.contract.sessions import DisconnectGuestJob, DisconnectSessionJob, GuestDisconnected
from radius_service import booking, kicks
from radius_service.accounting import GONE
from radius_service.coa import Answer, Kick, disconnect
from radius_service.letters import letters_of, send_all
from radius_service.reaching import (
    DEAF_FOR,
    HOPELESS_FOR,
    is_deaf,
    online,
    remember_hearing,
    router_of,
)

log = structlog.get_logger()

# The API has its own patience, and its answer comes over two queues.
API_WITHIN = timedelta(seconds=45)
# After it was sent off, a session's Stop follows at once, or it was lost.
STOP_WITHIN = timedelta(seconds=10)


@dataclass(frozen=True, kw_only=True)
class Sending:
    """A Disconnect-Request, and where in the ledger it stands."""

    kick: Kick
    kick_id: UUID
    step_id: int
    attempt: int


Disconnecting = Outside[DisconnectSessionJob, Sending, Answer]


def disconnecting(coa_port: int, call: Callable[[Kick], Answer] = disconnect) -> Disconnecting:
    """The job with its parts. `coa_port`: where routers hear requests that have no port of their
    own in `nas_settings`."""
    return Outside(
        prepare=partial(find_kick, coa_port=coa_port),
        act=lambda sending: call(sending.kick),
        record=record_disconnect,
    )


def find_kick(job: DisconnectSessionJob, work: Work, *, coa_port: int) -> Sending | None:
    """Whom to disconnect and where; None for who has left already, and for who may stay.

    Where it is known that the router hears no requests, its API is asked at once. Where that was
    in vain, requests are tried again soon: the router may have been away only for a moment.
    """
    db = work.session
    session = online(db, job.session_id)
    if session is None:
        return None
    if job.reason in kicks.OVER and session.ends_at > work.now:
        kicks.drop(db, [job.session_id], at=work.now, reasons=kicks.OVER)
        return None
    kicks.open_all(db, [kicks.Wanted(session_id=job.session_id, reason=job.reason)], work.now)
    kick = kicks.opened(db, job.session_id)
    if kick is None:
        return None
    target = router_of(db, session, coa_port=coa_port)
    if target is None:
        _by_api(work, session, kick, skipped="no secret is known")
        return None
    deaf_for = DEAF_FOR if kicks.api_is_of_use(db, kick) else HOPELESS_FOR
    if is_deaf(work, target.address, within=deaf_for):
        _by_api(work, session, kick, skipped="the router hears no such requests")
        return None
    return Sending(
        kick=target,
        kick_id=kick.kick_id,
        step_id=kicks.note(db, kick, "disconnect_request", at=work.now),
        attempt=kick.attempts,
    )


def record_disconnect(
    job: DisconnectSessionJob, sending: Sending, answer: Answer | Unclear, work: Work
) -> None:
    """Who was sent off is ended by the Stop that follows; whom the router does not know, here.

    What else it says, and a guest who is there although it said yes before: its API is asked.
    """
    db = work.session
    outcome, detail = said(answer)
    log.info("disconnect", answer=outcome, detail=detail, router=sending.kick.address)
    kicks.settle(db, sending.step_id, outcome=outcome, detail=detail)
    remember_hearing(work, sending.kick.address, answer)
    session, kick = online(db, job.session_id), kicks.opened(db, job.session_id)
    if session is None or kick is None:
        return
    if outcome == "gone":
        close_gone(work, session)
    elif outcome != "asked" or sending.attempt > 1:
        _by_api(work, session, kick)


def record_guest_disconnected(event: GuestDisconnected, work: Work) -> None:
    """What the router's API did. Believed once the Stop has come, or the guest is not there.

    The Stop is mostly faster than this word of it: it stands in the ledger all the same.
    """
    db = work.session
    session, kick = online(db, event.session_id), kicks.last(db, event.session_id)
    if kick is None:
        return
    kicks.answer_api(
        db, kick, attempt=event.attempt, outcome=event.outcome, detail=event.detail, at=event.at
    )
    if session is None or kick.ended_at is not None:
        return
    if event.outcome == "not_there" and session.seen_at <= event.at:
        close_gone(work, session)
    elif event.outcome == "removed":
        kicks.wait(db, kick.kick_id, work.now + STOP_WITHIN)
    else:
        kicks.wait(db, kick.kick_id, work.now + kicks.pause_after(kick.attempts))


def said(answer: Answer | Unclear) -> tuple[str, str]:
    """What came of a request, and more about it for people."""
    if isinstance(answer, Unclear):
        return "unclear", answer.reason
    return answer.outcome, answer.detail


def close_gone(work: Work, session: Row[Any]) -> None:
    """The router has no such session: its Stop was lost."""
    told = booking.close(work.session, [session.acctuniqueid], at=work.now, cause=GONE)
    send_all(work, letters_of(told))


def _by_api(work: Work, session: Row[Any], kick: Row[Any], *, skipped: str = "") -> None:
    """Have router-service send the guest off."""
    db = work.session
    if skipped:
        kicks.note(db, kick, "disconnect_request", at=work.now, outcome="skipped", detail=skipped)
    kicks.note(db, kick, "router_api", at=work.now)
    kicks.wait(db, kick.kick_id, max(kick.due_at, work.now + API_WITHIN))
    work.send(
        DisconnectGuestJob(
            session_id=session.session_id,
            attempt=kick.attempts,
            username=session.login_name or session.username,
            nas=str(session.nas),
            requested_at=work.now,
            nas_identifier=session.nas_identifier,
            router_id=session.router_id,
            acct_session_id=session.acctsessionid,
            mac=session.mac,
            ip=str(session.ip) if session.ip else None,
        ),
        correlation_id=session.payment_id,
    )
