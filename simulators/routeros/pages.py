"""The hotspot's pages: which file the servlet takes, and what it makes of its variables."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from simulators.nas import Router

_VARIABLE: Final = re.compile(r"\$\(([a-z-]+)\)")
_CONDITION: Final = re.compile(r"\$\(if ([a-z-]+)\)(.*?)\$\(endif\)", re.DOTALL)
_STATUS: Final = re.compile(r"\$\(if http-status == (\d+)\).*?\$\(endif\)\n?", re.DOTALL)
_HEADER: Final = re.compile(r'\$\(if http-header == "?([\w-]+)"?\)(.*?)\$\(endif\)\n?', re.DOTALL)

_REDIRECT: Final = (
    "$(if http-status == 302)Hotspot redirect$(endif)\n"
    '$(if http-header == "Location")$(link-redirect)$(endif)\n'
    '<!doctype html><meta http-equiv="refresh" content="0; url=$(link-redirect)">'
)
# What a router has where nobody gave it other pages.
DEFAULT: Final = {
    "redirect.html": _REDIRECT,
    "login.html": (
        "<!doctype html><title>login</title><p>$(error)</p>"
        '<form action="$(link-login-only)" method="post"><input name="username">'
        '<input name="password" type="password"><button>OK</button></form>'
        "$(if chap-id)<!-- $(chap-id) $(chap-challenge) -->$(endif)"
    ),
    "status.html": (
        "<!doctype html><title>status</title><p>You are logged in as $(username)</p>"
        '<a href="$(link-logout)">log out</a>'
    ),
    "logout.html": "<!doctype html><title>logout</title><p>You have just logged out</p>",
    "error.html": "<!doctype html><title>error</title><p>$(error)</p>",
}
# What is taken where a file is not there.
_INSTEAD: Final = {
    "rlogin.html": "redirect.html",
    "alogin.html": "redirect.html",
    "fstatus.html": "redirect.html",
    "flogout.html": "redirect.html",
    "flogin.html": "login.html",
}


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A page as a browser gets it."""

    status: int
    headers: Mapping[str, str]
    text: str


def show(router: Router, name: str, values: Mapping[str, str]) -> Shown:
    """A page of a router's hotspot. Error 404 where its folder has neither it nor its stand-in."""
    files = files_of(router)
    text = files.get(name) or files.get(_INSTEAD.get(name, name))
    if text is None:
        return Shown(status=404, headers={}, text="Error 404: Not Found")
    status = _STATUS.search(text)
    headers = {found[1]: filled(found[2], values).strip() for found in _HEADER.finditer(text)}
    bare = _HEADER.sub("", _STATUS.sub("", text))
    return Shown(
        status=int(status[1]) if status else 200, headers=headers, text=filled(bare, values)
    )


def filled(page: str, values: Mapping[str, str]) -> str:
    """A page with its variables: `$(if x)`, `$(x)`, and `$(x-esc)` for URLs."""
    chosen = _CONDITION.sub(lambda found: found[2] if values.get(found[1]) else "", page)

    def value(found: re.Match[str]) -> str:
        name = found[1]
        if name.endswith("-esc"):
            return quote(values.get(name.removesuffix("-esc"), ""), safe="")
        return values.get(name, "")

    return _VARIABLE.sub(value, chosen)


def files_of(router: Router) -> Mapping[str, str]:
    """The pages in the folder of the server's profile; the default ones where it is empty."""
    server = next((row for row in router.device.read("/ip/hotspot")), {})
    profile = next(
        (
            row
            for row in router.device.read("/ip/hotspot/profile")
            if row["name"] == server.get("profile")
        ),
        {},
    )
    folder = profile.get("html-directory-override", "")
    prefix = f"{folder}/"
    own = {
        row["name"].removeprefix(prefix): row.get("contents", "")
        for row in router.device.read("/file")
        if folder and row.get("name", "").startswith(prefix)
    }
    return own or DEFAULT
