"""Where the connectivity script phones home to."""

from uuid import UUID

from flask import Response, request
from flask_smorest import Blueprint
from sqlalchemy import exists, select

from hotspot.contract.routers import RecordRouterConnectionJob
from hotspot.web.app import db, now, publish
from hotspot.web.openapi import TEXT, raw_body, refuses
from hotspot.web.problem import Problem, invalid
from router_service.connecting import NotTold, read_told
from router_service.models import Router
from router_service.routes import registry_of

LARGEST_BODY = 4096

TOLD = raw_body(
    "text/plain",
    said="What the connectivity script tells.",
    example="key=&version=7.16.1 (stable)&model=hAP ax2&identity=kilimani",
)

connect = Blueprint("connect", __name__, url_prefix="/connect")


@connect.post("/<token>")
@refuses({422: "It does not say what a router is asked to say."})
@connect.doc(requestBody=TOLD)
@connect.response(202, TEXT, content_type="text/plain")
def take_connection(token: str) -> Response:
    """A router says that it is there: who it is, its version, its model and its tunnel's key."""
    router_id = registry_of().router_of(token)
    if router_id is None or not _is_registered(router_id):
        raise Problem(404, "not-found", "This is not the address of a router of ours.")
    request.max_content_length = LARGEST_BODY
    try:
        told = read_told(request.get_data(cache=False).decode("utf-8", "replace"))
    except NotTold as error:
        raise invalid({"body": [str(error)]}) from error
    publish(
        RecordRouterConnectionJob(
            router_id=router_id,
            identity=told.identity,
            version=told.version,
            model=told.model,
            public_key=told.public_key,
            source_address=request.remote_addr or "",
            connected_at=now(),
        ),
        correlation_id=router_id,
    )
    return Response("connected\n", status=202, content_type="text/plain")


def _is_registered(router_id: UUID) -> bool:
    with db() as connection:
        return bool(connection.scalar(select(exists().where(Router.id == router_id))))
