"""The gateway's web application."""

from flask import Flask
from limits.storage import Storage
from sqlalchemy import Engine

from gateway.account_routes import accounts_blueprint, audit_blueprint, keys_blueprint
from gateway.audit import keep_audit
from gateway.config import Config
from gateway.dashboard.web import dashboard_blueprint
from gateway.docs import docs_blueprint
from gateway.door import LARGEST_BODY, guard
from gateway.forwarding import add_forwarded_routes
from gateway.guessing import LoginThrottle
from gateway.identity import exchange_keys
from gateway.live import Hub
from gateway.login import login_blueprint
from gateway.operating import operating_blueprint
from gateway.operators import Passwords, usual_passwords
from gateway.portal.captive import captive_blueprint
from gateway.portal.left import Remaining
from gateway.portal.web import portal_blueprint
from gateway.proxies import behind, keep_figures_inside
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
    passwords: Passwords | None = None,
    counts: Storage | None = None,
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
    storage = counts or storage_at(config.rate_limit_storage_url)
    throttle, logins = Throttle(storage), LoginThrottle(storage)
    passwords = passwords or usual_passwords()
    keep_figures_inside(app)
    exchange_keys(app)
    keep_audit(app)
    add_forwarded_routes(app, services, throttle)
    register(app, login_blueprint(logins, passwords))
    register(app, accounts_blueprint(passwords))
    register(app, keys_blueprint())
    register(app, audit_blueprint())
    hub = hub or Hub(engine)
    app.extensions["endings"] = [hub.close]
    register(app, operating_blueprint(services, hub))
    remaining = Remaining(services, config.jwt_private_key)
    app.register_blueprint(portal_blueprint(services, throttle, remaining, config.portal))
    app.register_blueprint(captive_blueprint(throttle, remaining, config.portal))
    app.register_blueprint(dashboard_blueprint(config.encryption_keys))
    register(app, docs_blueprint(services))
    guard(app)
    app.wsgi_app = behind(app.wsgi_app, config.trusted_proxies)  # type: ignore[assignment,method-assign]
    return app
