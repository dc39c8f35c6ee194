"""The hotspot's own pages: what a guest's browser gets from the router, and the login by it.

Each guest has pages of its own here, for the stand-ins cannot tell guests apart by their address.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from flask import Blueprint, redirect, request
from flask.typing import ResponseReturnValue

from simulators.guests import Guest, Guests, Login, LoginResult
from simulators.hotspot import Hotspot
from simulators.nas import Router, Routers
from simulators.problems import Problem
from simulators.radius_packets import Chap

VARIABLE: Final = re.compile(r"\$\(([a-z-]+)\)")
CONDITION: Final = re.compile(r"\$\(if ([a-z-]+)\)(.*?)\$\(endif\)", re.DOTALL)
PAGE: Final = "<!doctype html><title>{title}</title><h1>{title}</h1><p>{text}</p>"
OWN_LOGIN: Final = (
    "<!doctype html><title>login</title><p>$(error)</p>"
    '<form action="$(link-login-only)" method="post"><input name="username">'
    '<input name="password" type="password"><button>OK</button></form>'
)
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
    """`/hotspot/<guest>/`: any page the guest opens, `login` and `status`."""
    blueprint = Blueprint("servlet", __name__, url_prefix="/hotspot/<guest_id>")
    challenges = Challenges()

    @blueprint.get("/")
    def any_page(guest_id: str) -> ResponseReturnValue:
        guest, router = _place(guest_id, guests, routers)
        if hotspot.sessions.of_guest(guest.id) is not None:
            return PAGE.format(title="the internet", text="You are online.")
        return _login_page(guest, router, challenges, error="")

    @blueprint.route("/login", methods=["GET", "POST"])
    def login(guest_id: str) -> ResponseReturnValue:
        guest, router = _place(guest_id, guests, routers)
        given = {**request.args.to_dict(), **request.form.to_dict()}
        if "username" not in given:
            return _login_page(guest, router, challenges, error="")
        if hotspot.sessions.of_guest(guest.id) is None:
            result = hotspot.login(guest, _login(given, challenges.kept.pop(guest.id, None)))
            if result.result != "accept":
                return _login_page(guest, router, challenges, error=_error(result))
        target = given.get("dst") or f"{_base(guest)}/status"
        return redirect(target, code=302)

    @blueprint.get("/status")
    def status(guest_id: str) -> ResponseReturnValue:
        guest, _ = _place(guest_id, guests, routers)
        session = hotspot.sessions.of_guest(guest.id)
        said = f"You are logged in as {session.username}" if session else "You are not logged in"
        return PAGE.format(title="status", text=escape(said))

    return blueprint


def _login(given: Mapping[str, str], challenge: tuple[int, bytes] | None) -> Login:
    """PAP, or CHAP where the password is an answer to the page's challenge."""
    username, password = given["username"], given.get("password", "")
    is_answer = challenge is not None and re.fullmatch(r"[0-9a-f]{32}", password)
    if not is_answer or challenge is None:
        return Login(username=username, password=password)
    answer = Chap(id=challenge[0], challenge=challenge[1], digest=bytes.fromhex(password))
    return Login(username=username, method="chap", answer=answer)


def _login_page(
    guest: Guest, router: Router, challenges: Challenges, *, error: str
) -> ResponseReturnValue:
    """The router's `login.html`, with its variables filled in."""
    menus = router.configured
    chap_id, challenge = challenges.new(guest.id)
    with_chap = menus is None or "http-chap" in menus.login_by
    values = {
        "mac": guest.mac,
        "ip": guest.ip,
        "link-login-only": f"{_base(guest)}/login",
        "link-orig": "http://example.net/",
        "error": error,
        "identity": router.device.read("/system/identity")[0]["name"],
        "chap-id": f"\\{chap_id:03o}" if with_chap else "",
        "chap-challenge": "".join(f"\\{octet:03o}" for octet in challenge) if with_chap else "",
        "username": "",
        "hostname": "login.hotspot",
    }
    return filled(_page_of(router), values)


def filled(page: str, values: Mapping[str, str]) -> str:
    """A page as the servlet serves it: `$(if x)`, `$(x)`, and `$(x-esc)` for URLs."""
    chosen = CONDITION.sub(lambda found: found[2] if values.get(found[1]) else "", page)

    def value(found: re.Match[str]) -> str:
        name = found[1]
        if name.endswith("-esc"):
            return quote(values.get(name.removesuffix("-esc"), ""), safe="")
        return values.get(name, "")

    return VARIABLE.sub(value, chosen)


def _page_of(router: Router) -> str:
    profile = next(
        (row for row in router.device.read("/ip/hotspot/profile") if row.get("default") != "yes"),
        {},
    )
    for folder in (profile.get("html-directory-override"), profile.get("html-directory")):
        for row in router.device.read("/file"):
            if folder and row.get("name", "").removeprefix("flash/") == f"{folder}/login.html":
                return row.get("contents", "")
    return OWN_LOGIN


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
