"""Pages of one thing: a guest, a session, what is sold, a message, a job."""

from gateway.dashboard import columns
from gateway.dashboard.asking import Asked
from gateway.dashboard.parts import Column, Facts, Page, Part, Table, Text
from gateway.dashboard.visit import Visit, gone
from gateway.door import OPERATOR

PAYMENT_LINK, TRACE_LINK = "/dashboard/payments/{payment_id}", "/dashboard/trace/{correlation_id}"

GRANTS = (
    Column(title="Package", name="package_name"),
    Column(title="State", name="state", kind="state"),
    Column(title="Kind", name="kind"),
    Column(title="From", name="starts_at", kind="time"),
    Column(title="Until", name="ends_at", kind="time"),
    Column(title="Receipt", name="receipt", kind="code"),
    Column(title="Payment", name="payment_id", kind="id", link=PAYMENT_LINK),
)
SESSION = (
    *columns.SESSIONS[2:],
    Column(title="Username", name="username"),
    Column(title="Phone", name="phone", kind="phone", link="/dashboard/search?q={phone}"),
    Column(title="Address", name="ip", kind="code"),
    Column(title="Heard of", name="seen_at", kind="time"),
    Column(title="Ended", name="ended_at", kind="time"),
    Column(title="Cause", name="cause"),
    Column(title="Payment", name="payment_id", kind="id", link=PAYMENT_LINK),
)
KICKS = (
    Column(title="When", name="at", kind="instant"),
    Column(title="Try", name="attempt", kind="number"),
    Column(title="Step", name="step"),
    Column(title="Outcome", name="outcome", kind="state"),
    Column(title="Detail", name="detail", kind="note"),
)
JOB = (
    *columns.FAILED_JOBS[1:],
    Column(title="Queue", name="queue", kind="code"),
    Column(title="Exception", name="exception", kind="note"),
    Column(title="Timeline", name="correlation_id", kind="id", link=TRACE_LINK),
)


def user(visit: Visit, id: str) -> Page:  # noqa: A002
    """A guest: what they bought, and how they are online."""
    it = visit.api.get(f"/users/{id}")
    back = ("Users", "/dashboard/users")
    if not it.is_good:
        return gone(it, "User", back)
    phone = it.json["phone"]
    parts: list[Part] = [
        Facts(title="User", rows=columns.USERS, of=it.json),
        Table(title="Access", columns=GRANTS, rows=it.json["grants"], empty="None was given."),
    ]
    if phone:
        told = visit.with_routers(
            {
                name: Asked(path=f"/{name}", query=(("phone", phone), ("limit", "10")))
                for name in ("sessions", "payments", "messages", "subscriptions")
            }
        )
        parts += [
            visit.table(
                "Sessions",
                told["sessions"],
                columns.SESSIONS,
                empty="Was never online.",
                pages=False,
            ),
            visit.table(
                "Payments",
                told["payments"],
                columns.PAYMENTS,
                empty="Paid nothing by this phone.",
                pages=False,
            ),
            visit.table(
                "Subscriptions",
                told["subscriptions"],
                columns.SUBSCRIPTIONS,
                empty="Is not subscribed.",
                pages=False,
            ),
            visit.table(
                "Messages",
                told["messages"],
                columns.MESSAGES,
                empty="Was sent nothing.",
                pages=False,
            ),
        ]
    live = ("SessionStarted", "SessionEnded", "PaymentCompleted", "HotspotUserCreated")
    return Page(title=it.json["username"], parts=parts, back=back, live=live)


def subscription(visit: Visit, id: str) -> Page:  # noqa: A002
    """Recurring access: paid until when, suspended or not."""
    told = visit.api.get(f"/subscriptions/{id}")
    back = ("Subscriptions", "/dashboard/subscriptions")
    if not told.is_good:
        return gone(told, "Subscription", back)
    it = told.json
    rows = (
        *columns.SUBSCRIPTIONS[1:],
        Column(title="Phone", name="phone", kind="phone", link="/dashboard/users/{user_id}"),
        Column(title="Since", name="created_at", kind="time"),
        Column(title="Changed", name="changed_at", kind="time"),
    )
    order = "unsuspend" if it["status"] == "suspended" else "suspend"
    return Page(
        title="Subscription",
        parts=[Facts(title="Subscription", rows=rows, of=it)],
        buttons=visit.buttons(order, id=id),
        back=back,
        state=it["status"],
        live=("SubscriptionChanged", "AccountSuspended", "AccountUnsuspended"),
    )


def session(visit: Visit, id: str) -> Page:  # noqa: A002
    """A stay online, and what was done to end it."""
    told = visit.with_routers({"it": Asked(path=f"/sessions/{id}")})["it"]
    back = ("Sessions", "/dashboard/sessions")
    if not told.is_good:
        return gone(told, "Session", back)
    it = told.json
    parts: list[Part] = [Facts(title="Session", rows=SESSION, of=it)]
    for kick in it["kicks"]:
        over = f": {kick['outcome']}" if kick["outcome"] else ", under way"
        parts.append(
            Table(title=f"Sent off ({kick['reason']}{over})", columns=KICKS, rows=kick["steps"])
        )
    return Page(
        title=f"Session of {it['username']}",
        parts=parts,
        buttons=visit.buttons("disconnect", id=id) if it["status"] == "online" else [],
        back=back,
        state=it["status"],
        live=("SessionStarted", "SessionEnded", "SessionExpired"),
    )


def package(visit: Visit, id: str) -> Page:  # noqa: A002
    """What is sold, and the form to change it."""
    told = visit.api.get(f"/packages/{id}")
    back = ("Packages", "/dashboard/packages")
    if not told.is_good:
        return gone(told, "Package", back)
    return Page(
        title=told.json["name"],
        parts=[
            Facts(title="Package", rows=columns.PACKAGES[1:], of=told.json),
            *visit.form("change-package", title="Change it", known=told.json, id=id),
        ],
        back=back,
        live=("PackageChanged",),
    )


def batch(visit: Visit, id: str) -> Page:  # noqa: A002
    """Vouchers for a shop: how far they are, and what became of them."""
    told = visit.api.ask_all(
        {
            "it": Asked(path=f"/vouchers/batches/{id}"),
            "vouchers": Asked(
                path="/vouchers",
                query=(("batch_id", id), ("cursor", visit.args.get("cursor"))),
            ),
        }
    )
    back = ("Vouchers", "/dashboard/vouchers")
    if not told["it"].is_good:
        return gone(told["it"], "Batch", back)
    it = told["it"].json
    counted = tuple(
        Column(title=name.capitalize(), name=f"vouchers.{name}", kind="number")
        for name in it["vouchers"]
    )
    is_whole = it["status"] == "ready" and visit.may(OPERATOR)
    here = f"/dashboard/vouchers/batches/{id}"
    return Page(
        title=f"Batch {it['number']}: {it['package_name']}",
        parts=[
            Facts(title="Batch", rows=(*columns.BATCHES[3:], *counted), of=it),
            visit.table("Vouchers", told["vouchers"], columns.VOUCHERS),
        ],
        buttons=visit.buttons("cancel-batch", id=id) if it["status"] != "cancelled" else [],
        links=(("Print (PDF)", f"{here}.pdf"), ("CSV", f"{here}.csv")) if is_whole else (),
        back=back,
        state=it["status"],
        live=("VoucherBatchProgressed", "VoucherRedeemed"),
    )


def message(visit: Visit, id: str) -> Page:  # noqa: A002
    """An SMS, and the reports about it."""
    told = visit.api.get(f"/messages/{id}")
    back = ("Messages", "/dashboard/messages")
    if not told.is_good:
        return gone(told, "Message", back)
    it = told.json
    rows = (
        Column(title="To", name="phone", kind="phone", link="/dashboard/search?q={phone}"),
        Column(title="Kind", name="kind"),
        Column(title="Provider", name="provider"),
        Column(title="Cost", name="cost", kind="money"),
        Column(title="Reason", name="reason", kind="note"),
        Column(title="Made", name="created_at", kind="time"),
        Column(title="Sent", name="sent_at", kind="time"),
        Column(title="Delivered", name="delivered_at", kind="time"),
        Column(title="Failed", name="failed_at", kind="time"),
        Column(title="Payment", name="payment_id", kind="id", link=PAYMENT_LINK),
    )
    reports = (
        Column(title="When", name="received_at", kind="time"),
        Column(title="Status", name="status", kind="state"),
        Column(title="Reason", name="failure_reason", kind="note"),
    )
    return Page(
        title="Message",
        parts=[
            Text(title="Text", text=it["text"], note="The password is not shown."),
            Facts(title="Message", rows=rows, of=it),
            Table(title="Reports", columns=reports, rows=it["reports"], empty="None came."),
        ],
        buttons=visit.buttons("resend", id=id) if it["status"] != "sending" else [],
        back=back,
        state=it["status"],
        live=("SmsSent", "SmsDelivered", "SmsFailed"),
    )


def failed_job(visit: Visit, id: str) -> Page:  # noqa: A002
    """What was given up, and why."""
    told = visit.api.get(f"/failed-jobs/{id}")
    back = ("Failed jobs", "/dashboard/failed-jobs")
    if not told.is_good:
        return gone(told, "Failed job", back)
    it = told.json
    return Page(
        title=it["message"],
        parts=[
            Facts(title="Failed job", rows=JOB, of=it),
            Text(title="Payload", text=it["payload"], note="Secrets in it are sealed."),
            Text(title="Traceback", text=it["traceback"]),
        ],
        buttons=visit.buttons("retry", "forget", id=id),
        back=back,
    )
