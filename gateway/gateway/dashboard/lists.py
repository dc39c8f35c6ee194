"""Pages that list: payments, guests, what is sold, routers, jobs."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gateway.dashboard.asking import Asked, Told
from gateway.dashboard.columns import (
    AUDIT,
    BATCHES,
    FAILED_JOBS,
    MESSAGES,
    PACKAGES,
    PAYMENTS,
    QUEUES,
    RECEIPTS,
    ROUTERS,
    SCHEDULES,
    SESSIONS,
    STATEMENTS,
    SUBSCRIPTIONS,
    USERS,
    VOUCHERS,
)
from gateway.dashboard.ordering import since_of
from gateway.dashboard.orders import NAMED
from gateway.dashboard.parts import Field, Form, Missing, Page, Part, Table
from gateway.dashboard.visit import Visit, packages
from gateway.door import OPERATOR
from hotspot.contract.message import utc_text

ANY = ("", "any")
PHONE = Field(name="phone", label="Phone", kind="tel", needed=False)
SINCE = Field(name="since", label="Since", kind="date", needed=False)


def payments(visit: Visit) -> Page:
    """Payments by phone, state, router and day."""
    told = _listed(visit, "/payments", "phone", "status", "router_id", "since", "needs_attention")
    states = ("pending", "completed", "failed", "cancelled", "expired")
    return Page(
        title="Payments",
        parts=[visit.table("Payments", told, PAYMENTS, empty="No payment is like that.")],
        filters=_filled(
            visit,
            PHONE,
            _choice("status", "State", states),
            SINCE,
            _choice("needs_attention", "For a person", ("true", "false")),
        ),
        links=(("Held money", "/dashboard/receipts"), ("Statements", "/dashboard/statements")),
        live=("PaymentRequested", "PaymentCompleted", "PaymentFailed", "PaymentReversed"),
    )


def receipts(visit: Visit) -> Page:
    """Money that came; at first that which waits for a person."""
    held = visit.args.get("held", "true")
    asked = Asked(
        path="/receipts",
        query=(
            ("held", held),
            ("receipt", visit.args.get("receipt")),
            ("cursor", visit.args.get("cursor")),
        ),
    )
    told = visit.api.ask(asked)
    empty = "No money is held: everything that came has bought something." if held else ""
    order = NAMED["reverse-receipt"]
    parts: list[Part] = [
        visit.table("Receipts", told, RECEIPTS, empty=empty or "None is like that.")
    ]
    if visit.may(order.who):
        for row in told.items:
            if row["confirmed"] and not row["reversed_at"]:
                title = f"Send {row['receipt']} back"
                parts += visit.form("reverse-receipt", title=title, name=row["receipt"])
    return Page(
        title="Receipts",
        parts=parts,
        filters=_filled(
            visit,
            Field(name="receipt", label="Receipt", needed=False),
            Field(
                name="held",
                label="Which",
                kind="choice",
                options=(("true", "held money"), ("", "all")),
                value=held,
                needed=False,
            ),
        ),
        live=("PaymentCompleted", "PaymentReversed"),
    )


def users(visit: Visit) -> Page:
    """Who can log in."""
    told = _listed(visit, "/users", "phone", "since")
    return Page(
        title="Users",
        parts=[visit.table("Users", told, USERS, empty="Nobody has bought anything yet.")],
        filters=_filled(visit, PHONE, SINCE),
        live=("HotspotUserCreated",),
    )


def subscriptions(visit: Visit) -> Page:
    """Who is subscribed, and until when it is paid."""
    told = visit.api.ask_all(
        {
            "list": _asked(visit, "/subscriptions", "phone", "status", "since"),
            "packages": Asked(path="/packages", query=(("limit", "200"),)),
        }
    )
    choices = {"package_id": packages(told["packages"], "subscription")}
    return Page(
        title="Subscriptions",
        parts=[
            *visit.form("subscribe", title="New subscription", choices=choices),
            visit.table(
                "Subscriptions", told["list"], SUBSCRIPTIONS, empty="Nobody is subscribed."
            ),
        ],
        filters=_filled(
            visit, PHONE, _choice("status", "State", ("active", "grace", "suspended")), SINCE
        ),
        live=("SubscriptionChanged",),
    )


def sessions(visit: Visit) -> Page:
    """Who is online, waits to log in, or was."""
    told = _listed(visit, "/sessions", "phone", "status", "router_id")
    return Page(
        title="Sessions",
        parts=[visit.table("Sessions", told, SESSIONS, empty="No session is like that.")],
        filters=_filled(visit, PHONE, _choice("status", "State", ("online", "awaiting", "ended"))),
        live=("SessionStarted", "SessionEnded", "SessionExpired", "RadiusUserAuthorized"),
    )


def routers(visit: Visit) -> Page:
    """The routers, and the form for one more."""
    told = _listed(visit, "/routers", "status")
    states = ("pending", "online", "offline", "provisioning", "failed")
    return Page(
        title="Routers",
        parts=[
            *visit.form("add-router", title="Add a router"),
            visit.table("Routers", told, ROUTERS, empty="No router is registered yet: add one."),
        ],
        filters=_filled(visit, _choice("status", "State", states)),
        live=("RouterConnected", "RouterStatusUpdated"),
    )


def sold(visit: Visit) -> Page:
    """Packages, also those that are not on sale."""
    told = visit.api.get("/packages", all="true", limit="200", cursor=visit.args.get("cursor"))
    return Page(
        title="Packages",
        parts=[
            *visit.form("create-package", title="New package"),
            visit.table("Packages", told, PACKAGES, empty="Nothing is sold yet."),
        ],
        live=("PackageChanged",),
    )


def vouchers(visit: Visit) -> Page:
    """Batches for shops; single vouchers by code, phone and state."""
    told = visit.api.ask_all(
        {
            "batches": Asked(path="/vouchers/batches", query=(("limit", "20"),)),
            "list": _asked(visit, "/vouchers", "code", "phone", "status", "batch_id", "since"),
            "packages": Asked(path="/packages", query=(("limit", "200"),)),
        }
    )
    choices = {"package_id": packages(told["packages"], "hotspot")}
    states = ("unused", "redeemed", "expired", "cancelled", "proof")
    return Page(
        title="Vouchers",
        parts=[
            *visit.form("order-vouchers", title="New batch", choices=choices),
            visit.table(
                "Batches", told["batches"], BATCHES, empty="No batch was made yet.", pages=False
            ),
            visit.table("Vouchers", told["list"], VOUCHERS, empty="No voucher is like that."),
        ],
        filters=_filled(
            visit,
            Field(name="code", label="Code", needed=False),
            PHONE,
            _choice("status", "State", states),
        ),
        live=("VoucherBatchProgressed", "VoucherRedeemed"),
    )


def messages(visit: Visit) -> Page:
    """SMS, and what became of them."""
    told = _listed(visit, "/messages", "phone", "status", "since")
    states = ("sending", "sent", "delivered", "failed", "unclear")
    return Page(
        title="Messages",
        parts=[visit.table("Messages", told, MESSAGES, empty="No message is like that.")],
        filters=_filled(visit, PHONE, _choice("status", "State", states), SINCE),
        live=("SmsSent", "SmsDelivered", "SmsFailed"),
    )


def failed_jobs(visit: Visit) -> Page:
    """What was given up, in all services."""
    told = visit.api.get("/failed-jobs", cursor=visit.args.get("cursor"))
    away = told.json.get("unavailable", []) if told.is_good else []
    parts: list[Part] = [
        Missing(title=f"{name}-service", problem="did not answer: its failed jobs are not here.")
        for name in away
    ]
    table = visit.table("Failed jobs", told, FAILED_JOBS, empty="No job has failed.")
    buttons = visit.buttons("retry-all") if told.items else []
    live = ("JobFailed",)
    return Page(title="Failed jobs", parts=[*parts, table], buttons=buttons, live=live)


def schedules(visit: Visit) -> Page:
    """What runs by the clock."""

    def run(row: Mapping[str, Any]) -> Any:
        return next(iter(visit.buttons("run", name=row["job"])), None)

    told = visit.api.get("/schedules")
    table = visit.table("Schedules", told, SCHEDULES, button=run if visit.may(OPERATOR) else None)
    return Page(title="Schedules", parts=[table])


def queues(visit: Visit) -> Page:
    """What waits in each queue."""
    told = visit.api.get("/queues")
    return Page(title="Queues", parts=[visit.table("Queues", told, QUEUES)])


def statements(visit: Visit) -> Page:
    """Statements of M-Pesa's: tried out, then imported."""
    told = visit.api.get("/statements", cursor=visit.args.get("cursor"))
    parts: list[Part] = []
    if visit.may(OPERATOR):
        parts.append(
            Form(
                title="Import a statement",
                url="/dashboard/statements",
                button="Try it out",
                fields=[
                    Field(
                        name="file",
                        label="CSV from the M-Pesa portal",
                        kind="file",
                    )
                ],
                is_open=not told.items,
                takes_file=True,
            )
        )
    table = visit.table("Statements", told, STATEMENTS, empty="No statement was imported yet.")
    return Page(title="Statements", parts=[*parts, table], status=_status(told))


def audit(visit: Visit) -> Page:
    """Who did what."""
    told = _listed(visit, "/audit", "actor", "object_id", "since")
    return Page(
        title="Audit",
        parts=[visit.table("Audit", told, AUDIT, empty="Nobody has done anything like that.")],
        filters=_filled(
            visit,
            Field(name="actor", label="Operator or key", needed=False),
            Field(name="object_id", label="What it was about", needed=False),
            SINCE,
        ),
        status=_status(told),
    )


def overdue(visit: Visit) -> Page:
    """Sessions that are open though their paid time is over: the promise's cases."""
    rows: list[dict[str, Any]] = []
    cursor, problem = None, None
    for _ in range(25):
        told = visit.api.get("/sessions", status="online", limit="200", cursor=cursor)
        problem = told.problem
        rows += [row for row in told.items if row["until"] < utc_text(visit.now)]
        cursor = told.json.get("next") if told.is_good else None
        if cursor is None:
            break
    table = Table(
        title="Open sessions without time",
        columns=SESSIONS,
        rows=rows,
        empty="Every session that is open has time left.",
        problem=problem,
    )
    live = ("SessionEnded", "PromiseChecked")
    return Page(title="Service without time", parts=[table], live=live)


def _status(told: Told) -> int:
    """A page that is nothing but what this operator may not see is refused."""
    return 403 if told.status == 403 else 200


def _listed(visit: Visit, path: str, *filters: str) -> Any:
    return visit.api.ask(_asked(visit, path, *filters))


def _asked(visit: Visit, path: str, *filters: str) -> Asked:
    given = {name: visit.args.get(name, "").strip() for name in (*filters, "cursor")}
    if "since" in given:
        given["since"] = since_of(given["since"]) or given["since"]
    return Asked(path=path, query=tuple(given.items()))


def _choice(name: str, label: str, values: tuple[str, ...]) -> Field:
    words = {"true": "yes", "false": "no"}
    options = (ANY, *((value, words.get(value, value)) for value in values))
    return Field(name=name, label=label, kind="choice", options=options, needed=False)


def _filled(visit: Visit, *filters: Field) -> list[Field]:
    return [replace(one, value=visit.args.get(one.name, one.value)) for one in filters]
