"""The Flask application that every service begins with."""

import time
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import structlog
from flask import Flask, Response, current_app, g, request
from flask_smorest import Api, Blueprint
from sqlalchemy import Engine

from hotspot.bus.envelope import Envelope, Parcel, enclose
from hotspot.bus.transport import Publishing
from hotspot.clock import Clock, utc_now
from hotspot.contract.message import Message
from hotspot.ids import new_id
from hotspot.log import SITE
from hotspot.settings import CommonConfig
from hotspot.web.bodies import WholeBodies, read_no_monsters
from hotspot.web.database import db
from hotspot.web.health import health_blueprint
from hotspot.web.openapi import add_openapi_route
from hotspot.web.problem import Problem, answer_errors, invalid

__all__ = ["config_of", "db", "new_app", "now", "publish", "register"]

log = structlog.get_logger()

LARGEST_BODY = 1024 * 1024

read_no_monsters()  # here, because modules with routes import this one before they make any


def new_app(
    config: CommonConfig,
    *,
    publisher: Publishing,
    engine: Engine,
    clock: Clock = utc_now,
    title: str,
    has_failed_jobs: bool = True,
) -> Flask:
    """An app with errors as problems, health, metrics, OpenAPI, request ids and failed jobs."""
    app = Flask(f"hotspot.{config.service}", static_folder=None)
    app.request_class = WholeBodies
    # A path with slashes too many is no path of ours: else it is answered by a redirect, not by a
    # problem, and to whatever host the client named.
    app.url_map.merge_slashes = False
    app.config.update(
        HOTSPOT=config,
        API_TITLE=title,
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        MAX_CONTENT_LENGTH=LARGEST_BODY,
    )
    app.extensions.update(publisher=publisher, engine=engine, clock=clock)
    answer_errors(app)
    app.before_request(_begin)
    app.before_request(_refuse_nul)
    app.after_request(_end)
    app.extensions["api"] = Api(app)
    answer_errors(app)  # again: the Api brings handlers of its own
    register(app, health_blueprint())
    add_openapi_route(app)
    if has_failed_jobs:
        from hotspot.web.failed_jobs import failed_jobs_blueprint

        register(app, failed_jobs_blueprint())
    return app


def register(app: Flask, blueprint: Blueprint) -> None:
    """Serve a blueprint, and describe it in the app's OpenAPI."""
    cast(Api, app.extensions["api"]).register_blueprint(blueprint)


def publish(message: Message, *, correlation_id: UUID | None = None) -> Envelope:
    """Send a message and wait until the broker confirmed it. Raises BrokerAway (503)."""
    envelope = enclose(
        message, sender=config_of().service, now=now(), correlation_id=correlation_id
    )
    publisher: Publishing = current_app.extensions["publisher"]
    publisher.publish([Parcel.of(message, envelope)])
    return envelope


def now() -> datetime:
    """The time, from the app's clock."""
    clock: Clock = current_app.extensions["clock"]
    return clock()


def config_of() -> Any:
    """The service's Config."""
    return current_app.config["HOTSPOT"]


def _begin() -> None:
    g.began = time.perf_counter()
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if 0 < len(given) <= 100 and given.isprintable() else str(new_id())
    structlog.contextvars.bind_contextvars(
        **{"request_id": g.request_id, SITE: config_of().service}
    )


def _refuse_nul() -> None:
    """PostgreSQL's text has no NUL: nothing that we keep can be asked for by one."""
    if "\0" in request.path:
        raise Problem(404, "not-found", "There is nothing here.")
    with_nul = [name for name, values in request.args.lists() if "\0" in "".join(values)]
    if with_nul:
        raise invalid({name: ["must not hold a NUL"] for name in with_nul})


def _end(response: Response) -> Response:
    request_id = g.get("request_id")
    if request_id:
        response.headers["X-Request-ID"] = request_id
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    rule = request.url_rule.rule if request.url_rule else "(no route)"
    if not rule.startswith(("/health", "/metrics")):
        took = (time.perf_counter() - g.get("began", time.perf_counter())) * 1000
        # The rule, not the path: paths of callbacks carry secrets.
        log.info(
            "answered",
            method=request.method,
            route=rule,
            status=response.status_code,
            took_ms=round(took, 1),
        )
    structlog.contextvars.unbind_contextvars("request_id", SITE)
    return response
