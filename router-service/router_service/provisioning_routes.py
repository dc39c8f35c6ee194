"""Provisioning runs and drift, for operators."""

from typing import Any
from uuid import UUID

from flask import Response
from flask_smorest import Blueprint
from marshmallow import Schema, fields
from sqlalchemy import select
from sqlalchemy.orm import Session

from hotspot.contract.message import utc_text
from hotspot.contract.routers import CheckDriftJob, RouterProvisioningJob
from hotspot.ids import new_id
from hotspot.web.app import db, now, publish
from hotspot.web.auth import needs_role
from hotspot.web.openapi import TEXT
from hotspot.web.problem import Problem
from router_service.login_page import pages_of_router
from router_service.models import Drift, Run, RunStep
from router_service.routes import found, registry_of
from router_service.runs import UNDER_WAY, in_full, stopped_step
from router_service.schemas import AskedSchema

provisioning = Blueprint("provisioning", __name__, url_prefix="/api/v1/routers/<uuid:router_id>")
pages = Blueprint("login page", __name__, url_prefix="/connect")


class ChangeSchema(Schema):
    """One difference: what it is, and what it shall be."""

    change = fields.String(required=True)
    menu = fields.String(required=True)
    what = fields.String(required=True)
    from_ = fields.Dict(required=True, data_key="from", attribute="from")
    to = fields.Dict(required=True)


class StepSchema(Schema):
    """A step of a run."""

    name = fields.String(required=True)
    state = fields.String(required=True)
    changes = fields.List(fields.Nested(ChangeSchema), required=True)
    reason = fields.String(required=True, allow_none=True)
    started_at = fields.String(required=True, allow_none=True)
    finished_at = fields.String(required=True, allow_none=True)


class RunSchema(Schema):
    """A run. `waiting`: the router is away, and the run goes on when it returns."""

    id = fields.UUID(required=True)
    state = fields.String(required=True)
    changes = fields.Integer(required=True)
    reason = fields.String(required=True, allow_none=True)
    requested_at = fields.String(required=True)
    finished_at = fields.String(required=True, allow_none=True)
    steps = fields.List(fields.Nested(StepSchema), required=True)


class DriftSchema(Schema):
    """How a router differed when it was last looked at; `reason`: why it could not be."""

    checked_at = fields.String(required=True, allow_none=True)
    changes = fields.List(fields.Nested(ChangeSchema), required=True)
    reason = fields.String(required=True, allow_none=True)


@provisioning.post("/provision")
@needs_role("operator")
@provisioning.response(202, AskedSchema)
def provision_router(router_id: UUID) -> tuple[dict[str, Any], dict[str, str]]:
    """Bring the router to a working hotspot; what is right already is left as it is."""
    found(router_id)
    with db() as connection, Session(connection) as session:
        under_way = session.scalar(
            select(Run).where(Run.router_id == router_id, Run.state.in_(UNDER_WAY))
        )
        job = stopped_step(session, router_id, at=now())
    location = {"Location": f"/api/v1/routers/{router_id}/provisioning"}
    if under_way is not None and job is None:
        return {"id": under_way.id}, location
    job = job or RouterProvisioningJob(router_id=router_id, run_id=new_id())
    publish(job, correlation_id=job.run_id)
    return {"id": job.run_id}, location


@provisioning.get("/provisioning")
@needs_role("viewer")
@provisioning.response(200, RunSchema)
def show_provisioning(router_id: UUID) -> dict[str, Any]:
    """The newest run with its steps."""
    found(router_id)
    with db() as connection, Session(connection) as session:
        run = session.scalar(
            select(Run).where(Run.router_id == router_id).order_by(Run.id.desc()).limit(1)
        )
        if run is None:
            raise Problem(404, "never-provisioned", "This router was not provisioned yet.")
        steps = session.scalars(
            select(RunStep).where(RunStep.run_id == run.id).order_by(RunStep.position)
        ).all()
        return in_full(run, steps)


@provisioning.post("/drift")
@needs_role("operator")
@provisioning.response(202, AskedSchema)
def check_drift(router_id: UUID) -> dict[str, Any]:
    """Look at the router now. To repair what differs, provision it."""
    found(router_id)
    publish(CheckDriftJob(router_id=router_id, requested_at=now()), correlation_id=router_id)
    return {"id": router_id}


@provisioning.get("/drift")
@needs_role("viewer")
@provisioning.response(200, DriftSchema)
def show_drift(router_id: UUID) -> dict[str, Any]:
    """How the router differed when it was last looked at (`checked_at` null: never)."""
    found(router_id)
    with db() as connection, Session(connection) as session:
        drift = session.get(Drift, router_id)
    if drift is None:
        return {"checked_at": None, "changes": [], "reason": None}
    return {
        "checked_at": utc_text(drift.checked_at),
        "changes": drift.changes,
        "reason": drift.reason,
    }


@pages.get("/<token>/<name>")
@pages.response(200, TEXT, content_type="text/html")
def show_page(token: str, name: str) -> Response:
    """A page of the router's hotspot, for the router to fetch."""
    registry = registry_of()
    router_id = registry.router_of(token)
    texts = pages_of_router(registry.controller.portal_url, router_id) if router_id else {}
    if name not in texts:
        raise Problem(404, "not-found", "This is not the address of a page of ours.")
    return Response(texts[name], content_type="text/html")
