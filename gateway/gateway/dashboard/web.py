"""The dashboard's routes: log in, look, give orders. Every one of them asks the API."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from uuid import UUID

from flask import Blueprint, Response, g, redirect, request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as AnyResponse

from gateway.dashboard import backups, details, front, lists, money, people, routers, system
from gateway.dashboard.asking import Asked, Told
from gateway.dashboard.desk import LOGIN, Desk, admit, api_of_request
from gateway.dashboard.ordering import Order
from gateway.dashboard.orders import NAMED, ORDERS
from gateway.dashboard.pages import Drawing, guarded
from gateway.dashboard.parts import Form, Missing, Page, Text
from gateway.dashboard.session import Login, Logins
from gateway.dashboard.streams import add_streams
from gateway.dashboard.uploads import add_router_lists, add_statements
from gateway.dashboard.visit import Refused, Visit
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
    "/failed-jobs": system.failed_jobs,
    "/schedules": system.schedules,
    "/queues": system.queues,
    "/statements": lists.statements,
    "/cases": money.cases,
    "/audit": system.audit,
    "/operators": people.operators,
    "/api-keys": people.keys,
    "/account": people.own,
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
    "/operators": people.operator,
}


def dashboard_blueprint(keys: tuple[str, ...]) -> Blueprint:
    """/dashboard: pages for operators. `keys` seal their cookies."""
    blueprint = Blueprint("dashboard", __name__, url_prefix="/dashboard")
    desk = Desk(drawing=Drawing(), logins=Logins(Vault(keys)))
    _add_login(blueprint, desk)
    _add_pages(blueprint, desk)
    _add_orders(blueprint, desk)
    add_streams(blueprint, desk)
    add_statements(blueprint, desk)
    add_router_lists(blueprint, desk)

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
        return _left(desk, redirect(LOGIN, 303))


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

    @blueprint.get("/routers/<uuid:id>/backups/<int:version>")
    def backup(id: UUID, version: int) -> Response:  # noqa: A002  # the path's own word
        return desk.page(backups.version(desk.visit(), str(id), version))


def _add_orders(blueprint: Blueprint, desk: Desk) -> None:
    for row in ORDERS:

        def give(order: Order = row, **ids: object) -> AnyResponse:
            named = {name: str(value) for name, value in ids.items()}
            form = request.form.to_dict()
            told = desk.visit().api.ask(order.asked(form, named))
            if not told.is_good:
                return _refused(desk, Refused(order=order.name, typed=form, told=told), named)
            if order.shows:
                return _shown_once(desk, order, told)
            if "refresh_token" in told.json:  # a new password ended the login that this was
                renewed = Login.of(told.json, email=g.login.email, now=now())
                g.renewed = replace(renewed, form_key=g.login.form_key)
            known = {**(told.json if isinstance(told.json, dict) else {}), **named}
            response = redirect(f"{order.back.format_map(known)}?said={order.name}", 303)
            return _left(desk, response) if order.ends_login else response

        blueprint.add_url_rule(row.path, f"order {row.name}", give, methods=["POST"])


def _shown_once(desk: Desk, order: Order, told: Told) -> Response:
    """The page that the order leads to, with what no page can show again."""
    page = LISTS[order.back.removeprefix("/dashboard")](desk.visit())
    secret = Text(
        title=order.said,
        text=told.json[order.shows],
        note="Copy it now: it is shown this once, and is kept nowhere.",
    )
    return desk.page(replace(page, parts=[secret, *page.parts]), order.back)


def _left(desk: Desk, response: AnyResponse) -> AnyResponse:
    """The browser forgets its login."""
    g.pop("renewed", None)
    assert isinstance(response, Response)
    desk.logins.forget(response)
    return response


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
