"""Routes that pass on what the API sends piece by piece, or as a file."""

from uuid import UUID

from flask import Blueprint, Response

from gateway.dashboard.asking import Asked, Told
from gateway.dashboard.desk import Desk
from gateway.dashboard.parts import Missing, Page
from gateway.forwarding import hold_no_longer_than

_PASSED_ON = ("Content-Type", "Content-Disposition", "Content-Length", "X-Accel-Buffering")


def add_streams(blueprint: Blueprint, desk: Desk) -> None:
    """Live events, vouchers to print, lists and backups to keep."""

    @blueprint.get("/events")
    def events() -> Response:
        return _streamed(desk, "/events")

    @blueprint.get("/vouchers/batches/<uuid:id>.<any(pdf, csv):kind>")
    def batch_file(id: UUID, kind: str) -> Response:  # noqa: A002  # the path's own word
        return _streamed(desk, f"/vouchers/batches/{id}.{kind}")

    @blueprint.get("/routers/export.csv")
    def export_routers() -> Response:
        return _streamed(desk, "/routers/export.csv")

    @blueprint.get("/routers/<uuid:id>/backups/<int:version>.rsc")
    def backup_file(id: UUID, version: int) -> Response:  # noqa: A002
        response = _streamed(desk, f"/routers/{id}/backups/{version}")
        if response.status_code == 200:
            name = f'attachment; filename="router-{id}-{version}.rsc"'
            response.headers["Content-Disposition"] = name
        return response


def _streamed(desk: Desk, path: str) -> Response:
    """What the API streams, passed on as it comes; its refusal as a page."""
    found = desk.visit().api.stream(Asked(path=path))
    if found.status != 200:
        told = Told(found.status, found.headers, b"".join(found.pieces))
        missing = Missing(title="This cannot be had", problem=told.problem or "")
        page = Page(title="Not there", parts=[missing], status=found.status)
        return desk.page(page)
    response = Response(found.pieces, status=found.status)
    for name in _PASSED_ON:
        if name in found.headers:
            response.headers[name] = found.headers[name]
    hold_no_longer_than(30)
    return response
