"""The router's hotspot pages: the login page sends every guest to our portal.

Where a folder of pages is given, the router's servlet serves nothing else: what is missing there
is an Error 404 to the guest. So these are all that it needs; for the others (`rlogin.html`,
`alogin.html` and so on) it falls back to these. MikroTik fills in `$(...)`; `-esc` is escaped for
URLs.
"""

import hashlib
from collections.abc import Mapping
from html import escape
from typing import Final
from uuid import UUID

from router_service.wanted import Page

PREFIX: Final = "hotspot-page-"

_HEAD: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Cache-Control" content="no-store">
<title>WiFi</title>
"""
# It works without scripts: a refresh, and a link for those who turn that off.
_LOGIN: Final = """<meta http-equiv="refresh" content="0; url={portal}?mac=$(mac-esc)&amp;\
ip=$(ip-esc)&amp;link-login-only=$(link-login-only-esc)&amp;link-orig=$(link-orig-esc)&amp;\
error=$(error-esc)&amp;router={router}$(if chap-id)&amp;chap-id=$(chap-id-esc)&amp;\
chap-challenge=$(chap-challenge-esc)$(endif)">
</head>
<body>
<p><a href="{portal}?mac=$(mac-esc)&amp;ip=$(ip-esc)&amp;link-login-only=$(link-login-only-esc)\
&amp;link-orig=$(link-orig-esc)&amp;error=$(error-esc)&amp;router={router}">Go on / Endelea\
</a></p>
</body>
</html>
"""
# The servlet takes these two lines out and answers a redirect; browsers that it does not reach so
# follow the refresh.
_REDIRECT: Final = """$(if http-status == 302)Found$(endif)
$(if http-header == "Location")$(link-redirect)$(endif)
"""
_ON: Final = """<meta http-equiv="refresh" content="0; url=$(link-redirect)">
</head>
<body>
<p><a href="$(link-redirect)">Go on / Endelea</a></p>
</body>
</html>
"""
_STATUS: Final = """</head>
<body>
<p>$(username): you are online / uko mtandaoni.$(if session-time-left)
Time left / Muda uliobaki: $(session-time-left).$(endif)</p>
<p>$(bytes-out-nice) / $(bytes-in-nice)</p>
<p><a href="$(link-logout)">Log out / Toka</a></p>
</body>
</html>
"""
_LOGOUT: Final = """</head>
<body>
<p>You are offline / Umetoka. <a href="$(link-login)">Log in / Ingia</a></p>
</body>
</html>
"""
_ERROR: Final = """</head>
<body>
<p>$(error)</p>
<p><a href="$(link-login)">Try again / Jaribu tena</a></p>
</body>
</html>
"""


def pages_of_router(portal_url: str, router_id: UUID) -> Mapping[str, str]:
    """The text of each page by its file's name."""
    portal = escape(f"{portal_url}/", quote=True)
    return {
        "login.html": _HEAD + _LOGIN.format(portal=portal, router=router_id),
        "redirect.html": _REDIRECT + _HEAD + _ON,
        "status.html": _HEAD + _STATUS,
        "logout.html": _HEAD + _LOGOUT,
        "error.html": _HEAD + _ERROR,
    }


def wanted_pages(
    portal_url: str, router_id: UUID, *, base_url: str, disk: str = ""
) -> tuple[Page, ...]:
    """The pages as files of a router, to be fetched below `base_url`.

    Their folder bears the texts' digest, so that changed pages are missing files, and are fetched.
    """
    texts = pages_of_router(portal_url, router_id)
    digest = hashlib.sha256("\0".join(texts.values()).encode()).hexdigest()[:8]
    folder = f"{disk}{PREFIX}{digest}"
    return tuple(
        Page(path=f"{folder}/{name}", url=f"{base_url}/{name}", size=len(text.encode()))
        for name, text in texts.items()
    )
