"""Vouchers for shops: ordered by operators, printed, cancelled."""

import csv
import io
import pickle
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import structlog
from flask import Response, current_app, g, request
from flask_smorest import Blueprint
from sqlalchemy import Select, func, select

from hotspot.contract.message import utc_text
from hotspot.contract.packages import PackageTerms
from hotspot.contract.vouchers import CancelVouchersJob, CreateVoucherBatchJob
from hotspot.ids import new_id
from hotspot.web.app import config_of, db, now, publish
from hotspot.web.auth import needs_role
from hotspot.web.openapi import BINARY, TEXT, refuses
from hotspot.web.pages import newest_first, paged
from hotspot.web.problem import Problem, invalid
from payment_service.accepted import PRIVATE, Answer
from payment_service.models import AnyRow, Package, Voucher, VoucherBatch
from payment_service.packages import terms
from payment_service.vouchers.codes import UNUSED, status_at
from payment_service.vouchers.printing import Card, Sheet
from payment_service.vouchers.schemas import (
    BatchAcceptedSchema,
    BatchesSchema,
    BatchRequestSchema,
    CountedBatchSchema,
)

log = structlog.get_logger()

BATCHES = "/api/v1/vouchers/batches"

batches = Blueprint("voucher batches", __name__, url_prefix="/api/v1/vouchers")

# What a spreadsheet takes for a formula when a cell begins with it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Press:
    """Prints one document at a time, in a process of its own.

    5,000 cards take ten seconds of one core and 100 MB: in the web process M-Pesa's callbacks
    would have to wait for their turn meanwhile.
    """

    def __init__(self) -> None:
        self._turn = threading.Lock()

    def run(self, sheet: Sheet, moment: datetime) -> bytes:
        """The document. Raises Problem 503 where it could not be made."""
        with self._turn:
            printed = subprocess.run(
                [sys.executable, "-P", "-m", "payment_service.vouchers.printing"],
                input=pickle.dumps((sheet, moment)),
                capture_output=True,
                check=False,
            )
        if printed.returncode != 0:
            log.error("not printed", error=printed.stderr.decode(errors="replace")[-2000:])
            raise Problem(503, "not-printed", "The cards could not be printed: try again.")
        return printed.stdout


@batches.post("")
@needs_role("operator")
@batches.arguments(BatchRequestSchema)
@batches.response(202, BatchAcceptedSchema)
def create_batch(wanted: Mapping[str, Any]) -> Answer:
    """Make vouchers of a package, with its terms as they are now."""
    if wanted["expires_at"] is not None and wanted["expires_at"] <= now():
        raise invalid({"expires_at": ["must be in the future"]})
    batch_id = new_id()
    job = CreateVoucherBatchJob(
        batch_id=batch_id,
        package=_hotspot_package(wanted["package_id"]),
        count=wanted["count"],
        requested_by=g.caller.subject,
        requested_at=now(),
        expires_at=wanted["expires_at"],
    )
    publish(job, correlation_id=batch_id)
    return {"batch_id": batch_id}, 202, {"Location": f"{BATCHES}/{batch_id}"}


@batches.get("/batches")
@needs_role("viewer")
@batches.response(200, BatchesSchema)
@paged
def list_batches() -> dict[str, Any]:
    """Batches, the newest first."""
    return newest_first(_wanted(), by=VoucherBatch.id, where={}, query={}, seen=_seen)


@batches.get("/batches/<uuid:batch_id>")
@needs_role("viewer")
@batches.response(200, CountedBatchSchema)
def show_batch(batch_id: UUID) -> dict[str, Any]:
    """How far a batch is, and what became of its vouchers."""
    batch = _find(batch_id)
    status = status_at(now()).label("status")
    counted = (
        select(status, func.count().label("many"))
        .where(Voucher.batch_id == batch_id)
        .group_by(status)
    )
    with db() as connection:
        rows = connection.execute(counted).all()
    return _seen(batch) | {"vouchers": {row.status: row.many for row in rows}}


@batches.delete("/batches/<uuid:batch_id>")
@needs_role("operator")
@batches.response(202, BatchAcceptedSchema)
def cancel_batch(batch_id: UUID) -> dict[str, Any]:
    """Make all of its vouchers that are not used yet worthless."""
    _find(batch_id)
    job = CancelVouchersJob(requested_by=g.caller.subject, requested_at=now(), batch_id=batch_id)
    publish(job, correlation_id=batch_id)
    return {"batch_id": batch_id}


@batches.get("/batches/<uuid:batch_id>.pdf")
@needs_role("operator")
@batches.response(200, BINARY, content_type="application/pdf")
@refuses({409: "It is being made, was cancelled, or is used up."})
def print_batch(batch_id: UUID) -> Response:
    """Cards to cut out and sell: those that nobody used yet."""
    batch = _whole(batch_id)
    unused = [voucher for voucher in _vouchers_of(batch_id) if voucher.status == UNUSED]
    if not unused:
        raise Problem(409, "nothing-to-print", "None of its vouchers can be used any more.")
    sheet = Sheet(
        provider=config_of().provider_name,
        portal_url=config_of().portal_url or _own_url(),
        package=terms.from_json(batch.package),
        expires_at=batch.expires_at,
        cards=[
            Card(number=f"{batch.number}-{voucher.serial}", code=voucher.code) for voucher in unused
        ],
    )
    document = cast(Press, current_app.extensions["press"]).run(sheet, now())
    return _file(document, f"vouchers-{batch.number}.pdf", "application/pdf")


@batches.get("/batches/<uuid:batch_id>.csv")
@needs_role("operator")
@batches.response(200, TEXT, content_type="text/csv")
@refuses({409: "It is being made, or was cancelled."})
def export_batch(batch_id: UUID) -> Response:
    """All of its vouchers, for a spreadsheet. Prices in shillings."""
    batch = _whole(batch_id)
    table = csv_of(terms.from_json(batch.package), _vouchers_of(batch_id))
    return _file(table.encode(), f"vouchers-{batch.number}.csv", "text/csv; charset=utf-8")


def csv_of(package: PackageTerms, vouchers: Sequence[AnyRow]) -> str:
    """A line for each voucher. No cell begins like a formula: spreadsheets would run it."""
    name = f"'{package.name}" if package.name.startswith(_FORMULA) else package.name
    price = f"{package.price.amount // 100}.{package.price.amount % 100:02d}"
    written = io.StringIO(newline="")
    lines = csv.writer(written)
    lines.writerow(("code", "package", "price", "expires_at", "status"))
    for voucher in vouchers:
        until = utc_text(voucher.expires_at) if voucher.expires_at else ""
        lines.writerow((voucher.code, name, price, until, voucher.status))
    return written.getvalue()


def _hotspot_package(package_id: UUID) -> PackageTerms:
    """The terms that are sold now. Raises Problem 422."""
    wanted = select(*terms.TERMS_COLUMNS).where(Package.id == package_id, Package.on_sale)
    with db() as connection:
        row = connection.execute(wanted).first()
    if row is None:
        raise invalid({"package_id": ["is not a package on sale"]})
    if row.kind != "hotspot":  # a subscription is somebody's, whoever holds the paper
        raise invalid({"package_id": ["is a subscription: vouchers are of hotspot packages"]})
    return terms.terms_of(row)


def _wanted() -> Select[*tuple[Any, ...]]:
    return select(
        VoucherBatch.id,
        VoucherBatch.number,
        VoucherBatch.package,
        VoucherBatch.count.label("wanted"),
        VoucherBatch.made,
        VoucherBatch.expires_at,
        VoucherBatch.requested_by,
        VoucherBatch.requested_at,
        VoucherBatch.finished_at,
        VoucherBatch.cancelled_at,
    )


def _find(batch_id: UUID) -> AnyRow:
    """A batch's row. Raises Problem 404."""
    with db() as connection:
        batch = connection.execute(_wanted().where(VoucherBatch.id == batch_id)).first()
    if batch is None:
        raise Problem(404, "not-found", f"There is no batch {batch_id}, or not yet.")
    return batch


def _whole(batch_id: UUID) -> AnyRow:
    """A batch that is made to its end. Raises Problem 404 or 409."""
    batch = _find(batch_id)
    if batch.cancelled_at is not None:
        raise Problem(409, "batch-cancelled", "This batch was cancelled.")
    if batch.finished_at is None:
        raise Problem(
            409,
            "batch-in-making",
            f"{batch.made} of {batch.wanted} vouchers are made: try again in a moment.",
            headers={"Retry-After": "1"},
        )
    return batch


def _vouchers_of(batch_id: UUID) -> Sequence[AnyRow]:
    wanted = (
        select(Voucher.code, Voucher.serial, Voucher.expires_at, status_at(now()).label("status"))
        .where(Voucher.batch_id == batch_id)
        .order_by(Voucher.serial)
    )
    with db() as connection:
        return connection.execute(wanted).all()


def _seen(batch: AnyRow) -> dict[str, Any]:
    sold = terms.from_json(batch.package)
    status = "making" if batch.finished_at is None else "ready"
    return {
        "id": batch.id,
        "number": batch.number,
        "status": "cancelled" if batch.cancelled_at else status,
        "package_id": sold.package_id,
        "package_name": sold.name,
        "price": {"amount": sold.price.amount, "currency": sold.price.currency},
        "count": batch.wanted,
        "made": batch.made,
        "requested_by": batch.requested_by,
        **{
            name: None if getattr(batch, name) is None else utc_text(getattr(batch, name))
            for name in ("expires_at", "requested_at", "finished_at", "cancelled_at")
        },
    }


def _own_url() -> str:
    """The address under which the operator reached the gateway, as the gateway tells it."""
    scheme = request.headers.get("X-Forwarded-Proto", request.scheme)
    return f"{scheme}://{request.headers.get('X-Forwarded-Host', request.host)}"


def _file(content: bytes, name: str, kind: str) -> Response:
    headers = {**PRIVATE, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, content_type=kind, headers=headers)
