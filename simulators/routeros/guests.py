"""The hotspot's own menus: who is logged in, as `/ip/hotspot/active` and its neighbours tell it."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from simulators.routeros.device import Row
from simulators.sessions import Cause, Session

ACTIVE, HOST, COOKIE = "/ip/hotspot/active", "/ip/hotspot/host", "/ip/hotspot/cookie"


class Ends(Protocol):
    """Who can end a session."""

    def end(self, session_id: str, cause: Cause) -> Session | None:
        """End it with a Stop."""


class GuestsOfRouter:
    """The guests of one router. Cookies are kept until somebody removes them."""

    def __init__(
        self,
        sessions: Callable[[], list[Session]],
        ends: Ends,
        now: Callable[[], datetime],
        server: str = "hotspot",
    ) -> None:
        self._sessions = sessions
        self._ends = ends
        self._now = now
        self._server = server
        self._forgotten: set[str] = set()

    def rows(self, menu: str) -> list[Row]:
        """One row for each session."""
        return [
            self._row(menu, session)
            for session in self._sessions()
            if menu != COOKIE or session.id not in self._forgotten
        ]

    def remove(self, menu: str, item: str) -> bool:
        """Send a guest off (active, host), or forget a cookie."""
        for session in self._sessions():
            if f"*{session.id}" == item:
                if menu == COOKIE:
                    known = session.id not in self._forgotten
                    self._forgotten.add(session.id)
                    return known
                return self._ends.end(session.id, Cause.ADMIN_RESET) is not None
        return False

    def _row(self, menu: str, session: Session) -> Row:
        row = {".id": f"*{session.id}", "mac-address": session.mac}
        if menu == COOKIE:
            return {**row, "user": session.username, "expires-in": "1d"}
        row |= {
            "address": session.ip,
            "server": self._server,
            "uptime": f"{session.seconds(self._now())}s",
            "bytes-in": str(session.bytes_in),
            "bytes-out": str(session.bytes_out),
        }
        if menu == HOST:
            return {**row, "authorized": "yes", "bypassed": "no"}
        return {**row, "user": session.username, "login-by": "http-pap", "radius": "yes"}
