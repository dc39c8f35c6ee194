"""Accounting: what a router reports, and what becomes of a session by it. Plain functions."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from radius_service import names
from radius_service.packets import Malformed, Request

Status = Literal["start", "interim", "stop", "on", "off"]
Change = Literal["started", "ended"]

_STATUSES: dict[int, Status] = {1: "start", 2: "stop", 3: "interim", 7: "on", 8: "off"}
_LONGEST_DELAY = timedelta(days=1)

# Causes of sessions that were closed here, without their Stop.
SILENT = "Silent"  # three interim updates were missed
REPLACED = "Replaced"  # the same device began another session
REBOOTED = "NAS-Reboot"
GONE = "Gone"  # the router knows no such session any more

# What we can be wrong about: a router that still counts such a session has it.
_PRESUMED = frozenset({SILENT, GONE})
_32_BITS = 2**32
_MOST_OCTETS = 2**50


@dataclass(frozen=True, kw_only=True)
class Report:
    """An Accounting-Request, read. `at`: when it happened, by our clock.

    `username`: whose session it is; `login_name`: the name as the router knows it, which for a
    device that was let in by its address is that address. `bytes_in`: from the guest, as the
    router counts; `nas_source`: where the packet came from, which is also where
    Disconnect-Requests go.
    """

    status: Status
    unique_id: str
    session_id: str
    username: str | None
    login_name: str | None
    at: datetime
    nas_address: str
    nas_source: str
    nas_identifier: str | None
    port_id: str | None
    port_type: str | None
    session_seconds: int
    bytes_in: int
    bytes_out: int
    mac: str | None
    called: str | None
    ip: str | None
    cause: str | None
    authentic: str | None
    service_type: str | None
    framed_protocol: str | None
    connect_info: str | None
    class_text: str | None

    @property
    def grant_id(self) -> UUID | None:
        """The grant that the login was accepted for: it travels in Class."""
        try:
            return UUID(self.class_text)
        except (TypeError, ValueError):
            return None


@dataclass(frozen=True, kw_only=True)
class Stay:
    """What radacct holds of a session."""

    started_at: datetime
    updated_at: datetime
    stopped_at: datetime | None
    cause: str | None
    seconds: int
    bytes_in: int
    bytes_out: int


def report_of(request: Request, *, source: str, received_at: datetime) -> Report | None:
    """What an Accounting-Request says; None for kinds that are not kept (tunnels).

    Raises Malformed where it cannot be told which session it is about.
    """
    status = _STATUSES.get(request.number("Acct-Status-Type") or 0)
    if status is None:
        if request.number("Acct-Status-Type"):
            return None
        raise Malformed("malformed")
    session_id = request.text("Acct-Session-Id") or ""
    if not session_id and status not in ("on", "off"):
        raise Malformed("malformed")
    delay = timedelta(seconds=request.number("Acct-Delay-Time") or 0)
    username = request.text("User-Name")
    return Report(
        status=status,
        unique_id=_unique_id(request, session_id, source),
        session_id=session_id,
        username=names.username(username) if username else None,
        login_name=username,
        at=received_at - min(delay, _LONGEST_DELAY),
        nas_address=request.address("NAS-IP-Address") or source,
        nas_source=source,
        nas_identifier=request.text("NAS-Identifier"),
        port_id=request.text("NAS-Port-Id"),
        port_type=request.word("NAS-Port-Type"),
        session_seconds=request.number("Acct-Session-Time") or 0,
        bytes_in=_octets(request, "Input"),
        bytes_out=_octets(request, "Output"),
        mac=names.mac(request.text("Calling-Station-Id")),
        called=request.text("Called-Station-Id"),
        ip=request.address("Framed-IP-Address"),
        cause=request.word("Acct-Terminate-Cause"),
        authentic=request.word("Acct-Authentic"),
        service_type=request.word("Service-Type"),
        framed_protocol=request.word("Framed-Protocol"),
        connect_info=request.text("Connect-Info"),
        class_text=request.text("Class"),
    )


def after(known: Stay | None, report: Report) -> tuple[Stay, tuple[Change, ...]]:
    """A session after a report, and what changed by it.

    Right for reports that are repeated, late or out of order: counters never go down, a session
    never begins twice, and what a Stop ended stays ended. Only what we closed ourselves, as silent
    or as gone, goes on when the router still counts it: its guest never left.
    """
    if known is None:
        return _begun(report)
    later = report.session_seconds > known.seconds
    heard = replace(
        known,
        updated_at=max(known.updated_at, report.at),
        seconds=max(known.seconds, report.session_seconds),
        bytes_in=counted(known.bytes_in, report.bytes_in, later=later),
        bytes_out=counted(known.bytes_out, report.bytes_out, later=later),
    )
    if known.stopped_at is None:
        if report.status == "stop":
            return replace(heard, stopped_at=report.at, cause=report.cause), ("ended",)
        return heard, ()
    still_there = later and report.status == "interim" and report.at > known.stopped_at
    if known.cause in _PRESUMED and still_there:
        return replace(heard, stopped_at=None, cause=None), ("started",)
    return replace(heard, updated_at=known.updated_at), ()


def is_another(known: Stay, report: Report) -> bool:
    """Whether a report begins another session than the one that is known by its id.

    RouterOS counts its reboots with 4 bits and its sessions from nothing, so ids come again. A
    Start that counted nothing, longer after the end than any report can be late, is a new one.
    """
    return (
        report.status == "start"
        and report.session_seconds == 0
        and known.stopped_at is not None
        and report.at > known.stopped_at + _LONGEST_DELAY
    )


def counted(known: int, reported: int, *, later: bool) -> int:
    """A counter of 64 bits that never goes down: `counted` in SQL, which says why."""
    wrapped = (reported - known) % _32_BITS
    if later and reported < min(known, _32_BITS) and wrapped < _32_BITS // 2:
        return known + wrapped
    return max(known, reported)


def _begun(report: Report) -> tuple[Stay, tuple[Change, ...]]:
    """The first that is heard of a session, whichever report was lost before it."""
    stopped = report.status == "stop"
    stay = Stay(
        started_at=report.at - timedelta(seconds=report.session_seconds),
        updated_at=report.at,
        stopped_at=report.at if stopped else None,
        cause=report.cause if stopped else None,
        seconds=report.session_seconds,
        bytes_in=report.bytes_in,
        bytes_out=report.bytes_out,
    )
    return stay, ("started", "ended") if stopped else ("started",)


def _unique_id(request: Request, session_id: str, source: str) -> str:
    """What every report of one session has in common, and no other session has.

    Not the identifier or Acct-Delay-Time, which change when a report is sent again. The same as
    FreeRADIUS's Acct-Unique-Session-Id, so that a session survives a change of servers.
    """
    port = request.number("NAS-Port")
    parts = (
        names.username(request.text("User-Name") or ""),
        session_id,
        request.address("NAS-IP-Address") or source,
        request.text("NAS-Identifier") or "",
        request.text("NAS-Port-Id") or "",
        "" if port is None else str(port),
    )
    return hashlib.md5(",".join(parts).encode(), usedforsecurity=False).hexdigest()


def _octets(request: Request, way: str) -> int:
    """A counter of 64 bits: Gigawords count how often the 32 bits of Octets wrapped (RFC 2869).

    More than a pebibyte is nonsense, and `plausible` in SQL makes it as much, too.
    """
    octets = request.number(f"Acct-{way}-Octets") or 0
    return min(octets + ((request.number(f"Acct-{way}-Gigawords") or 0) << 32), _MOST_OCTETS)
