"""The door: every route under /api, who answers it, and who may ask."""

from dataclasses import dataclass

from flask import Flask, g, request

from hotspot.contract.rows import Service
from hotspot.contract.table import GATEWAY, NOTIFICATION, PAYMENT, PROVISIONING, RADIUS
from hotspot.web.auth import caller_of_request
from hotspot.web.problem import Problem

# Needs no account. Where a claim token or an operator's token decides, the service looks at it.
ANYONE = "anyone"
VIEWER, SUPPORT, OPERATOR = "viewer", "support", "operator"


@dataclass(frozen=True)
class Route:
    """One row. `service` GATEWAY: answered here; else passed on, piece by piece if it streams."""

    method: str
    path: str
    service: Service
    who: str
    streams: bool = False

    @property
    def is_passed_on(self) -> bool:
        """Whether a service answers."""
        return self.service != GATEWAY


ROUTES = (
    # Guests
    #     method  path                                       answered by   who
    Route("GET", "/api/v1/packages", PAYMENT, ANYONE),
    Route("POST", "/api/v1/payments", PAYMENT, ANYONE),
    Route("GET", "/api/v1/payments/<uuid:id>", PAYMENT, ANYONE),
    Route("GET", "/api/v1/payments/<uuid:id>/events", PAYMENT, ANYONE, streams=True),
    # Operators: logging in
    Route("POST", "/api/v1/auth/token", GATEWAY, ANYONE),
    Route("POST", "/api/v1/auth/refresh", GATEWAY, ANYONE),
    # Operators: what there is
    Route("GET", "/api/v1/payments", PAYMENT, VIEWER),
    Route("GET", "/api/v1/users", PROVISIONING, VIEWER),
    Route("GET", "/api/v1/users/<uuid:id>", PROVISIONING, VIEWER),
    Route("GET", "/api/v1/subscriptions", PROVISIONING, VIEWER),
    Route("GET", "/api/v1/subscriptions/<uuid:id>", PROVISIONING, VIEWER),
    Route("GET", "/api/v1/sessions", RADIUS, VIEWER),
    Route("GET", "/api/v1/sessions/<uuid:id>", RADIUS, VIEWER),
    Route("DELETE", "/api/v1/sessions/<uuid:id>", RADIUS, SUPPORT),
    Route("GET", "/api/v1/messages", NOTIFICATION, VIEWER),
    Route("GET", "/api/v1/messages/<uuid:id>", NOTIFICATION, VIEWER),
    Route("POST", "/api/v1/messages/<uuid:id>/resend", NOTIFICATION, SUPPORT),
    # Operators: what happens
    Route("GET", "/api/v1/trace/<uuid:id>", GATEWAY, VIEWER),
    Route("GET", "/api/v1/events", GATEWAY, VIEWER, streams=True),
    Route("GET", "/api/v1/dashboard/stats", GATEWAY, VIEWER),
    Route("POST", "/api/v1/dashboard/refresh", GATEWAY, VIEWER),
    # Operators: the running of the system
    Route("GET", "/api/v1/queues", GATEWAY, VIEWER),
    Route("GET", "/api/v1/failed-jobs", GATEWAY, VIEWER),
    Route("DELETE", "/api/v1/failed-jobs", GATEWAY, OPERATOR),
    Route("POST", "/api/v1/failed-jobs/retry", GATEWAY, OPERATOR),
    Route("GET", "/api/v1/failed-jobs/<uuid:id>", GATEWAY, VIEWER),
    Route("DELETE", "/api/v1/failed-jobs/<uuid:id>", GATEWAY, OPERATOR),
    Route("POST", "/api/v1/failed-jobs/<uuid:id>/retry", GATEWAY, OPERATOR),
    # What this API is
    Route("GET", "/api/v1/openapi.json", GATEWAY, ANYONE),
)


class NotInTheTable(Exception):
    """A route under /api that the table does not have, or the other way round."""


def guard(app: Flask) -> None:
    """Have the table decide who may ask, for every route of a finished app.

    Raises NotInTheTable: a route that was forgotten in the table must not be open to everyone.
    """
    rows = {(row.method, row.path): row for row in ROUTES}
    served = {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    if served != set(rows):
        raise NotInTheTable(f"table and routes differ in {sorted(served ^ set(rows))}")

    def check() -> None:
        if request.url_rule is None or request.method == "OPTIONS":
            return
        method = "GET" if request.method == "HEAD" else request.method
        row = rows.get((method, request.url_rule.rule))
        if row is not None and row.who != ANYONE:
            _needs(row.who)

    app.before_request(check)


def _needs(role: str) -> None:
    caller = caller_of_request()
    if not caller.may_act_as(role):
        raise Problem(403, "forbidden", f"This needs the role {role}; yours is {caller.role}.")
    g.caller = caller
