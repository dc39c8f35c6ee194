"""The web process: guests and operators through the gateway, M-Pesa straight."""

from flask import Flask
from sqlalchemy import Engine

from hotspot.bus.transport import Publishing
from hotspot.clock import Clock, utc_now
from hotspot.vault import Vault
from hotspot.web.app import new_app, register
from hotspot.web.gauges import DatabaseGauges
from hotspot.web.health import measure
from payment_service.attention import attention
from payment_service.callbacks.doors import callbacks
from payment_service.callbacks.intake import Intake
from payment_service.callbacks.spool import Spool
from payment_service.claims.routes import claimed
from payment_service.claims.tokens import Claims
from payment_service.config import Config
from payment_service.gauges import gauges
from payment_service.live import Changes
from payment_service.packages.routes import packages
from payment_service.promise.routes import standings
from payment_service.reversals.routes import reversals
from payment_service.routes import payments
from payment_service.settling.receipt_routes import receipts
from payment_service.statements.routes import statements
from payment_service.vouchers.batch_routes import Press, batches
from payment_service.vouchers.routes import vouchers

BLUEPRINTS = (
    *(packages, standings, payments, receipts, statements, batches, vouchers),
    *(claimed, reversals, attention),
    callbacks,
)


def create_app(
    config: Config, *, publisher: Publishing, engine: Engine, clock: Clock = utc_now
) -> Flask:
    """The application, with everything that it uses given."""
    app = new_app(config, publisher=publisher, engine=engine, clock=clock, title="payment-service")
    spool = Spool(config.spool_dir, most=config.spool_most)
    intake = Intake(publisher, spool, clock=clock)
    changes = Changes(engine)
    app.extensions.update(
        endings=[changes.close],
        needs={
            "room in the callback spool": spool.has_room,
            "a callback spool that can be written": spool.can_be_written,
        },
        vault=Vault(config.encryption_keys),
        claims=Claims(config.encryption_keys),
        changes=changes,
        intake=intake,
        press=Press(),
    )
    for blueprint in BLUEPRINTS:
        register(app, blueprint)
    measure(app, DatabaseGauges(engine, gauges(clock)))
    intake.drain_later()  # what a process before this one had to leave behind
    return app
