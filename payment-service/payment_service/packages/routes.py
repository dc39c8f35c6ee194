"""What is on sale, for guests; and how operators change it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast
from uuid import UUID

from flask import g, request
from flask_smorest import Blueprint
from sqlalchemy import select, tuple_

from hotspot.contract.message import utc_text
from hotspot.contract.money import Money
from hotspot.contract.packages import PackageTerms, SavePackageJob
from hotspot.ids import new_id
from hotspot.web.app import db, now, publish
from hotspot.web.auth import caller_of_request, needs_role
from hotspot.web.openapi import refuses
from hotspot.web.pages import page, page_request, paged
from hotspot.web.problem import Problem
from payment_service.models import AnyRow, Package
from payment_service.packages import terms
from payment_service.packages.saving import code_for
from payment_service.packages.schemas import (
    PackageAcceptedSchema,
    PackageChangeSchema,
    PackageQuerySchema,
    PackageRequestSchema,
    PackageSchema,
    PackagesSchema,
)

packages = Blueprint("packages", __name__, url_prefix="/api/v1/packages")

_COLUMNS = (*terms.TERMS_COLUMNS, Package.on_sale, Package.changed_at)

Answer = tuple[dict[str, Any], int, dict[str, str]]


@packages.get("")
@packages.arguments(PackageQuerySchema, location="query")
@packages.response(200, PackagesSchema)
@paged
@refuses({401: "Only operators see what is not on sale."})
def list_packages(query: Mapping[str, Any]) -> dict[str, Any]:
    """What is on sale, the cheapest first; to operators who ask for it, also what is not."""
    for_operators = query["all"]
    if for_operators:
        caller_of_request()  # every role may read
    asked = page_request()
    wanted = select(*_COLUMNS)
    if not for_operators:
        wanted = wanted.where(Package.on_sale)
    if asked.after:
        last = select(Package.price, Package.id).where(Package.id == asked.after)
        wanted = wanted.where(tuple_(Package.price, Package.id) > last.scalar_subquery())
    with db() as connection:
        rows = connection.execute(
            wanted.order_by(Package.price, Package.id).limit(asked.limit + 1)
        ).all()
    items = [_seen(row, for_operators=for_operators) for row in rows]
    return page(items, asked, lambda item: cast(UUID, item["id"]))


@packages.get("/<uuid:package_id>")
@packages.response(200, PackageSchema)
@refuses({401: "The token is not valid."})
def show_package(package_id: UUID) -> dict[str, Any]:
    """A package that is on sale; to operators also one that is not."""
    for_operators = "Authorization" in request.headers and bool(caller_of_request())
    row = _find(package_id)
    if not (row.on_sale or for_operators):
        raise _unknown(package_id)
    return _seen(row, for_operators=for_operators)


@packages.post("")
@needs_role("operator")
@packages.arguments(PackageRequestSchema)
@packages.response(202, PackageAcceptedSchema)
@refuses({409: "Another package has this code."})
def create_package(wanted: Mapping[str, Any]) -> Answer:
    """Sell something new."""
    package_id = new_id()
    code = wanted.get("code")
    if code is None:
        code = code_for(wanted["name"], package_id)
        if _owner_of(code) is not None:
            code = code_for(wanted["name"], package_id, is_taken=True)
    elif _owner_of(code) is not None:
        raise _taken(code)
    sold = PackageTerms(
        package_id=package_id,
        **{name: wanted[name] for name in _TERMS if name != "price"},
        price=Money(**wanted["price"]),
    )
    return _save(_job(code, sold, on_sale=wanted["on_sale"]))


@packages.patch("/<uuid:package_id>")
@needs_role("operator")
@packages.arguments(PackageChangeSchema)
@packages.response(202, PackageAcceptedSchema)
@refuses({409: "Another package has this code."})
def change_package(changes: Mapping[str, Any], package_id: UUID) -> Answer:
    """Sell it on other terms from now on, or no longer."""
    row = _find(package_id)
    code = changes.get("code", row.code)
    if _owner_of(code) not in (None, package_id):
        raise _taken(code)
    others = {name: changes[name] for name in _TERMS if name in changes}
    if "price" in others:
        others["price"] = Money(**others["price"])
    sold = replace(terms.terms_of(row), **others)
    job = _job(code, sold, on_sale=changes.get("on_sale", row.on_sale))
    return _save(replace(job, changed=tuple(sorted(changes))))


_TERMS = (
    "name",
    "kind",
    "price",
    "duration_seconds",
    "down_kbps",
    "up_kbps",
    "data_bytes",
    "devices",
)


def _job(code: str, sold: PackageTerms, *, on_sale: bool) -> SavePackageJob:
    return SavePackageJob(
        code=code,
        terms=sold,
        on_sale=on_sale,
        requested_by=g.caller.subject,
        requested_at=now(),
    )


def _save(job: SavePackageJob) -> Answer:
    package_id = job.terms.package_id
    publish(job, correlation_id=package_id)
    return {"id": package_id}, 202, {"Location": f"{packages.url_prefix}/{package_id}"}


def _find(package_id: UUID) -> AnyRow:
    """A package's row. Raises Problem 404."""
    with db() as connection:
        row = connection.execute(select(*_COLUMNS).where(Package.id == package_id)).first()
    if row is None:
        raise _unknown(package_id)
    return row


def _owner_of(code: str) -> UUID | None:
    with db() as connection:
        owner: UUID | None = connection.scalar(select(Package.id).where(Package.code == code))
    return owner


def _unknown(package_id: UUID) -> Problem:
    return Problem(404, "not-found", f"There is no package {package_id}.")


def _taken(code: str) -> Problem:
    return Problem(
        409,
        "code-taken",
        f"The code {code} belongs to another package.",
        errors={"code": ["belongs to another package"]},
    )


def _seen(row: AnyRow, *, for_operators: bool) -> dict[str, Any]:
    body = {
        "id": row.id,
        "code": row.code,
        "name": row.name,
        "price": {"amount": row.price, "currency": "KES"},
        "duration_seconds": row.duration_seconds,
        "down_kbps": row.down_kbps,
        "up_kbps": row.up_kbps,
        "data_bytes": row.data_bytes,
        "devices": row.devices,
        "kind": row.kind,
    }
    if for_operators:
        body |= {"on_sale": row.on_sale, "changed_at": utc_text(row.changed_at)}
    return body
