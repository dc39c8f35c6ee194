"""The HTTP application."""

from flask import Flask
from sqlalchemy import Engine

from hotspot.bus.transport import Publishing
from hotspot.clock import Clock, utc_now
from hotspot.vault import Vault
from hotspot.web.app import new_app, register
from hotspot.web.gauges import DatabaseGauges
from hotspot.web.health import measure
from router_service.backup_routes import backups
from router_service.config import Config
from router_service.connect_route import connect
from router_service.gauges import gauges
from router_service.history_routes import history
from router_service.list_routes import lists
from router_service.provisioning_routes import pages, provisioning
from router_service.registration import Registry
from router_service.routes import routers


def create_app(
    config: Config, *, publisher: Publishing, engine: Engine, clock: Clock = utc_now
) -> Flask:
    """Routers, for operators; the door that routers phone home to."""
    app = new_app(config, publisher=publisher, engine=engine, clock=clock, title="router-service")
    app.extensions["registry"] = Registry(
        vault=Vault(config.encryption_keys), controller=config.controller
    )
    register(app, lists)  # before /<id>: `export.csv` is no id
    register(app, routers)
    register(app, backups)
    register(app, provisioning)
    register(app, history)
    register(app, connect)
    register(app, pages)
    measure(app, DatabaseGauges(engine, gauges()))
    return app
