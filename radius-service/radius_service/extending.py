"""Letting a guest who paid again stay: the router still has the end that the login was given.

Best effort: where the router does not hear of it, it ends the session at the old time, and the
guest logs in again.
"""

from collections.abc import Callable
from functools import partial

import structlog
from sqlalchemy import func, select, text, update

from hotspot.bus.work import Outside, Unclear, Work
from hotspot.contract.sessions import ExtendSessionJob
from radius_service.coa import Answer, Extension, extend
from radius_service.models import SESSIONS
from radius_service.reaching import is_deaf, online, remember_hearing, router_of

log = structlog.get_logger()

Extending = Outside[ExtendSessionJob, Extension, Answer]


def extending(coa_port: int, call: Callable[[Extension], Answer] = extend) -> Extending:
    """The job with its parts. `coa_port`: where routers hear requests that have no port of their
    own in `nas_settings`."""
    return Outside(
        prepare=partial(find_extension, coa_port=coa_port), act=call, record=record_extension
    )


def find_extension(job: ExtendSessionJob, work: Work, *, coa_port: int) -> Extension | None:
    """What the router is to be told; None where there is nobody to tell it of, or no use."""
    db = work.session
    session = online(db, job.session_id)
    if session is None or session.ends_at <= work.now:
        return None
    whom = router_of(db, session, coa_port=coa_port)
    if whom is None or is_deaf(work, whom.address):
        log.info("not extended", reason="the router cannot be asked", router=str(session.nas))
        return None
    rate = func.rate_text(text("up_kbps")).concat("/").concat(func.rate_text(text("down_kbps")))
    limits = func.login_limits(session.username, session.mac, work.now)
    return Extension(
        whom=whom,
        session_seconds=int((session.ends_at - session.started_at).total_seconds()),
        rate_limit=db.scalar(select(rate).select_from(limits)),
    )


def record_extension(
    job: ExtendSessionJob, extension: Extension, answer: Answer | Unclear, work: Work
) -> None:
    """Keep until when the router lets the guest stay, where it said so."""
    remember_hearing(work, extension.whom.address, answer)
    if isinstance(answer, Unclear) or answer.outcome != "asked":
        log.warning("not extended", answer=str(answer), router=extension.whom.address)
        return
    until = SESSIONS.c.started_at + func.make_interval(0, 0, 0, 0, 0, 0, extension.session_seconds)
    mine = update(SESSIONS).where(SESSIONS.c.session_id == job.session_id)
    work.session.execute(mine.values(router_until=until))
