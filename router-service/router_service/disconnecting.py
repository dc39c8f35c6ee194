"""Sending a guest off through the router's API, where RADIUS's Disconnect was ignored."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

import structlog
from sqlalchemy import or_, select

from hotspot.bus.work import Outside, Unclear, Work
from hotspot.contract.sessions import DisconnectGuestJob, GuestDisconnected
from router_service.models import Router
from router_service.reaching import Reach
from router_service.routeros import (
    Address,
    NoSuchItem,
    RouterOs,
    RouterRefused,
    RouterUnreachable,
    Row,
    WrongPassword,
)

log = structlog.get_logger()

ACTIVE: Final = "/ip/hotspot/active"
HOST: Final = "/ip/hotspot/host"
COOKIE: Final = "/ip/hotspot/cookie"

Outcome = Literal["removed", "not_there", "unreachable", "unknown_router"]


@dataclass(frozen=True, kw_only=True)
class Guest:
    """Who is to be sent off, and the router to ask; `address` is None where it is not ours."""

    address: Address | None
    username: str
    mac: str | None
    ip: str | None


@dataclass(frozen=True, kw_only=True)
class Result:
    """How it went, and in words."""

    outcome: Outcome
    detail: str


def disconnect_guest(reach: Reach) -> Outside[DisconnectGuestJob, Guest, Result]:
    """The handler of DisconnectGuestJob. Doing it twice is harmless: nothing is marked before.

    It is tried once: radius-service's kick ledger decides whether and when to ask again.
    """
    return Outside(
        prepare=lambda job, work: prepare(job, work, reach),
        act=lambda guest: act(guest, reach),
        record=record,
    )


def prepare(job: DisconnectGuestJob, work: Work, reach: Reach) -> Guest:
    """Find the router that the session's RADIUS packets came from."""
    router = _router_of(job, work, reach)
    return Guest(
        address=reach.address_of(router) if router else None,
        username=job.username,
        mac=job.mac,
        ip=job.ip,
    )


def act(guest: Guest, reach: Reach) -> Result:
    """Remove the active session, then what would let the guest straight back in."""
    if guest.address is None:
        return Result(outcome="unknown_router", detail="no router of ours has this address")
    try:
        with reach.connect(guest.address) as router:
            removed = send_off(router, guest)
    except RouterUnreachable as error:
        return Result(outcome="unreachable", detail=str(error))
    except (WrongPassword, RouterRefused) as error:
        return Result(outcome="unreachable", detail=f"the router refused: {error}")
    if removed:
        return Result(outcome="removed", detail=f"removed {', '.join(removed)}")
    return Result(outcome="not_there", detail="the guest is not in the router's active list")


def record(job: DisconnectGuestJob, _guest: Guest, result: Result | Unclear, work: Work) -> None:
    """Tell radius-service; it verifies by accounting."""
    if isinstance(result, Unclear):
        result = Result(outcome="unreachable", detail=result.reason)
    log.info("guest sent off", session_id=str(job.session_id), outcome=result.outcome)
    work.send(
        GuestDisconnected(
            session_id=job.session_id,
            attempt=job.attempt,
            outcome=result.outcome,
            detail=result.detail,
            at=work.now,
        )
    )


def send_off(router: RouterOs, guest: Guest) -> list[str]:
    """Remove cookie, session and host entry of a guest; answers what there was to remove.

    The cookie goes first: with it, the guest would be logged in again by the next page.
    """
    return [
        menu.rpartition("/")[2]
        for menu in (COOKIE, ACTIVE, HOST)
        for item in router.read(menu)
        if _is_of(item, guest, menu) and _remove(router, menu, item)
    ]


def _is_of(item: Row, guest: Guest, menu: str) -> bool:
    """Whether an entry is this guest's: the user's other devices are left alone."""
    if guest.mac and item.get("mac-address", "").upper() != guest.mac.upper():
        return False
    if guest.ip and menu == ACTIVE and item.get("address", guest.ip) != guest.ip:
        return False
    if menu == HOST:  # knows no user
        return bool(guest.mac) and item.get("bypassed", "no") == "no"
    return item.get("user", "").lower() == guest.username.lower()


def _remove(router: RouterOs, menu: str, item: Row) -> bool:
    try:
        router.remove(menu, item[".id"])
    except NoSuchItem:
        return False  # it went by itself in the meantime
    return True


def _known(router_id: str | None, work: Work) -> Router | None:
    """By the session's own word, which may be a guest's: it need be no id of a router."""
    with suppress(ValueError):
        return work.session.get(Router, UUID(router_id)) if router_id else None
    return None


def _router_of(job: DisconnectGuestJob, work: Work, reach: Reach) -> Router | None:
    known = _known(job.router_id, work)
    if known is not None:
        return known
    named = select(Router).where(
        or_(Router.ip_address == job.nas, Router.identity == job.nas_identifier)
    )
    candidates = [*work.session.scalars(named), *reach.with_tunnel(work.session, job.nas)]
    by_address = [one for one in candidates if reach.registry.address_of(one) == job.nas]
    found = by_address or candidates
    # Two routers of one name, both at another address: to guess would send off a stranger.
    return found[0] if len(found) == 1 else None
