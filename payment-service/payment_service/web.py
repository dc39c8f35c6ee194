"""The web process: guests and operators through the gateway, M-Pesa straight."""

from flask import Flask
from sqlalchemy import Engine

from hotspot.bus.transport import Publishing
from hotspot.clock import Clock, utc_now
from hotspot.vault import Vault
from hotspot.web.app import new_app, register
from payment_service.callbacks import callbacks
from payment_service.claims import Claims
from payment_service.config import Config
from payment_service.intake import Intake
from payment_service.live import Changes
from payment_service.routes import packages, payments
from payment_service.spool import Spool


def create_app(
    config: Config, *, publisher: Publishing, engine: Engine, clock: Clock = utc_now
) -> Flask:
    """The application, with everything that it uses given."""
    app = new_app(config, publisher=publisher, engine=engine, clock=clock, title="payment-service")
    intake = Intake(publisher, Spool(config.spool_dir, most=config.spool_most))
    app.extensions.update(
        vault=Vault(config.encryption_keys),
        claims=Claims(config.encryption_keys),
        changes=Changes(engine),
        intake=intake,
    )
    for blueprint in (packages, payments, callbacks):
        register(app, blueprint)
    intake.drain_later()  # what a process before this one had to leave behind
    return app
