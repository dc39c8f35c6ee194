"""The HTTP application."""

from flask import Flask
from sqlalchemy import Engine

from hotspot.bus.transport import Publishing
from hotspot.clock import Clock, utc_now
from hotspot.web.app import new_app, register
from provisioning_service.config import Config
from provisioning_service.routes import subscriptions_blueprint, users_blueprint


def create_app(
    config: Config, *, publisher: Publishing, engine: Engine, clock: Clock = utc_now
) -> Flask:
    """Users and subscriptions, for operators."""
    app = new_app(
        config, publisher=publisher, engine=engine, clock=clock, title="provisioning-service"
    )
    register(app, users_blueprint())
    register(app, subscriptions_blueprint())
    return app
