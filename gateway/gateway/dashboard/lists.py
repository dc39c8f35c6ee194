"""Pages that list: payments, guests, what is sold, routers, jobs."""

from typing import Any

from gateway.dashboard.asking import Asked, Told
from gateway.dashboard.columns import (
    BATCHES,
    MESSAGES,
    PACKAGES,
    PAYMENTS,
    RECEIPTS,
    ROUTERS,
    SESSIONS,
    STATEMENTS,
    SUBSCRIPTIONS,
    USERS,
    VOUCHERS,
)
from gateway.dashboard.files import list_form, statement_form
from gateway.dashboard.filters import PHONE, SINCE, asked_for, choice, filled, listed
from gateway.dashboard.orders import NAMED
from gateway.dashboard.parts import Field, Page, Part, Table
from gateway.dashboard.visit import Visit, packages
from gateway.door import OPERATOR
from hotspot.contract.message import utc_text


def payments(visit: Visit) -> Page:
    """Payments by phone, state, router and day."""
    told = listed(visit, "/payments", "phone", "status", "router_id", "since", "needs_attention")
    states = ("pending", "completed", "failed", "cancelled", "expired")
    # Only where these are looked through: on every other list the column would stay empty.
    is_asked = visit.args.get("needs_attention") == "true" and visit.may(OPERATOR)
    dealt_with = visit.dealt_with if is_asked else None
    table = visit.table(
        "Payments", told, PAYMENTS, empty="No payment is like that.", button=dealt_with
    )
    return Page(
        title="Payments",
        parts=[table],
        filters=filled(
            visit,
            PHONE,
            choice("status", "State", states),
            SINCE,
            choice("needs_attention", "For a person", ("true", "false")),
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
        filters=filled(
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
    told = listed(visit, "/users", "phone", "since")
    return Page(
        title="Users",
        parts=[visit.table("Users", told, USERS, empty="Nobody has bought anything yet.")],
        filters=filled(visit, PHONE, SINCE),
        live=("HotspotUserCreated",),
    )


def subscriptions(visit: Visit) -> Page:
    """Who is subscribed, and until when it is paid."""
    told = visit.api.ask_all(
        {
            "list": asked_for(visit, "/subscriptions", "phone", "status", "since"),
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
        filters=filled(
            visit, PHONE, choice("status", "State", ("active", "grace", "suspended")), SINCE
        ),
        live=("SubscriptionChanged",),
    )


def sessions(visit: Visit) -> Page:
    """Who is online, waits to log in, or was."""
    told = visit.with_routers(
        {"sessions": asked_for(visit, "/sessions", "phone", "status", "router_id")}
    )["sessions"]
    return Page(
        title="Sessions",
        parts=[visit.table("Sessions", told, SESSIONS, empty="No session is like that.")],
        filters=filled(visit, PHONE, choice("status", "State", ("online", "awaiting", "ended"))),
        live=("SessionStarted", "SessionEnded", "SessionExpired", "RadiusUserAuthorized"),
    )


def routers(visit: Visit) -> Page:
    """The routers, and the form for one more."""
    told = listed(visit, "/routers", "status")
    states = ("pending", "online", "offline", "provisioning", "failed")
    return Page(
        title="Routers",
        parts=[
            *visit.form("add-router", title="Add a router"),
            *(list_form() if visit.may(OPERATOR) else []),
            visit.table("Routers", told, ROUTERS, empty="No router is registered yet: add one."),
        ],
        links=(("Save as CSV", "/dashboard/routers/export.csv"),) if visit.may(OPERATOR) else (),
        filters=filled(visit, choice("status", "State", states)),
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
            "list": asked_for(visit, "/vouchers", "code", "phone", "status", "batch_id", "since"),
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
        filters=filled(
            visit,
            Field(name="code", label="Code", needed=False),
            PHONE,
            choice("status", "State", states),
        ),
        live=("VoucherBatchProgressed", "VoucherRedeemed"),
    )


def messages(visit: Visit) -> Page:
    """SMS, and what became of them."""
    told = listed(visit, "/messages", "phone", "status", "since")
    states = ("sending", "sent", "delivered", "failed", "unclear")
    return Page(
        title="Messages",
        parts=[visit.table("Messages", told, MESSAGES, empty="No message is like that.")],
        filters=filled(visit, PHONE, choice("status", "State", states), SINCE),
        live=("SmsSent", "SmsDelivered", "SmsFailed"),
    )


def statements(visit: Visit) -> Page:
    """Statements of M-Pesa's: tried out, then imported."""
    told = visit.api.get("/statements", cursor=visit.args.get("cursor"))
    parts: list[Part] = []
    if visit.may(OPERATOR):
        parts.append(statement_form(is_open=not told.items))
    table = visit.table("Statements", told, STATEMENTS, empty="No statement was imported yet.")
    return Page(title="Statements", parts=[*parts, table], status=_status(told))


def overdue(visit: Visit) -> Page:
    """Sessions that are open though their paid time is over: the promise's cases."""
    rows: list[dict[str, Any]] = []
    cursor: str | None = None
    problem: str | None = None
    for _ in range(25):
        query = (("status", "online"), ("limit", "200"), ("cursor", cursor))
        told = visit.with_routers({"sessions": Asked(path="/sessions", query=query)})["sessions"]
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
