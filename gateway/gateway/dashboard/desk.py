"""What all routes of the dashboard share: who is let in, and how a page is answered."""

import hmac
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from flask import Flask, Response, current_app, g, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from gateway.dashboard.asking import Api
from gateway.dashboard.orders import NAMED
from gateway.dashboard.pages import Drawing
from gateway.dashboard.parts import Page
from gateway.dashboard.session import Logins
from gateway.dashboard.visit import Refused, Visit
from hotspot.web.app import config_of, now
from hotspot.web.auth import caller_of_token
from hotspot.web.problem import Problem

LOGIN = "/dashboard/login"
# A statement of 5 MiB comes back as text in the form that imports it.
LARGEST_STATEMENT = 8 * 1024 * 1024
_TAKES_FILES = (
    "dashboard.try_statement",
    "dashboard.import_statement",
    "dashboard.import_routers",
)


@dataclass(frozen=True, kw_only=True)
class Desk:
    """What all routes share."""

    drawing: Drawing
    logins: Logins

    def visit(self, refused: Refused | None = None) -> Visit:
        """A look of who is logged in."""
        return Visit(
            api=api_of_request(g.login.access_token),
            caller=g.dashboard_caller,
            now=now(),
            path=request.path,
            args=request.args.to_dict(),
            refused=refused,
        )

    def page(self, page: Page, path: str | None = None) -> Response:
        """A page, with what an order said on the way here."""
        order = NAMED.get(request.args.get("said", ""))
        said = order.said if order and request.method == "GET" else None
        return self.drawing.draw("page.html", page, path=path or request.path, said=said)

    def login_page(self, problem: str | None, status: int, email: str = "") -> Response:
        """Who are you?"""
        page = Page(title="Log in", parts=[], status=status)
        leads = request.values.get("next", "")
        order = NAMED.get(request.args.get("said", ""))
        said = order.said if order and order.ends_login else None
        return self.drawing.draw(
            "login.html", page, path=LOGIN, said=said, problem=problem, typed=email, leads=leads
        )


def admit(desk: Desk) -> AnyResponse | None:
    """Nobody sees a page without a login, nor gives an order from another site's form."""
    if request.endpoint in ("dashboard.asset", None):
        return None
    if request.method == "POST" and _is_from_elsewhere():
        raise Problem(403, "wrong-origin", "This form was sent from another site.")
    if request.endpoint in ("dashboard.log_in", "dashboard.ask_login"):
        return None
    known = desk.logins.of_request(request)
    login = desk.logins.fresh(known, api_of_request(None), now()) if known else None
    if login is None:
        return _to_login()
    if login != known:
        g.renewed = login
    try:
        g.dashboard_caller = caller_of_token(login.access_token, config_of().jwt_public_key)
    except Problem:  # of a key that is no more, or of a login that could not be renewed
        return _to_login()
    g.login = login
    if request.method == "POST":
        if request.endpoint in _TAKES_FILES:
            request.max_content_length = request.max_form_memory_size = LARGEST_STATEMENT
        typed = request.form.get("form_key", "")
        if not hmac.compare_digest(typed.encode(), login.form_key.encode()):
            raise Problem(403, "wrong-form", "This form is too old: load its page anew.")
    return None


def _to_login() -> AnyResponse:
    if request.endpoint == "dashboard.events":  # a redirect would be followed for ever
        return Response(status=401)
    wanted = request.full_path.rstrip("?") if request.method == "GET" else "/dashboard"
    return redirect(f"{LOGIN}?next={quote(wanted)}", 303)


def _is_from_elsewhere() -> bool:
    """Whether a browser says that another site sent this."""
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        return True
    return request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none")


def api_of_request(token: str | None) -> Api:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    return Api(app.wsgi_app, request.environ, g.request_id, token)
