"""Messages in: access is given, changed, moved to another device, and taken back."""

from uuid import UUID

from sqlalchemy import Boolean, ColumnElement, func, literal_column, select, text, update
from sqlalchemy.dialects.postgresql import insert

from hotspot.bus.outcome import Reject, Retry
from hotspot.bus.work import Work
from hotspot.contract.access import (
    AuthorizeRadiusUserJob,
    MoveGrantJob,
    RadiusUserAuthorized,
    ReleaseRadiusUserJob,
    RevokeGrantJob,
    SuspendRadiusUserJob,
)
from hotspot.contract.sessions import ExtendSessionJob
from hotspot.vault import CannotOpen, Vault
from radius_service import kicks, names, sessions
from radius_service.kicks import Reason, Wanted
from radius_service.ledger_tables import RevokedGrant
from radius_service.letters import Letter, send_all
from radius_service.models import SESSIONS, Grant, RadCheck, RadReply, SuspendedUser

INTERIM_SECONDS = 300
IDLE_SECONDS = 600

# What a higher revision changes of a grant; its device is moved by MoveGrantJob alone.
_TERMS = ("starts_at", "ends_at", "data_bytes", "down_kbps", "up_kbps", "devices", "revision")


def authorize_radius_user(job: AuthorizeRadiusUserJob, work: Work, *, vault: Vault) -> None:
    """Let a user log in: password, static replies, the grant, and the session that awaits them.

    The time and data left are worked out at each login: no constant of them is written.
    """
    username = names.username(job.username)
    sessions.lock_users(work.session, [username])
    _set_password(work, username, _opened(vault, job))
    _set_replies(work, username)
    grant = _grant_of(job, username, work)
    if _is_new(work, grant):
        sessions.await_login(work.session, grant, work.now)
    _apply_revocation(work, grant.grant_id)
    _settle(work, username)
    work.send(
        RadiusUserAuthorized(
            user_id=job.user_id,
            username=username,
            grant_id=job.grant_id,
            payment_id=job.payment_id,
            authorized_at=work.now,
        )
    )


def move_grant(job: MoveGrantJob, work: Work) -> None:
    """Tie a grant to another device, and send off the one that it was tied to.

    Raises Retry while the grant has not arrived.
    """
    username, mac = names.username(job.username), names.mac(job.mac)
    sessions.lock_users(work.session, [username])
    grant = work.session.get(Grant, job.grant_id)
    if grant is None:
        raise Retry(f"grant {job.grant_id} is not here yet")
    if grant.moved_at is not None and grant.moved_at >= job.moved_at:
        return
    elsewhere = [SESSIONS.c.mac != mac]
    if grant.devices > 1:  # the others may stay
        elsewhere.append(SESSIONS.c.mac == grant.mac)
    grant.mac, grant.moved_at = mac, job.moved_at
    _send_off(work, username, "moved", *elsewhere)


def revoke_grant(job: RevokeGrantJob, work: Work) -> None:
    """End a grant before its time; who is online by it and has no other access is sent off."""
    username = names.username(job.username)
    sessions.lock_users(work.session, [username])
    revoked = insert(RevokedGrant).values(grant_id=job.grant_id, revoked_at=job.revoked_at)
    work.session.execute(revoked.on_conflict_do_nothing())
    _apply_revocation(work, job.grant_id)
    _settle(work, username, over_by="revoked")
    over = (SESSIONS.c.ends_at <= work.now, SESSIONS.c.expires_by == "revoked")
    _send_off(work, username, "revoked", *over)


def suspend_radius_user(job: SuspendRadiusUserJob, work: Work) -> None:
    """Refuse a user's logins, and send them off."""
    username = names.username(job.username)
    sessions.lock_users(work.session, [username])
    if _is_newest(work, job, username, suspended=True):
        _send_off(work, username, "suspended")


def release_radius_user(job: ReleaseRadiusUserJob, work: Work) -> None:
    """Let a suspended user log in again; who is still online may stay."""
    username = names.username(job.username)
    sessions.lock_users(work.session, [username])
    if _is_newest(work, job, username, suspended=False):
        online = _online(work, username)
        kicks.drop(work.session, online, at=work.now, reasons=["suspended"])


def _settle(work: Work, username: str, *, over_by: str = "time") -> None:
    """Who is online learns of the new end, and so do their routers."""
    changed = sessions.settle_ends(work.session, username, work.now, over_by=over_by)
    later = (SESSIONS.c.session_id.in_(changed), SESSIONS.c.ends_at > work.now)
    stay = select(SESSIONS.c.session_id, SESSIONS.c.payment_id).where(*later)
    for row in work.session.execute(stay).all():
        kicks.drop(work.session, [row.session_id], at=work.now, reasons=kicks.OVER)
        work.send(ExtendSessionJob(session_id=row.session_id), correlation_id=row.payment_id)


def _send_off(work: Work, username: str, reason: Reason, *which: ColumnElement[bool]) -> None:
    """Begin a kick for each session of a user that is online, or for `which` of them."""
    wanted = [
        Wanted(session_id=session_id, reason=reason)
        for session_id in _online(work, username, *which)
    ]
    orders = kicks.open_all(work.session, wanted, work.now)
    send_all(work, [Letter(message=order) for order in orders])


def _online(work: Work, username: str, *which: ColumnElement[bool]) -> list[UUID]:
    mine = (SESSIONS.c.username == username, SESSIONS.c.status == "online")
    return list(work.session.scalars(select(SESSIONS.c.session_id).where(*mine, *which)))


def _is_newest(
    work: Work,
    job: SuspendRadiusUserJob | ReleaseRadiusUserJob,
    username: str,
    *,
    suspended: bool,
) -> bool:
    """Keep an order about a user's logins; False where a newer one was kept already."""
    row = insert(SuspendedUser).values(
        username=username, reason="suspended", suspended=suspended, changed_at=job.changed_at
    )
    kept = row.on_conflict_do_update(
        index_elements=[SuspendedUser.username],
        set_={"suspended": row.excluded.suspended, "changed_at": row.excluded.changed_at},
        where=SuspendedUser.changed_at < row.excluded.changed_at,
    )
    return work.session.execute(kept.returning(SuspendedUser.username)).first() is not None


def _apply_revocation(work: Work, grant_id: UUID) -> None:
    """A grant that was taken back is over, also where it would only have begun later."""
    at = RevokedGrant.revoked_at
    moment = func.make_interval(0, 0, 0, 0, 0, 0, 1)
    work.session.execute(
        update(Grant)
        .where(Grant.grant_id == grant_id, RevokedGrant.grant_id == grant_id, Grant.ends_at > at)
        .values(ends_at=at, starts_at=func.least(Grant.starts_at, at - moment))
        .execution_options(synchronize_session=False)
    )
    awaiting = (SESSIONS.c.grant_id == grant_id, SESSIONS.c.status == "awaiting")
    end = select(at).where(RevokedGrant.grant_id == grant_id).scalar_subquery()
    work.session.execute(
        update(SESSIONS)
        .where(*awaiting, SESSIONS.c.ends_at > end)
        .values(ends_at=end, expires_by="revoked")
    )


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
        revision=job.revision,
        moved_at=None,
    )


def _is_new(work: Work, grant: Grant) -> bool:
    """Insert a grant, or give it the terms of a higher revision; False where it was there.

    A repeat changes nothing: it must not give its data anew.
    """
    values = {column.key: getattr(grant, column.key) for column in Grant.__table__.columns}
    row = insert(Grant).values(values)
    kept = row.on_conflict_do_update(
        index_elements=[Grant.grant_id],
        set_={name: row.excluded[name] for name in _TERMS},
        where=Grant.revision < row.excluded.revision,
    )
    is_new = work.session.scalar(kept.returning(literal_column("xmax = 0", Boolean)))
    if is_new is not False:
        return is_new is not None
    awaiting = (SESSIONS.c.grant_id == grant.grant_id, SESSIONS.c.status == "awaiting")
    work.session.execute(update(SESSIONS).where(*awaiting).values(ends_at=grant.ends_at))
    return False
