"""Routers in and out as a CSV list."""

from typing import Any

from flask import Response, request
from flask_smorest import Blueprint
from marshmallow import Schema, fields
from sqlalchemy import select

from hotspot.contract.routers import ImportRoutersJob, NewRouter
from hotspot.ids import new_id
from hotspot.web.app import db, now, publish
from hotspot.web.auth import caller_of_request, needs_role
from hotspot.web.openapi import TEXT, raw_body, refuses
from hotspot.web.problem import Problem
from router_service.lists import Line, NotAList, read_list, write_list
from router_service.models import Router
from router_service.routes import API_PORT, API_TLS_PORT, registry_of

LARGEST_LIST = 512 * 1024

LIST = raw_body(
    "text/csv",
    said="Routers, a line each.",
    example="name,ip_address,username,password\r\nKilimani shop,192.0.2.10,hotspot,a password\r\n",
)

lists = Blueprint("router lists", __name__, url_prefix="/api/v1/routers")


class ImportQuery(Schema):
    """`dry_run`: only tell what would be done."""

    dry_run = fields.Boolean(load_default=False)


class ImportedSchema(Schema):
    """What the list does: routers to add, names that are taken, lines with mistakes."""

    dry_run = fields.Boolean(required=True)
    added = fields.List(fields.String(), required=True)
    taken = fields.List(fields.String(), required=True)
    wrong = fields.List(fields.Dict(), required=True)


@lists.get("/export.csv")
@needs_role("operator")
@lists.response(200, TEXT, content_type="text/csv")
def export_routers() -> Response:
    """All routers as CSV, without passwords."""
    with db() as connection:
        rows = connection.execute(select(*Router.__table__.columns).order_by(Router.name)).all()
    return Response(
        write_list(rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="routers.csv"'},
    )


@lists.post("/import")
@needs_role("operator")
@lists.arguments(ImportQuery, location="query")
@lists.doc(requestBody=LIST)
@lists.response(202, ImportedSchema)
@lists.alt_response(200, schema=ImportedSchema, description="A dry run")
@refuses({422: "A line of it is wrong."})
def import_routers(query: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """Register the routers of a CSV list. With a mistake in any line, nothing is done."""
    lines = _lines()
    report = _report(lines, dry_run=query["dry_run"])
    if query["dry_run"]:
        return report, 200
    if report["wrong"]:
        raise Problem(
            422,
            "wrong-lines",
            "Nothing was imported. Correct these lines, and try ?dry_run=true first.",
            errors={f"line {one['line']}": _said(one["errors"]) for one in report["wrong"]},
        )
    wanted = set(report["added"])
    new = tuple(_new_router(line) for line in lines if line.asked["name"] in wanted)
    if new:
        publish(
            ImportRoutersJob(
                routers=new, requested_by=caller_of_request().subject, requested_at=now()
            )
        )
    return report, 202


def _lines() -> list[Line]:
    request.max_content_length = LARGEST_LIST
    try:
        return read_list(request.get_data(cache=False).decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise Problem(400, "not-text", "Save the list as CSV in UTF-8.") from error
    except NotAList as error:
        raise Problem(422, "not-a-list", str(error)) from error


def _report(lines: list[Line], *, dry_run: bool) -> dict[str, Any]:
    right = [str(line.asked["name"]) for line in lines if not line.errors]
    with db() as connection:
        taken = set(connection.scalars(select(Router.name).where(Router.name.in_(right))))
    return {
        "dry_run": dry_run,
        "added": [name for name in right if name not in taken],
        "taken": [name for name in right if name in taken],
        "wrong": [
            {"line": line.number, "name": line.asked.get("name", ""), "errors": line.errors}
            for line in lines
            if line.errors
        ],
    }


def _said(errors: dict[str, list[str]]) -> list[str]:
    return [f"{name}: {' '.join(texts)}" for name, texts in errors.items()]


def _new_router(line: Line) -> NewRouter:
    asked: dict[str, Any] = line.asked
    return NewRouter(
        router_id=new_id(),
        name=asked["name"],
        ip_address=asked["ip_address"],
        username=asked["username"],
        sealed_password=registry_of().vault.seal(asked["password"]),
        api_port=asked["api_port"] or (API_TLS_PORT if asked["api_tls"] else API_PORT),
        api_tls=asked["api_tls"],
    )
