"""The HTTP application of radius-service."""

from flask import Flask
from sqlalchemy import Engine

from hotspot.bus.transport import Publishing
from hotspot.clock import Clock, utc_now
from hotspot.web.app import new_app, register
from hotspot.web.gauges import DatabaseGauges
from hotspot.web.health import measure
from radius_service import access_routes, routes, use_routes
from radius_service.config import Config
from radius_service.counting import RadiusCollector
from radius_service.gauges import gauges


def create_app(
    config: Config, *, publisher: Publishing, engine: Engine, clock: Clock = utc_now
) -> Flask:
    """Sessions and use for operators, beside what every service has."""
    app = new_app(config, publisher=publisher, engine=engine, clock=clock, title="radius-service")
    register(app, routes.blueprint)
    register(app, use_routes.blueprint)
    register(app, access_routes.blueprint)
    measure(app, RadiusCollector(engine))
    measure(app, DatabaseGauges(engine, gauges(clock)))
    return app
