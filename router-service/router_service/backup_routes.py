"""Versions of routers' configurations, for operators: they tell much about a network."""

from typing import Any
from uuid import UUID

from flask import Response
from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate
from sqlalchemy import select

from hotspot.contract.message import utc_text
from hotspot.contract.routers import BackUpRouterJob
from hotspot.ids import new_id
from hotspot.vault import CannotOpen
from hotspot.web.app import db, now, publish
from hotspot.web.auth import needs_role
from hotspot.web.openapi import TEXT, refuses
from hotspot.web.pages import newest_first, paged
from hotspot.web.problem import Problem
from router_service.backups import difference
from router_service.models import Backup
from router_service.routes import found, registry_of
from router_service.schemas import AskedSchema

backups = Blueprint("backups", __name__, url_prefix="/api/v1/routers/<uuid:router_id>/backups")


LARGEST_VERSION = 2**31 - 1  # what the column can hold


class BackupSchema(Schema):
    """A version of a configuration; `seen_at`: when the router was last found to be like it."""

    id = fields.UUID(required=True)
    version = fields.Integer(required=True)
    lines = fields.Integer(required=True)
    taken_at = fields.String(required=True)
    seen_at = fields.String(required=True)


class BackupsSchema(Schema):
    """A page of versions."""

    items = fields.List(fields.Nested(BackupSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class ComparedQuery(Schema):
    """Which other version to compare with: the one before where none is named."""

    version = fields.Integer(strict=False, validate=validate.Range(0, LARGEST_VERSION))


@backups.post("")
@needs_role("operator")
@backups.response(202, AskedSchema)
def back_up_router(router_id: UUID) -> dict[str, Any]:
    """Read the router's configuration, and keep it where it changed."""
    found(router_id)
    backup_id = new_id()
    publish(
        BackUpRouterJob(router_id=router_id, backup_id=backup_id, requested_at=now()),
        correlation_id=router_id,
    )
    return {"id": backup_id}


@backups.get("")
@needs_role("operator")
@backups.response(200, BackupsSchema)
@paged
def list_backups(router_id: UUID) -> dict[str, Any]:
    """The versions that are kept, newest first."""
    found(router_id)
    columns = (Backup.id, Backup.version, Backup.lines, Backup.taken_at, Backup.seen_at)
    return newest_first(
        select(*columns).where(Backup.router_id == router_id),
        by=Backup.id,
        where={},
        query={},
        seen=lambda row: {
            "id": row.id,
            "version": row.version,
            "lines": row.lines,
            "taken_at": utc_text(row.taken_at),
            "seen_at": utc_text(row.seen_at),
        },
    )


@backups.get("/<int:version>")
@needs_role("operator")
@backups.response(200, TEXT, content_type="text/plain")
@refuses({409: "The key that sealed it is gone."})
def show_backup(router_id: UUID, version: int) -> Response:
    """The configuration as `/export` wrote it, without secrets."""
    return Response(_text_of(router_id, version), content_type="text/plain")


@backups.get("/<int:version>/difference")
@needs_role("operator")
@backups.arguments(ComparedQuery, location="query")
@backups.response(200, TEXT, content_type="text/plain")
@refuses({409: "The key that sealed it is gone."})
def compare_backups(query: dict[str, Any], router_id: UUID, version: int) -> Response:
    """What changed since another version, as a unified diff."""
    other = query.get("version", version - 1)
    changed = difference(
        _text_of(router_id, other),
        _text_of(router_id, version),
        names=(f"version {other}", f"version {version}"),
    )
    return Response(changed, content_type="text/plain")


def _text_of(router_id: UUID, version: int) -> str:
    wanted = select(Backup.sealed_text).where(
        Backup.router_id == router_id, Backup.version == min(version, LARGEST_VERSION)
    )
    with db() as connection:
        sealed = connection.scalar(wanted)
    if sealed is None:
        raise Problem(404, "not-found", f"This router has no version {version}.")
    try:
        return registry_of().vault.open(sealed)
    except CannotOpen as error:
        raise Problem(
            409, "key-gone", "The key that sealed this is no longer among ENCRYPTION_KEYS."
        ) from error
