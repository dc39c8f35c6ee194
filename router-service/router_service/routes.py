"""Routers, as operators register, change and look at them."""

from typing import Any, cast
from uuid import UUID

from flask import Response, current_app
from flask_smorest import Blueprint
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from hotspot.bus.envelope import Parcel, enclose
from hotspot.bus.ledger import put_in_outbox
from hotspot.contract.routers import ChangeRouterJob, HotspotSite, NewRouter, RemoveRouterJob
from hotspot.ids import new_id
from hotspot.web.app import config_of, db, now, publish
from hotspot.web.auth import caller_of_request, needs_role
from hotspot.web.openapi import TEXT, refuses
from hotspot.web.pages import newest_first, paged
from hotspot.web.problem import Problem, invalid
from router_service.models import Router
from router_service.registration import Registry, add_router
from router_service.schemas import (
    AskedSchema,
    NewRouterSchema,
    RegisteredSchema,
    RouterChangeSchema,
    RouterSchema,
    RoutersQuery,
    RoutersSchema,
    ScriptSchema,
)
from router_service.seen import by_operators, when_registered
from router_service.tunnels import Peer, controller_configuration

API_PORT, API_TLS_PORT = 8728, 8729

routers = Blueprint("routers", __name__, url_prefix="/api/v1/routers")


@routers.post("")
@needs_role("operator")
@routers.arguments(NewRouterSchema)
@routers.response(201, RegisteredSchema)
@refuses({409: "Another router has this name."})
def register_router(asked: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Register a router, and answer what to paste into it. The one route that writes."""
    registry = registry_of()
    new = NewRouter(
        router_id=new_id(),
        name=asked["name"],
        ip_address=asked["ip_address"],
        username=asked["username"],
        sealed_password=registry.vault.seal(asked["password"]),
        api_port=asked["api_port"] or (API_TLS_PORT if asked["api_tls"] else API_PORT),
        api_tls=asked["api_tls"],
    )
    engine: Engine = current_app.extensions["engine"]
    with Session(engine, expire_on_commit=False) as session, session.begin():
        router = add_router(session, new, vault=registry.vault, at=now())
        if router is None:
            raise name_taken(new.name)
        job = registry.nas_of(router, session, now())
        envelope = enclose(job, sender=config_of().service, now=now(), correlation_id=router.id)
        put_in_outbox(session, [Parcel.of(job, envelope)])
        answer = when_registered(router, registry)
    return answer, {"Location": f"/api/v1/routers/{router.id}"}


@routers.get("")
@needs_role("viewer")
@routers.arguments(RoutersQuery, location="query")
@routers.response(200, RoutersSchema)
@paged
def list_routers(query: dict[str, Any]) -> dict[str, Any]:
    """Routers, newest first."""
    registry = registry_of()
    return newest_first(
        select(*Router.__table__.columns),
        by=Router.id,
        where={"status": Router.status.__eq__, "since": Router.created_at.__ge__},
        query=query,
        seen=lambda row: by_operators(row, registry),
    )


@routers.get("/<uuid:router_id>")
@needs_role("viewer")
@routers.response(200, RouterSchema)
def show_router(router_id: UUID) -> dict[str, Any]:
    """One router."""
    return by_operators(found(router_id), registry_of())


@routers.get("/<uuid:router_id>/connectivity-script")
@needs_role("operator")
@routers.response(200, ScriptSchema)
def show_script(router_id: UUID) -> dict[str, Any]:
    """The script again, to be pasted again. It has secrets in it: viewers do not get it."""
    answer = when_registered(found(router_id), registry_of())
    return {name: answer[name] for name in ("config_token", "connectivity_script")}


@routers.patch("/<uuid:router_id>")
@needs_role("operator")
@routers.arguments(RouterChangeSchema)
@routers.response(202, AskedSchema)
@refuses({409: "Another router has this name."})
def change_router(asked: dict[str, Any], router_id: UUID) -> dict[str, Any]:
    """Change what is known of a router. The script must be pasted again where it has changed."""
    if not asked:
        raise invalid({"_schema": ["name at least one thing to change"]})
    found(router_id)
    if "name" in asked:
        _check_name(asked["name"], router_id)
    if "site" in asked:
        asked["site"] = HotspotSite(**(asked["site"] | {"ports": tuple(asked["site"]["ports"])}))
    if "password" in asked:
        asked["sealed_password"] = registry_of().vault.seal(asked.pop("password"))
    publish(
        ChangeRouterJob(
            router_id=router_id,
            requested_by=caller_of_request().subject,
            requested_at=now(),
            **asked,
        ),
        correlation_id=router_id,
    )
    return {"id": router_id}


@routers.delete("/<uuid:router_id>")
@needs_role("operator")
@routers.response(202, AskedSchema)
def remove_router(router_id: UUID) -> dict[str, Any]:
    """Take a router out of the system: RADIUS answers it no more. The router itself stays as is."""
    found(router_id)
    publish(
        RemoveRouterJob(
            router_id=router_id, requested_by=caller_of_request().subject, requested_at=now()
        ),
        correlation_id=router_id,
    )
    return {"id": router_id}


@routers.get("/wireguard.conf")
@needs_role("operator")
@routers.response(200, TEXT, content_type="text/plain")
@refuses({409: "There are no tunnels."})
def show_wireguard_configuration() -> Response:
    """The controller's side of the tunnels, for `wg syncconf`."""
    registry = registry_of()
    wireguard = registry.controller.wireguard
    if wireguard is None:
        raise Problem(
            409, "no-tunnels", "Set WIREGUARD_ENDPOINT and WIREGUARD_PUBLIC_KEY to have tunnels."
        )
    with db() as connection, Session(connection) as session:
        connected = session.scalars(
            select(Router).where(Router.public_key.is_not(None)).order_by(Router.number)
        ).all()
    peers = [
        Peer(name=router.name, address=registry.address_of(router), public_key=router.public_key)
        for router in connected
        if router.public_key is not None
    ]
    return Response(controller_configuration(wireguard, peers), content_type="text/plain")


def registry_of() -> Registry:
    """What the app registers routers with."""
    return cast(Registry, current_app.extensions["registry"])


def found(router_id: UUID) -> Router:
    """A router. Raises Problem 404."""
    with db() as connection, Session(connection) as session:
        router = session.get(Router, router_id)
    if router is None:
        raise Problem(404, "not-found", f"There is no router {router_id}.")
    return router


def name_taken(name: str) -> Problem:
    """409: names tell routers apart for people."""
    return Problem(409, "name-taken", f"There is a router named {name!r} already: choose another.")


def _check_name(name: str, router_id: UUID) -> None:
    with db() as connection:
        other = connection.scalar(
            select(Router.id).where(Router.name == name, Router.id != router_id)
        )
    if other is not None:
        raise name_taken(name)
