"""The router's login page: it sends every guest to our portal, and logs them in coming back."""

import hashlib
from html import escape
from uuid import UUID

from router_service.wanted import Page

# MikroTik fills in `$(...)` when it serves the page (its servlet's variables; `-esc`: escaped for
# URLs). It works without scripts: a refresh, and a link for those who turn that off.
_TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Cache-Control" content="no-store">
<title>WiFi</title>
<meta http-equiv="refresh" content="0; url={portal}?mac=$(mac-esc)&amp;ip=$(ip-esc)&amp;\
link-login-only=$(link-login-only-esc)&amp;link-orig=$(link-orig-esc)&amp;error=$(error-esc)&amp;\
router={router}$(if chap-id)&amp;chap-id=$(chap-id-esc)&amp;\
chap-challenge=$(chap-challenge-esc)$(endif)">
</head>
<body>
<p><a href="{portal}?mac=$(mac-esc)&amp;ip=$(ip-esc)&amp;link-login-only=$(link-login-only-esc)\
&amp;link-orig=$(link-orig-esc)&amp;error=$(error-esc)&amp;router={router}">Go on / Endelea\
</a></p>
</body>
</html>
"""


def page_text(portal_url: str, router_id: UUID) -> str:
    """The file `login.html` of a router."""
    return _TEMPLATE.format(portal=escape(f"{portal_url}/", quote=True), router=router_id)


def login_page(portal_url: str, router_id: UUID, *, url: str) -> Page:
    """The page as a file of a router.

    Its folder bears the text's digest, so that a changed page is a missing file, and is fetched.
    """
    digest = hashlib.sha256(page_text(portal_url, router_id).encode()).hexdigest()[:8]
    return Page(path=f"hotspot-page-{digest}/login.html", url=url)
