"""The hotspot's own pages: what a guest's browser gets from the router, and the login by it.

Each guest has pages of its own here, for the stand-ins cannot tell guests apart by their address.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from simulators.guests import Guest, Guests, Login, LoginResult
from simulators.hotspot import Hotspot
from simulators.nas import Router, Routers
from simulators.problems import Problem
from simulators.radius_packets import Chap
from simulators.routeros.pages import show

INTERNET: Final = "<!doctype html><title>the internet</title><p>You are online.</p>"
ORIGINAL: Final = "http://example.net/"
# As errors.txt of RouterOS words it.
RADIUS_TIMEOUT: Final = "RADIUS server is not responding"
INVALID: Final = "invalid username or password"


@dataclass
class Challenges:
    """The CHAP challenge on each guest's login page."""

    kept: dict[str, tuple[int, bytes]] = field(default_factory=dict)

    def new(self, guest_id: str) -> tuple[int, bytes]:
        """Another one."""
        self.kept[guest_id] = (os.urandom(1)[0], os.urandom(16))
        return self.kept[guest_id]


def servlet_blueprint(hotspot: Hotspot, routers: Routers, guests: Guests) -> Blueprint:
    """`/hotspot/<guest>/`: any page the guest opens, `login`, `status` and `logout`."""
    blueprint = Blueprint("servlet", __name__, url_prefix="/hotspot/<guest_id>")
    challenges = Challenges()

    def page(guest: Guest, router: Router, name: str, **values: str) -> ResponseReturnValue:
        session = hotspot.sessions.of_guest(guest.id)
        known = _values(guest, router) | {"username": session.username if session else ""}
        shown = show(router, name, known | {key.replace("_", "-"): values[key] for key in values})
        return shown.text, shown.status, {"Content-Type": "text/html", **shown.headers}

    def login_page(guest: Guest, router: Router, name: str, error: str) -> ResponseReturnValue:
        chap_id, challenge = challenges.new(guest.id)
        menus = router.configured
        with_chap = menus is None or "http-chap" in menus.login_by
        return page(
            guest,
            router,
            name,
            error=error,
            chap_id=f"\\{chap_id:03o}" if with_chap else "",
            chap_challenge="".join(f"\\{octet:03o}" for octet in challenge) if with_chap else "",
        )

    @blueprint.get("/")
    def any_page(guest_id: str) -> ResponseReturnValue:
        guest, router = _place(guest_id, guests, routers)
        if hotspot.sessions.of_guest(guest.id) is not None:
            return INTERNET
        return page(guest, router, "rlogin.html", link_redirect=f"{_base(guest)}/login")

    @blueprint.route("/login", methods=["GET", "POST"])
    def login(guest_id: str) -> ResponseReturnValue:
        guest, router = _place(guest_id, guests, routers)
        given = {**request.args.to_dict(), **request.form.to_dict()}
        if hotspot.sessions.of_guest(guest.id) is None:
            if "username" not in given:
                return login_page(guest, router, "login.html", error="")
            result = hotspot.login(guest, _login(given, challenges.kept.pop(guest.id, None)))
            if result.result != "accept":
                return login_page(guest, router, "flogin.html", error=_error(result))
        target = given.get("dst") or f"{_base(guest)}/status"
        return page(guest, router, "alogin.html", link_redirect=target)

    @blueprint.get("/status")
    def status(guest_id: str) -> ResponseReturnValue:
        guest, router = _place(guest_id, guests, routers)
        online = hotspot.sessions.of_guest(guest.id) is not None
        name = "status.html" if online else "fstatus.html"
        return page(guest, router, name, link_redirect=f"{_base(guest)}/login")

    @blueprint.get("/logout")
    def logout(guest_id: str) -> ResponseReturnValue:
        guest, router = _place(guest_id, guests, routers)
        name = "flogout.html"
        if hotspot.sessions.of_guest(guest.id) is not None:
            hotspot.logout(guest)
            name = "logout.html"
        return page(guest, router, name, link_redirect=f"{_base(guest)}/login")

    return blueprint


def _login(given: Mapping[str, str], challenge: tuple[int, bytes] | None) -> Login:
    """PAP, or CHAP where the password is an answer to the page's challenge."""
    username, password = given["username"], given.get("password", "")
    is_answer = challenge is not None and re.fullmatch(r"[0-9a-f]{32}", password)
    if not is_answer or challenge is None:
        return Login(username=username, password=password)
    answer = Chap(id=challenge[0], challenge=challenge[1], digest=bytes.fromhex(password))
    return Login(username=username, method="chap", answer=answer)


def _values(guest: Guest, router: Router) -> dict[str, str]:
    """The variables that every page has."""
    base = _base(guest)
    return {
        "mac": guest.mac,
        "ip": guest.ip,
        "link-login": f"{base}/login?dst={ORIGINAL}",
        "link-login-only": f"{base}/login",
        "link-logout": f"{base}/logout",
        "link-status": f"{base}/status",
        "link-orig": ORIGINAL,
        "error": "",
        "identity": router.device.read("/system/identity")[0]["name"],
        "hostname": "login.hotspot",
    }


def _error(result: LoginResult) -> str:
    if result.result == "timeout":
        return RADIUS_TIMEOUT
    return result.reply_message or INVALID


def _base(guest: Guest) -> str:
    return f"{request.host_url.rstrip('/')}/hotspot/{guest.id}"


def _place(guest_id: str, guests: Guests, routers: Routers) -> tuple[Guest, Router]:
    guest = guests.get(guest_id)
    router = routers.get(guest.router_id) if guest else None
    if guest is None or router is None:
        raise Problem(HTTPStatus.NOT_FOUND, "no such guest")
    return guest, router
