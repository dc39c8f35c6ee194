"""Everything heavy that all processes of a machine can share by being forked from one parent.

What is imported here is paid for once; what each child imports for itself is paid for by each, in
memory and in time. Nothing here may start a thread, or gevent's event loop: web processes patch
the standard library for gevent after the fork (`hotspot.serve`).
"""

import importlib
import importlib.util

import alembic.operations
import flask_smorest
import gevent.events
import gevent.os
import gevent.select
import gevent.signal
import gevent.subprocess
import gevent.threading
import phonenumbers
import pika.adapters.select_connection
import prometheus_client
import psycopg.types.json
import requests
import sqlalchemy.orm
import structlog

import hotspot.bus.rabbit
import hotspot.bus.worker
import hotspot.log
import hotspot.serve
import hotspot.web.app
import hotspot.web.server
from hotspot.bus.database import connect
from hotspot.contract import table
from hotspot.contract.message import schema_of

LIBRARIES = (
    alembic.operations,
    flask_smorest,
    gevent.events,
    gevent.os,
    gevent.select,
    gevent.signal,
    gevent.subprocess,
    gevent.threading,
    phonenumbers,
    pika.adapters.select_connection,
    prometheus_client,
    psycopg.types.json,
    requests,
    structlog,
    hotspot.bus.rabbit,
    hotspot.bus.worker,
    hotspot.log,
    hotspot.serve,
    hotspot.web.app,
    hotspot.web.server,
)

# The parts of a service that its processes import.
_PARTS = ("config", "worker", "web", "server", "timer")


def _preload() -> None:
    """Import the services that are there, and do what each process would do first of all."""
    for service in table.SERVICES:
        package = hotspot.serve.package_of(service.name)
        for part in _PARTS:
            if importlib.util.find_spec(package) and importlib.util.find_spec(f"{package}.{part}"):
                importlib.import_module(f"{package}.{part}")
    for row in table.MESSAGES:
        schema_of(row.message)
    sqlalchemy.orm.configure_mappers()
    nowhere = connect("postgresql+psycopg://nobody@127.0.0.1:1/none")
    str(sqlalchemy.select(sqlalchemy.literal(1)).compile(nowhere))


_preload()
