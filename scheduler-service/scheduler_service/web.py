"""The HTTP application."""

from flask import Flask
from sqlalchemy import Engine, select

from hotspot.bus.transport import Publishing
from hotspot.clock import Clock, utc_now
from hotspot.web.app import new_app, register
from hotspot.web.gauges import DatabaseGauges, alarms
from hotspot.web.health import measure
from scheduler_service.config import Config
from scheduler_service.models import Alarm
from scheduler_service.routes import (
    maintenance_blueprint,
    metrics_blueprint,
    schedules_blueprint,
)
from scheduler_service.showing import FigureCollector


def create_app(
    config: Config, *, publisher: Publishing, engine: Engine, clock: Clock = utc_now
) -> Flask:
    """The schedule, what was measured, and what maintenance did, for operators."""
    app = new_app(
        config, publisher=publisher, engine=engine, clock=clock, title="scheduler-service"
    )
    register(app, schedules_blueprint())
    register(app, metrics_blueprint())
    register(app, maintenance_blueprint())
    measure(app, FigureCollector(engine, clock))
    raised = select(Alarm.alarm, Alarm.subject).where(Alarm.raised_at.is_not(None))
    measure(app, DatabaseGauges(engine, [alarms(raised)]))
    return app
