"""Orders about routers."""

from gateway.dashboard.ordering import Order
from gateway.dashboard.parts import Field
from gateway.door import OPERATOR

ROUTER = (
    Field(name="name", label="Name", hint="as people call it: Kilimani shop"),
    Field(name="ip_address", label="Address", hint="as seen from here: 192.0.2.10"),
    Field(name="username", label="Username", hint="for this system; the script makes it"),
    Field(name="password", label="Password", kind="password"),
    Field(
        name="api_port",
        label="API port",
        kind="number",
        needed=False,
        hint="empty: 8728, or 8729 with TLS",
    ),
    Field(name="api_tls", label="API over TLS", kind="yes", needed=False),
)
ROUTER_CHANGE = tuple(
    Field(name=one.name, label=one.label, kind=one.kind, needed=False, hint=one.hint)
    for one in ROUTER
    if one.name not in ("api_tls",)
)

ORDERS = (
    Order(
        name="add-router",
        path="/routers",
        method="POST",
        api="/routers",
        who=OPERATOR,
        label="Add the router",
        said="Registered. Now paste the script into the router's terminal.",
        back="/dashboard/routers/{id}",
        fields=ROUTER,
        page="/dashboard/routers",
    ),
    Order(
        name="change-router",
        path="/routers/<uuid:id>",
        method="PATCH",
        api="/routers/{id}",
        who=OPERATOR,
        label="Change the router",
        said="The change is under way.",
        back="/dashboard/routers/{id}",
        fields=ROUTER_CHANGE,
        changes=True,
    ),
    Order(
        name="remove-router",
        path="/routers/<uuid:id>/remove",
        method="DELETE",
        api="/routers/{id}",
        who=OPERATOR,
        label="Remove",
        said="The router is being removed.",
        back="/dashboard/routers",
        sure="RADIUS answers this router no more: nobody logs in there. The router stays as it is.",
        is_grave=True,
    ),
    Order(
        name="provision",
        path="/routers/<uuid:id>/provision",
        method="POST",
        api="/routers/{id}/provision",
        who=OPERATOR,
        label="Provision",
        said="Provisioning has begun: watch its steps below.",
        back="/dashboard/routers/{id}",
    ),
    Order(
        name="drift",
        path="/routers/<uuid:id>/drift",
        method="POST",
        api="/routers/{id}/drift",
        who=OPERATOR,
        label="Look for drift",
        said="The router is being looked at.",
        back="/dashboard/routers/{id}",
    ),
    Order(
        name="back-up",
        path="/routers/<uuid:id>/backups",
        method="POST",
        api="/routers/{id}/backups",
        who=OPERATOR,
        label="Back up now",
        said="The router's configuration is being read: it is kept where it has changed.",
        back="/dashboard/routers/{id}",
    ),
)
