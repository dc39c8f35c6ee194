"""The door: every route under /api, who answers it, and who may ask."""

from dataclasses import dataclass

from flask import Flask, request

from gateway.identity import caller
from hotspot.contract.rows import Service
from hotspot.contract.table import (
    GATEWAY,
    NOTIFICATION,
    PAYMENT,
    PROVISIONING,
    RADIUS,
    ROUTER,
    SCHEDULER,
)
from hotspot.web.problem import Problem

LARGEST_BODY = 64 * 1024

# Needs no account. Where a claim token or an operator's token decides, the service looks at it.
ANYONE = "anyone"
VIEWER, SUPPORT, OPERATOR, OWNER = "viewer", "support", "operator", "owner"


@dataclass(frozen=True)
class Route:
    """One row. `service` GATEWAY: answered here; else passed on, piece by piece if it streams."""

    method: str
    path: str
    service: Service
    who: str
    streams: bool = False
    largest_body: int = LARGEST_BODY

    @property
    def is_passed_on(self) -> bool:
        """Whether a service answers."""
        return self.service != GATEWAY


ROUTES = (
    # Guests
    #     method  path                                       answered by   who
    Route("GET", "/api/v1/packages", PAYMENT, ANYONE),
    Route("GET", "/api/v1/packages/<uuid:id>", PAYMENT, ANYONE),
    Route("POST", "/api/v1/payments", PAYMENT, ANYONE),
    Route("POST", "/api/v1/payments/claim", PAYMENT, ANYONE),
    Route("GET", "/api/v1/payments/<uuid:id>", PAYMENT, ANYONE),
    Route("GET", "/api/v1/payments/<uuid:id>/events", PAYMENT, ANYONE, streams=True),
    Route("POST", "/api/v1/vouchers/redeem", PAYMENT, ANYONE),
    # Operators: logging in
    Route("POST", "/api/v1/auth/token", GATEWAY, ANYONE),
    Route("POST", "/api/v1/auth/refresh", GATEWAY, ANYONE),
    Route("POST", "/api/v1/auth/logout", GATEWAY, ANYONE),
    Route("POST", "/api/v1/auth/logout-everywhere", GATEWAY, VIEWER),
    Route("POST", "/api/v1/auth/password", GATEWAY, VIEWER),
    # Owners: accounts, keys, and who did what
    Route("GET", "/api/v1/operators/me", GATEWAY, VIEWER),
    Route("GET", "/api/v1/operators", GATEWAY, OWNER),
    Route("POST", "/api/v1/operators", GATEWAY, OWNER),
    Route("GET", "/api/v1/operators/<uuid:id>", GATEWAY, OWNER),
    Route("PATCH", "/api/v1/operators/<uuid:id>", GATEWAY, OWNER),
    Route("DELETE", "/api/v1/operators/<uuid:id>", GATEWAY, OWNER),
    Route("GET", "/api/v1/api-keys", GATEWAY, OWNER),
    Route("POST", "/api/v1/api-keys", GATEWAY, OWNER),
    Route("DELETE", "/api/v1/api-keys/<uuid:id>", GATEWAY, OWNER),
    Route("GET", "/api/v1/audit", GATEWAY, OWNER),
    # Operators: what there is
    Route("GET", "/api/v1/payments", PAYMENT, VIEWER),
    Route("GET", "/api/v1/payments/standing", PAYMENT, VIEWER),
    Route("POST", "/api/v1/payments/<uuid:id>/reverse", PAYMENT, OWNER),
    Route("POST", "/api/v1/payments/<uuid:id>/attention/clear", PAYMENT, OPERATOR),
    Route("GET", "/api/v1/receipts", PAYMENT, VIEWER),
    Route("POST", "/api/v1/receipts/<receipt>/reverse", PAYMENT, OWNER),
    # A statement of 5 MiB, and the lines that a form puts around it
    Route("POST", "/api/v1/statements", PAYMENT, OPERATOR, largest_body=6 * 1024 * 1024),
    Route("GET", "/api/v1/statements", PAYMENT, OPERATOR),
    Route("GET", "/api/v1/statements/<uuid:id>", PAYMENT, OPERATOR),
    Route("POST", "/api/v1/packages", PAYMENT, OPERATOR),
    Route("PATCH", "/api/v1/packages/<uuid:id>", PAYMENT, OPERATOR),
    Route("POST", "/api/v1/vouchers", PAYMENT, OPERATOR),
    Route("GET", "/api/v1/vouchers", PAYMENT, VIEWER),
    Route("GET", "/api/v1/vouchers/<uuid:id>", PAYMENT, VIEWER),
    Route("DELETE", "/api/v1/vouchers/<uuid:id>", PAYMENT, OPERATOR),
    Route("GET", "/api/v1/vouchers/batches", PAYMENT, VIEWER),
    Route("GET", "/api/v1/vouchers/batches/<uuid:id>", PAYMENT, VIEWER),
    Route("DELETE", "/api/v1/vouchers/batches/<uuid:id>", PAYMENT, OPERATOR),
    # 5,000 cards take a while to draw, and megabytes
    Route("GET", "/api/v1/vouchers/batches/<uuid:id>.pdf", PAYMENT, OPERATOR, streams=True),
    Route("GET", "/api/v1/vouchers/batches/<uuid:id>.csv", PAYMENT, OPERATOR),
    Route("GET", "/api/v1/users", PROVISIONING, VIEWER),
    Route("GET", "/api/v1/users/<uuid:id>", PROVISIONING, VIEWER),
    Route("GET", "/api/v1/subscriptions", PROVISIONING, VIEWER),
    Route("GET", "/api/v1/subscriptions/<uuid:id>", PROVISIONING, VIEWER),
    Route("POST", "/api/v1/subscriptions", PROVISIONING, OPERATOR),
    Route("POST", "/api/v1/subscriptions/<uuid:id>/suspend", PROVISIONING, OPERATOR),
    Route("POST", "/api/v1/subscriptions/<uuid:id>/unsuspend", PROVISIONING, OPERATOR),
    Route("GET", "/api/v1/sessions", RADIUS, VIEWER),
    Route("GET", "/api/v1/sessions/promise", RADIUS, VIEWER),
    Route("GET", "/api/v1/sessions/<uuid:id>", RADIUS, VIEWER),
    Route("DELETE", "/api/v1/sessions/<uuid:id>", RADIUS, SUPPORT),
    Route("GET", "/api/v1/use", RADIUS, VIEWER),
    Route("GET", "/api/v1/access", RADIUS, VIEWER),
    Route("POST", "/api/v1/routers", ROUTER, OPERATOR),
    Route("GET", "/api/v1/routers", ROUTER, VIEWER),
    Route("GET", "/api/v1/routers/export.csv", ROUTER, OPERATOR),
    Route("POST", "/api/v1/routers/import", ROUTER, OPERATOR, largest_body=512 * 1024),
    Route("GET", "/api/v1/routers/wireguard.conf", ROUTER, OPERATOR),
    Route("GET", "/api/v1/routers/<uuid:id>", ROUTER, VIEWER),
    Route("PATCH", "/api/v1/routers/<uuid:id>", ROUTER, OPERATOR),
    Route("DELETE", "/api/v1/routers/<uuid:id>", ROUTER, OPERATOR),
    Route("GET", "/api/v1/routers/<uuid:id>/connectivity-script", ROUTER, OPERATOR),
    Route("POST", "/api/v1/routers/<uuid:id>/provision", ROUTER, OPERATOR),
    Route("GET", "/api/v1/routers/<uuid:id>/provisioning", ROUTER, VIEWER),
    Route("POST", "/api/v1/routers/<uuid:id>/drift", ROUTER, OPERATOR),
    Route("GET", "/api/v1/routers/<uuid:id>/drift", ROUTER, VIEWER),
    Route("GET", "/api/v1/routers/<uuid:id>/history", ROUTER, VIEWER),
    Route("POST", "/api/v1/routers/<uuid:id>/backups", ROUTER, OPERATOR),
    Route("GET", "/api/v1/routers/<uuid:id>/backups", ROUTER, OPERATOR),
    Route("GET", "/api/v1/routers/<uuid:id>/backups/<int:version>", ROUTER, OPERATOR),
    Route("GET", "/api/v1/routers/<uuid:id>/backups/<int:version>/difference", ROUTER, OPERATOR),
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
    Route("GET", "/api/v1/schedules", SCHEDULER, VIEWER),
    Route("POST", "/api/v1/schedules/<job>/run", SCHEDULER, OPERATOR),
    Route("GET", "/api/v1/metrics", SCHEDULER, VIEWER),
    Route("GET", "/api/v1/metrics/latest", SCHEDULER, VIEWER),
    Route("GET", "/api/v1/maintenance", SCHEDULER, VIEWER),
    Route("GET", "/api/v1/failed-jobs", GATEWAY, VIEWER),
    Route("DELETE", "/api/v1/failed-jobs", GATEWAY, OPERATOR),
    Route("POST", "/api/v1/failed-jobs/retry", GATEWAY, OPERATOR),
    Route("GET", "/api/v1/failed-jobs/<uuid:id>", GATEWAY, VIEWER),
    Route("DELETE", "/api/v1/failed-jobs/<uuid:id>", GATEWAY, OPERATOR),
    Route("POST", "/api/v1/failed-jobs/<uuid:id>/retry", GATEWAY, OPERATOR),
    # What this API is
    Route("GET", "/api/v1/openapi.json", GATEWAY, ANYONE),
    Route("GET", "/api/docs", GATEWAY, ANYONE),
    Route("GET", "/api/docs/<name>", GATEWAY, ANYONE),
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

    for rule in app.url_map.iter_rules():
        for method in rule.methods or ():
            row = rows.get((method, rule.rule))
            if row is not None and row.who != ANYONE:
                # For the document: what every other service says of its views by `needs_role`.
                setattr(app.view_functions[rule.endpoint], "needs_role", row.who)  # noqa: B010

    def check() -> None:
        if request.url_rule is None or request.method == "OPTIONS":
            return
        method = "GET" if request.method == "HEAD" else request.method
        row = rows.get((method, request.url_rule.rule))
        if row is not None and row.who != ANYONE:
            _needs(row.who)

    app.before_request(check)


def _needs(role: str) -> None:
    who = caller()
    if not who.may_act_as(role):
        raise Problem(403, "forbidden", f"This needs the role {role}; yours is {who.role}.")
