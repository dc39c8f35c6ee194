"""Everything heavy that all processes of a machine can share by being forked from one parent.

Nothing here may start a thread or import ssl's users (requests, urllib3): web processes patch
the standard library for gevent after the fork, and what has been imported by then must not hold
unpatched pieces.
"""

import cryptography.fernet
import flask
import flask_smorest
import jwt
import marshmallow
import phonenumbers
import pika
import prometheus_client
import sqlalchemy.dialects.postgresql
import sqlalchemy.orm
import structlog

import hotspot.bus.worker
import hotspot.contract.topology
import hotspot.settings

PRELOADED = (
    cryptography.fernet,
    flask,
    flask_smorest,
    jwt,
    marshmallow,
    phonenumbers,
    pika,
    prometheus_client,
    sqlalchemy.dialects.postgresql,
    sqlalchemy.orm,
    structlog,
    hotspot.bus.worker,
    hotspot.contract.topology,
    hotspot.settings,
)
