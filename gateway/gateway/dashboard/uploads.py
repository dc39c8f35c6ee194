"""Routes that take a file: statements of M-Pesa's, and lists of routers."""

import base64
import binascii

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from gateway.dashboard import lists, money
from gateway.dashboard.asking import Asked, Told
from gateway.dashboard.desk import Desk
from gateway.dashboard.files import list_read
from gateway.dashboard.parts import Missing, Page


def add_statements(blueprint: Blueprint, desk: Desk) -> None:
    """/statements: tried out, then imported."""

    def wrong(told: Told) -> Response:
        return _refused(desk, told, "Not a statement", lists.statements(desk.visit()))

    @blueprint.post("/statements")
    def try_statement() -> Response:
        raw = _file()
        told = _sent(desk, "/statements", raw, dry_run=True)
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
        told = _sent(desk, "/statements", raw, dry_run=False)
        return redirect("/dashboard/statements", 303) if told.is_good else wrong(told)


def add_router_lists(blueprint: Blueprint, desk: Desk) -> None:
    """/routers/import: tried out where the form says so."""

    @blueprint.post("/routers/import")
    def import_routers() -> Response:
        dry_run = bool(request.form.get("dry_run"))
        told = _sent(desk, "/routers/import", _file(), dry_run=dry_run)
        if not told.is_good:
            return _refused(desk, told, "Nothing was added", lists.routers(desk.visit()))
        return desk.page(list_read(told.json), "/dashboard/routers")


def _file() -> bytes:
    if file := request.files.get("file"):
        with file.stream as stream:
            return stream.read()
    return b""


def _sent(desk: Desk, path: str, raw: bytes, *, dry_run: bool) -> Told:
    query = (("dry_run", "true"),) if dry_run else ()
    asked = Asked(method="POST", path=path, query=query, raw=raw, content_type="text/csv")
    return desk.visit().api.ask(asked)


def _refused(desk: Desk, told: Told, title: str, page: Page) -> Response:
    """The page that the form is on, with what is wrong with the file."""
    said = [f"{name}: {text}" for name, texts in told.errors.items() for text in texts]
    missing = Missing(title=title, problem="\n".join(said[:20]) or told.problem or "")
    shown = Page(title=page.title, parts=[missing, *page.parts], status=told.status)
    return desk.page(shown, request.path.removesuffix("/import"))
