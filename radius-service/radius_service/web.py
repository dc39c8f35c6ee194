"""The HTTP application of radius-service."""

from flask import Flask
from sqlalchemy import Engine

from hotspot.bus.transport import Publishing
from hotspot.clock import Clock, utc_now
from hotspot.web.app import new_app, register
from radius_service.config import Config
from radius_service.routes import blueprint


def create_app(
    config: Config, *, publisher: Publishing, engine: Engine, clock: Clock = utc_now
) -> Flask:
    """Sessions for operators, beside what every service has."""
    app = new_app(config, publisher=publisher, engine=engine, clock=clock, title="radius-service")
    register(app, blueprint)
    return app
