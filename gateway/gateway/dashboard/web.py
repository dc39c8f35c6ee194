"""The dashboard's routes: log in, look, give orders. Every one of them asks the API."""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import replace
from uuid import UUID

from flask import Blueprint, Response, g, redirect, request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as AnyResponse

from gateway.dashboard import details, front, lists, money, routers
from gateway.dashboard.asking import Asked, Told
from gateway.dashboard.desk import LOGIN, Desk, admit, api_of_request
from gateway.dashboard.ordering import Order
from gateway.dashboard.orders import NAMED, ORDERS
from gateway.dashboard.pages import Drawing, guarded
from gateway.dashboard.parts import Form, Missing, Page
from gateway.dashboard.session import Login, Logins
from gateway.dashboard.visit import Refused, Visit
from gateway.forwarding import hold_no_longer_than
from hotspot.vault import Vault
from hotspot.web.app import now
from hotspot.web.problem import Problem

DEVICE = "hotspot_device"
DEVICE_KNOWN_SECONDS = 180 * 24 * 3600

LISTS: Mapping[str, Callable[[Visit], Page]] = {
    "/payments": lists.payments,
    "/receipts": lists.receipts,
    "/users": lists.users,
    "/subscriptions": lists.subscriptions,
    "/sessions": lists.sessions,
    "/routers": lists.routers,
    "/packages": lists.sold,
    "/vouchers": lists.vouchers,
    "/messages": lists.messages,
    "/failed-jobs": lists.failed_jobs,
    "/schedules": lists.schedules,
    "/queues": lists.queues,
    "/statements": lists.statements,
    "/cases": money.cases,
    "/audit": lists.audit,
    "/overdue": lists.overdue,
    "/search": front.search,
}
DETAILS: Mapping[str, Callable[[Visit, str], Page]] = {
    "/payments": money.payment,
    "/trace": money.trace,
    "/users": details.user,
    "/subscriptions": details.subscription,
    "/sessions": details.session,
    "/routers": routers.router,
    "/packages": details.package,
    "/vouchers/batches": details.batch,
    "/messages": details.message,
    "/failed-jobs": details.failed_job,
    "/statements": money.statement,
}


def dashboard_blueprint(keys: tuple[str, ...]) -> Blueprint:
    """/dashboard: pages for operators. `keys` seal their cookies."""
    blueprint = Blueprint("dashboard", __name__, url_prefix="/dashboard")
    desk = Desk(drawing=Drawing(), logins=Logins(Vault(keys)))
    _add_login(blueprint, desk)
    _add_pages(blueprint, desk)
    _add_orders(blueprint, desk)
    _add_streams(blueprint, desk)
    _add_statements(blueprint, desk)

    @blueprint.get("/static/<digest>/<name>")
    def asset(digest: str, name: str) -> Response:
        found = desk.drawing.assets.response(name)
        if found is None:
            raise NotFound
        return found

    @blueprint.get("/<path:rest>")
    def nothing(rest: str) -> Response:
        return _sorry(desk, Problem(404, "not-found", f"There is no page /dashboard/{rest}."))

    @blueprint.errorhandler(Problem)
    def refuse(problem: Problem) -> Response:
        return _sorry(desk, problem)

    @blueprint.before_request
    def begin() -> AnyResponse | None:
        return admit(desk)

    @blueprint.after_request
    def end(response: Response) -> Response:
        if "renewed" in g:
            desk.logins.keep(response, g.renewed, secure=request.is_secure)
        return guarded(response)

    return blueprint


def _sorry(desk: Desk, problem: Problem) -> Response:
    """What went wrong, as a page for people."""
    if "login" not in g:
        return desk.login_page(problem.detail, problem.status)
    missing = Missing(title=problem.title, problem=problem.detail)
    back = ("Overview", "/dashboard")
    page = Page(title=problem.title, parts=[missing], back=back, status=problem.status)
    return desk.page(page, "/dashboard/nothing")


def _add_login(blueprint: Blueprint, desk: Desk) -> None:
    @blueprint.get("/login")
    def ask_login() -> Response:
        return desk.login_page(None, 200)

    @blueprint.post("/login")
    def log_in() -> AnyResponse:
        email = request.form.get("email", "").strip()
        body = {"email": email, "password": request.form.get("password", "")}
        if device := request.cookies.get(DEVICE):
            body["device_token"] = device
        told = api_of_request(None).ask(Asked(method="POST", path="/auth/token", body=body))
        if not told.is_good:
            return desk.login_page(told.problem, told.status, email)
        response = redirect(_safe(request.form.get("next", "")), 303)
        login = Login.of(told.json, email=email, now=now())
        assert isinstance(response, Response)
        desk.logins.keep(response, login, secure=request.is_secure)
        # By it the API knows this browser again: nobody else's wrong tries keep it waiting.
        response.set_cookie(
            DEVICE,
            told.json.get("device_token", ""),
            max_age=DEVICE_KNOWN_SECONDS,
            path=LOGIN,
            httponly=True,
            samesite="Strict",
            secure=request.is_secure,
        )
        return response

    @blueprint.post("/logout")
    def log_out() -> AnyResponse:
        body = {"refresh_token": g.login.refresh_token}
        api_of_request(g.login.access_token).ask(
            Asked(method="POST", path="/auth/logout", body=body)
        )
        g.pop("renewed", None)
        response = redirect(LOGIN, 303)
        assert isinstance(response, Response)
        desk.logins.forget(response)
        return response


def _safe(wanted: str) -> str:
    """A page of the dashboard to go on to, whatever an address bar says."""
    is_ours = wanted.startswith("/dashboard") and not wanted.startswith(LOGIN)
    return wanted if is_ours and "\\" not in wanted and wanted.isprintable() else "/dashboard"


def _add_pages(blueprint: Blueprint, desk: Desk) -> None:
    @blueprint.get("")
    def overview() -> Response:
        shown = front.front(desk.visit())
        order = NAMED.get(request.args.get("said", ""))
        said = order.said if order else None
        return desk.drawing.draw(
            "front.html", shown.page, path=request.path, said=said, front=shown
        )

    for path, make in LISTS.items():

        def show(make: Callable[[Visit], Page] = make) -> Response:
            return desk.page(make(desk.visit()))

        blueprint.add_url_rule(path, f"list {path[1:]}", show)
    for path, one in DETAILS.items():

        def show_one(id: UUID, one: Callable[[Visit, str], Page] = one) -> Response:  # noqa: A002
            return desk.page(one(desk.visit(), str(id)))

        blueprint.add_url_rule(f"{path}/<uuid:id>", f"one {path[1:]}", show_one)


def _add_orders(blueprint: Blueprint, desk: Desk) -> None:
    for row in ORDERS:

        def give(order: Order = row, **ids: object) -> AnyResponse:
            named = {name: str(value) for name, value in ids.items()}
            form = request.form.to_dict()
            told = desk.visit().api.ask(order.asked(form, named))
            if told.is_good:
                known = {**(told.json if isinstance(told.json, dict) else {}), **named}
                place = order.back.format_map(known)
                return redirect(f"{place}?said={order.name}", 303)
            return _refused(desk, Refused(order=order.name, typed=form, told=told), named)

        blueprint.add_url_rule(row.path, f"order {row.name}", give, methods=["POST"])


def _refused(desk: Desk, refused: Refused, ids: Mapping[str, str]) -> Response:
    """The page that the form was on, with what is wrong beside it."""
    order, told = NAMED[refused.order], refused.told
    visit, place = desk.visit(refused), order.form_is_on.format_map(ids)
    below = place.removeprefix("/dashboard")
    page: Page | None = None
    has_form = bool(order.fields) and visit.may(order.who)
    if has_form and below in LISTS:
        page = LISTS[below](visit)
    elif has_form and "id" in ids:
        page = DETAILS[below.rpartition("/")[0]](visit, ids["id"])
    if page is None or not any(isinstance(one, Form) and one.problem for one in page.parts):
        missing = Missing(title=f"{order.label}: not done", problem=told.problem or "")
        page = Page(title=order.label, parts=[missing], back=("Back", place))
    return desk.page(replace(page, status=told.status), place)


def _add_streams(blueprint: Blueprint, desk: Desk) -> None:
    @blueprint.get("/events")
    def events() -> Response:
        return _streamed(desk, "/events")

    @blueprint.get("/vouchers/batches/<uuid:id>.<any(pdf, csv):kind>")
    def batch_file(id: UUID, kind: str) -> Response:  # noqa: A002
        return _streamed(desk, f"/vouchers/batches/{id}.{kind}")


def _streamed(desk: Desk, path: str) -> Response:
    """What the API streams, passed on as it comes; its refusal as a page."""
    found = desk.visit().api.stream(Asked(path=path))
    if found.status != 200:
        told = Told(found.status, found.headers, b"".join(found.pieces))
        missing = Missing(title="This cannot be had", problem=told.problem or "")
        page = Page(title="Not there", parts=[missing], status=found.status)
        return desk.page(page)
    response = Response(found.pieces, status=found.status)
    for name in ("Content-Type", "Content-Disposition", "Content-Length", "X-Accel-Buffering"):
        if name in found.headers:
            response.headers[name] = found.headers[name]
    hold_no_longer_than(30)
    return response


def _add_statements(blueprint: Blueprint, desk: Desk) -> None:
    def ask(raw: bytes, *, dry_run: bool) -> Told:
        query = (("dry_run", "true"),) if dry_run else ()
        asked = Asked(
            method="POST", path="/statements", query=query, raw=raw, content_type="text/csv"
        )
        return desk.visit().api.ask(asked)

    def wrong(told: Told) -> Response:
        said = [f"{name}: {text}" for name, texts in told.errors.items() for text in texts]
        missing = Missing(
            title="Not a statement", problem="\n".join(said[:20]) or told.problem or ""
        )
        page = lists.statements(desk.visit())
        shown = Page(title=page.title, parts=[missing, *page.parts], status=told.status)
        return desk.page(shown, "/dashboard/statements")

    @blueprint.post("/statements")
    def try_statement() -> Response:
        raw = b""
        if file := request.files.get("file"):
            with file.stream as stream:
                raw = stream.read()
        told = ask(raw, dry_run=True)
        if not told.is_good:
            return wrong(told)
        kept = base64.b64encode(raw).decode()
        return desk.page(money.tried_out(desk.visit(), told.json, kept), "/dashboard/statements")

    @blueprint.post("/statements/import")
    def import_statement() -> AnyResponse:
        try:
            raw = base64.b64decode(request.form.get("statement", ""), validate=True)
        except binascii.Error:
            raw = b""
        told = ask(raw, dry_run=False)
        return redirect("/dashboard/statements", 303) if told.is_good else wrong(told)
