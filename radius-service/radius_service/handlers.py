"""Messages in: access is given, sessions past their end are told, history is pruned."""

from collections.abc import Sequence
from datetime import timedelta

import structlog
from sqlalchemy import ColumnElement, delete, select, text, update
from sqlalchemy.dialects.postgresql import insert

from hotspot.bus.outcome import Reject
from hotspot.bus.upkeep import prune_bus
from hotspot.bus.work import Work
from hotspot.contract.access import AuthorizeRadiusUserJob, RadiusUserAuthorized
from hotspot.contract.operations import RotateLogs
from hotspot.contract.sessions import CheckExpiredSessionsJob, DisconnectSessionJob
from hotspot.vault import CannotOpen, Vault
from radius_service import booking, names, sessions
from radius_service.accounting import SILENT
from radius_service.models import SESSIONS, Grant, RadCheck, RadPostAuth, RadReply

log = structlog.get_logger()

INTERIM_SECONDS = 300
IDLE_SECONDS = 600
# Three interim updates were missed, and a minute for those under way.
SILENT_AFTER = timedelta(seconds=3 * INTERIM_SECONDS + 60)
POSTAUTH_KEPT_FOR = timedelta(days=30)
AT_ONCE = 500
AT_MOST = 200_000


def authorize_radius_user(job: AuthorizeRadiusUserJob, work: Work, *, vault: Vault) -> None:
    """Let a user log in: password, static replies, the grant, and the session that awaits them.

    The time and data left are worked out at each login: no constant of them is written.
    """
    username = names.username(job.username)
    sessions.lock_users(work.session, [username])
    _set_password(work, username, _opened(vault, job))
    _set_replies(work, username)
    grant = _grant_of(job, username, work)
    if _is_added(work, grant):
        sessions.await_login(work.session, grant, work.now)
        sessions.extend_open(work.session, username, work.now)
    work.send(
        RadiusUserAuthorized(
            user_id=job.user_id,
            username=username,
            grant_id=job.grant_id,
            payment_id=job.payment_id,
            authorized_at=work.now,
        )
    )


def check_expired_sessions(_job: CheckExpiredSessionsJob, work: Work) -> None:
    """Close what fell silent, have disconnected what is past its end, forget unused grants."""
    _close_silent(work)
    _disconnect_expired(work)
    unused = (SESSIONS.c.status == "awaiting", SESSIONS.c.ends_at <= work.now)
    work.session.execute(
        update(SESSIONS)
        .where(*unused)
        .values(status="ended", ended_at=SESSIONS.c.ends_at, cause="never used")
    )


def rotate_logs(_job: RotateLogs, work: Work) -> None:
    """Prune what the bus handled and the answers to logins, older than 30 days."""
    prune_bus(work)
    pruned = 0
    before = work.now - POSTAUTH_KEPT_FOR
    while pruned < AT_MOST:
        old = select(RadPostAuth.id).where(RadPostAuth.authdate < before).limit(10 * AT_ONCE)
        gone = work.session.execute(
            delete(RadPostAuth).where(RadPostAuth.id.in_(old)).returning(RadPostAuth.id)
        )
        batch = len(gone.all())
        pruned += batch
        if batch == 0:
            break
    log.info("radpostauth pruned", rows=pruned)


def _opened(vault: Vault, job: AuthorizeRadiusUserJob) -> str:
    try:
        return vault.open(job.sealed_password)
    except CannotOpen as error:
        raise Reject(f"the password of {job.username} cannot be opened: {error}") from error


def _set_password(work: Work, username: str, password: str) -> None:
    row = insert(RadCheck).values(
        username=username, attribute="Cleartext-Password", op=":=", value=password
    )
    work.session.execute(
        row.on_conflict_do_update(
            index_elements=[RadCheck.username],
            index_where=text("attribute = 'Cleartext-Password'"),
            set_={"value": row.excluded.value, "op": row.excluded.op},
        )
    )


def _set_replies(work: Work, username: str) -> None:
    replies = {"Acct-Interim-Interval": INTERIM_SECONDS, "Idle-Timeout": IDLE_SECONDS}
    rows = [
        {"username": username, "attribute": name, "op": ":=", "value": str(value)}
        for name, value in replies.items()
    ]
    work.session.execute(insert(RadReply).values(rows).on_conflict_do_nothing())


def _grant_of(job: AuthorizeRadiusUserJob, username: str, work: Work) -> Grant:
    if job.starts_at >= job.ends_at:
        raise Reject(f"grant {job.grant_id} ends before it starts")
    return Grant(
        grant_id=job.grant_id,
        user_id=job.user_id,
        username=username,
        phone=job.phone,
        payment_id=job.payment_id,
        starts_at=job.starts_at,
        ends_at=job.ends_at,
        data_bytes=job.data_bytes,
        used_bytes=0,
        down_kbps=job.down_kbps,
        up_kbps=job.up_kbps,
        devices=job.devices,
        mac=names.mac(job.mac),
        router_id=job.router_id,
        authorized_at=work.now,
    )


def _is_added(work: Work, grant: Grant) -> bool:
    """Insert a grant; False where it was there: a repeat must not give its data anew."""
    values = {column.key: getattr(grant, column.key) for column in Grant.__table__.columns}
    added = insert(Grant).values(values).on_conflict_do_nothing().returning(Grant.grant_id)
    return work.session.execute(added).first() is not None


def _close_silent(work: Work) -> None:
    silent = (SESSIONS.c.status == "online", SESSIONS.c.seen_at < work.now - SILENT_AFTER)
    while usernames := _locked_users(work, silent):
        mine = select(SESSIONS.c.acctuniqueid).where(SESSIONS.c.username.in_(usernames), *silent)
        unique_ids = work.session.scalars(mine).all()
        for message in booking.close(work.session, unique_ids, at=work.now, cause=SILENT):
            work.send(message, correlation_id=message.payment_id)


def _disconnect_expired(work: Work) -> None:
    over = (
        SESSIONS.c.status == "online",
        SESSIONS.c.ends_at <= work.now,
        SESSIONS.c.expired_at.is_(None),
    )
    while usernames := _locked_users(work, over):
        mine = select(SESSIONS).where(SESSIONS.c.username.in_(usernames), *over)
        rows = work.session.execute(mine).all()
        told = sessions.expire(work.session, rows, work.now)
        off = [DisconnectSessionJob(session_id=row.session_id, reason="expired") for row in rows]
        for row, *messages in zip(rows, told, off, strict=True):
            for message in messages:
                work.send(message, correlation_id=row.payment_id)


def _locked_users(work: Work, which: Sequence[ColumnElement[bool]]) -> Sequence[str]:
    """Some users of such sessions, locked: accounting touches their rows in another order."""
    usernames = select(SESSIONS.c.username).where(*which).distinct().limit(AT_ONCE)
    found = work.session.scalars(usernames).all()
    sessions.lock_users(work.session, found)
    return found
