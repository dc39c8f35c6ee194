"""The HTTP application."""

from flask import Flask
from sqlalchemy import Engine

from hotspot.bus.transport import Publishing
from hotspot.clock import Clock, utc_now
from hotspot.web.app import new_app, register
from hotspot.web.gauges import DatabaseGauges
from hotspot.web.health import measure
from notification_service.config import Config
from notification_service.gauges import gauges
from notification_service.routes import callbacks_blueprint, messages_blueprint


def create_app(
    config: Config, *, publisher: Publishing, engine: Engine, clock: Clock = utc_now
) -> Flask:
    """Messages, for operators; delivery reports, from gateways."""
    app = new_app(
        config, publisher=publisher, engine=engine, clock=clock, title="notification-service"
    )
    register(app, messages_blueprint())
    register(app, callbacks_blueprint(config))
    measure(app, DatabaseGauges(engine, gauges(clock)))
    return app
