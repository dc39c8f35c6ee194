"""Statements of M-Pesa's: tried out, imported, looked at."""

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import g, jsonify, request
from flask_smorest import Blueprint
from marshmallow import Schema, fields
from werkzeug.exceptions import RequestEntityTooLarge

from hotspot.contract.message import utc_text
from hotspot.contract.payments import ImportStatementJob
from hotspot.ids import new_id
from hotspot.web.app import db, now, publish
from hotspot.web.auth import needs_role
from hotspot.web.fields import MoneySchema
from hotspot.web.openapi import raw_body, refuses
from hotspot.web.pages import newest_first, paged
from hotspot.web.problem import Problem, invalid
from payment_service.models import Statement
from payment_service.statements import reports as statement_reports
from payment_service.statements.reading import NotAStatement, read_statement
from payment_service.statements.reading import Statement as Read

LARGEST_FILE = 5 * 1024 * 1024
# Multipart puts its own lines around the file.
_WRAPPING = 64 * 1024
ROWS_IN_A_PART = 200

STATEMENT = raw_body(
    "text/csv",
    said="The CSV export of an M-Pesa statement: also as the field `file` of a form.",
    example="Receipt No.,Completion Time,Details,Transaction Status,Paid In,Withdrawn\r\n"
    "UKM7RT61SV,15-01-2026 12:00:05,Pay Bill from 254712345678,Completed,20.00,\r\n",
)

statements = Blueprint("statements", __name__, url_prefix="/api/v1/statements")


class ImportQuerySchema(Schema):
    """Whether to only say what would be found."""

    dry_run = fields.Boolean(load_default=False)


class StatementLineSchema(Schema):
    """A receipt: what the statement says (`there`), what we have (`here`)."""

    receipt = fields.String(required=True)
    completed_at = fields.String(required=True)
    there = fields.Nested(MoneySchema, required=True, allow_none=True)
    here = fields.Nested(MoneySchema, required=True, allow_none=True)
    payment_id = fields.UUID(required=True, allow_none=True)
    details = fields.String(required=True)
    outcome = fields.String(required=True, allow_none=True)


class StatementHeapSchema(Schema):
    """All of one finding; of the rows, at most the first 1,000."""

    count = fields.Integer(required=True)
    amount = fields.Nested(MoneySchema, required=True)
    rows = fields.List(fields.Nested(StatementLineSchema), required=True)
    truncated = fields.Boolean(required=True)


class StatementSchema(Schema):
    """A statement that was imported, or is being imported."""

    id = fields.UUID(required=True, allow_none=True)
    state = fields.String(required=True)
    parts = fields.Integer(required=True)
    parts_done = fields.Integer(required=True)
    begins_at = fields.String(required=True)
    ends_at = fields.String(required=True)
    requested_by = fields.String(required=True)
    requested_at = fields.String(required=True)


class StatementReportSchema(StatementSchema):
    """What an import found, or (`state` dry_run, `id` null) would find."""

    matched = fields.Nested(StatementHeapSchema, required=True)
    missing_here = fields.Nested(StatementHeapSchema, required=True)
    missing_there = fields.Nested(StatementHeapSchema, required=True)
    different_amount = fields.Nested(StatementHeapSchema, required=True)
    sent_back = fields.Nested(StatementHeapSchema, required=True)
    passed_over = fields.Dict(keys=fields.String(), values=fields.Integer())


class StatementsSchema(Schema):
    """A page of statements, the newest first."""

    items = fields.List(fields.Nested(StatementSchema), required=True)
    next = fields.String(required=True, allow_none=True)


@statements.post("")
@needs_role("operator")
@statements.arguments(ImportQuerySchema, location="query")
@statements.doc(requestBody=STATEMENT)
@statements.response(202, StatementSchema)
@statements.alt_response(200, schema=StatementReportSchema)
@refuses({415: "Send it as text/csv or as a form.", 422: "It is no statement of M-Pesa's."})
def import_statement(query: Mapping[str, Any]) -> Any:
    """Import the CSV export of an M-Pesa statement; with `?dry_run=true` only say what it holds."""
    read = _read(_file())
    moment = now()
    about = {
        "begins_at": utc_text(read.begins_at),
        "ends_at": utc_text(read.ends_at),
        "requested_by": g.caller.subject,
        "requested_at": utc_text(moment),
    }
    if query["dry_run"]:
        with db() as connection:
            found = statement_reports.dry_run(connection, read, _breathe)
        return jsonify(
            {"id": None, "state": "dry_run", "parts": 0, "parts_done": 0} | about | found
        )
    jobs = _jobs(read, g.caller.subject, moment)
    for job in jobs:
        publish(job, correlation_id=job.statement_id)
    first = jobs[0]
    order = {"id": first.statement_id, "state": "importing", "parts": first.parts, "parts_done": 0}
    return order | about, 202, {"Location": f"{statements.url_prefix}/{first.statement_id}"}


@statements.get("")
@needs_role("operator")
@statements.response(200, StatementsSchema)
@paged
def list_statements() -> dict[str, Any]:
    """Statements that were imported, the newest first."""
    return newest_first(
        statement_reports.listed(),
        by=Statement.id,
        where={},
        query={},
        seen=statement_reports.headline,
    )


@statements.get("/<uuid:statement_id>")
@needs_role("operator")
@statements.response(200, StatementReportSchema)
def show_statement(statement_id: UUID) -> Any:
    """What an import found, as far as it has come."""
    with db() as connection:
        report = statement_reports.report(connection, statement_id)
    if report is None:
        raise Problem(404, "not-found", f"No part of a statement {statement_id} was imported yet.")
    return jsonify(report)


def _file() -> bytes:
    """The CSV, as the body or as the file of a form. Raises 413, Problem 415 or 422."""
    request.max_content_length = LARGEST_FILE + _WRAPPING
    if request.mimetype == "multipart/form-data":
        # A form's largest part that is no file; files are not kept in memory by this.
        uploaded = request.files.get("file")
        if uploaded is None:
            raise invalid({"file": ["send the CSV as the form's field `file`"]})
        raw = uploaded.stream.read(LARGEST_FILE + 1)
    elif request.mimetype in ("text/csv", "application/csv", "application/vnd.ms-excel"):
        raw = request.get_data(cache=False)
    else:
        raise Problem(415, "unsupported-media-type", "Send the statement as text/csv or as a form.")
    if len(raw) > LARGEST_FILE:
        raise RequestEntityTooLarge
    return raw


def _read(raw: bytes) -> Read:
    """The statement in a file. Raises Problem 422, naming lines and columns."""
    try:
        return read_statement(raw, _breathe)
    except NotAStatement as error:
        raise invalid(error.errors) from error


def _breathe() -> None:
    """M-Pesa's callbacks come to this process too: let them have their turn."""
    time.sleep(0)


def _jobs(read: Read, requested_by: str, moment: datetime) -> Sequence[ImportStatementJob]:
    """The statement in parts; one without rows where no money came in."""
    statement_id = new_id()
    starts = range(0, max(len(read.rows), 1), ROWS_IN_A_PART)
    return [
        ImportStatementJob(
            statement_id=statement_id,
            part=number,
            parts=len(starts),
            rows=read.rows[start : start + ROWS_IN_A_PART],
            requested_by=requested_by,
            requested_at=moment,
            begins_at=read.begins_at,
            ends_at=read.ends_at,
        )
        for number, start in enumerate(starts, start=1)
    ]
