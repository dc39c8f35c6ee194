"""Drawing pages: one template for all of them, and the headers that keep a browser to our own."""

import json
from hashlib import sha256
from pathlib import Path

from flask import Response, g
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gateway.dashboard import words
from gateway.dashboard.parts import Page
from gateway.door import OPERATOR, OWNER, VIEWER
from hotspot.web.app import now
from hotspot.web.auth import Caller

HERE = Path(__file__).parent
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# Name, address, and the role that it needs where that is more than a viewer's
MENU = (
    ("", (("Overview", "/dashboard"),)),
    (
        "Money",
        (
            ("Payments", "/dashboard/payments"),
            ("Receipts", "/dashboard/receipts"),
            ("Statements", "/dashboard/statements", OPERATOR),
            ("Vouchers", "/dashboard/vouchers"),
            ("Packages", "/dashboard/packages"),
        ),
    ),
    (
        "Guests",
        (
            ("Users", "/dashboard/users"),
            ("Sessions", "/dashboard/sessions"),
            ("Subscriptions", "/dashboard/subscriptions"),
            ("Messages", "/dashboard/messages"),
        ),
    ),
    (
        "System",
        (
            ("Routers", "/dashboard/routers"),
            ("Failed jobs", "/dashboard/failed-jobs"),
            ("Schedules", "/dashboard/schedules"),
            ("Queues", "/dashboard/queues"),
            ("Accounts", "/dashboard/operators", OWNER),
            ("API keys", "/dashboard/api-keys", OWNER),
            ("Audit", "/dashboard/audit", OWNER),
        ),
    ),
)
_KINDS = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}


class Assets:
    """The script and the style, read once; their address changes with what is in them."""

    def __init__(self) -> None:
        files = [path for path in (HERE / "static").iterdir() if path.suffix in _KINDS]
        self._kept = {path.name: path.read_bytes() for path in files}
        self._digest = {name: sha256(raw).hexdigest()[:12] for name, raw in self._kept.items()}

    def url(self, name: str) -> str:
        """Where the browser finds it."""
        return f"/dashboard/static/{self._digest[name]}/{name}"

    def response(self, name: str) -> Response | None:
        """The file, to be kept for a year; None where there is none of this name."""
        if name not in self._kept:
            return None
        response = Response(self._kept[name], content_type=_KINDS[Path(name).suffix])
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


class Drawing:
    """The templates, and what they know of every page."""

    def __init__(self) -> None:
        self.assets = Assets()
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(
            money=words.money,
            phone=words.phone,
            size=words.size,
            span=words.span,
            speed=words.speed,
            ms=words.milliseconds,
            spaced=words.spaced,
            state_class=words.state_class,
            full=words.full,
            short_json=lambda value: json.dumps(value, ensure_ascii=False),
            clock=lambda value: words.clock(value, now()),
            ago=lambda value: words.ago(value, now()),
            instant=lambda value: f"{words.moment(value):%H:%M:%S.%f}"[:-3],
        )
        self._feed = json.dumps(words.feed())

    def draw(
        self, template: str, page: Page, *, path: str, said: str | None = None, **more: object
    ) -> Response:
        """A page for who is logged in."""
        login, caller = g.get("login"), g.get("dashboard_caller")
        text = self._templates.get_template(template).render(
            page=page,
            path=path,
            said=said,
            menu=_menu(caller),
            email=login.email if login else None,
            role=caller.role if caller else None,
            form_key=login.form_key if login else "",
            feed=self._feed,
            url_of=self.assets.url,
            **more,
        )
        return Response(text, status=page.status, content_type="text/html; charset=utf-8")


def _menu(caller: Caller | None) -> list[tuple[str, list[tuple[str, ...]]]]:
    """The pages that this operator may look at."""
    return [
        (group, [one for one in entries if caller and caller.may_act_as((*one, VIEWER)[2])])
        for group, entries in MENU
    ]


def guarded(response: Response) -> Response:
    """No script or style but ours, nothing from elsewhere, in nobody's frame, kept by no cache."""
    response.headers.setdefault("Content-Security-Policy", POLICY)
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    return response
