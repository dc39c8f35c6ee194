"""The gateway's web application."""

from flask import Flask
from sqlalchemy import Engine

from gateway.config import Config
from gateway.door import guard
from gateway.forwarding import LARGEST_BODY, add_forwarded_routes
from gateway.live import Hub
from gateway.login import login_blueprint
from gateway.openapi import add_openapi_route
from gateway.operating import operating_blueprint
from gateway.portal import portal_blueprint
from gateway.services import Patience, Services
from gateway.throttle import Throttle, storage_at
from hotspot.bus.transport import Publishing
from hotspot.clock import Clock, utc_now
from hotspot.web.app import new_app, register


def create_app(
    config: Config,
    *,
    publisher: Publishing,
    engine: Engine,
    clock: Clock = utc_now,
    patience: Patience | None = None,
    hub: Hub | None = None,
) -> Flask:
    """The door: what is passed on, what is answered here, and who may ask."""
    app = new_app(
        config,
        publisher=publisher,
        engine=engine,
        clock=clock,
        title="Hotspot",
        has_failed_jobs=False,  # the door shows those of all services
    )
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    services = Services(config.services, patience)
    throttle = Throttle(storage_at(config.rate_limit_storage_url))
    add_forwarded_routes(app, services, throttle)
    register(app, login_blueprint(throttle))
    register(app, operating_blueprint(services, hub or Hub(engine)))
    app.register_blueprint(portal_blueprint(services, throttle))
    add_openapi_route(app)
    guard(app)
    return app
