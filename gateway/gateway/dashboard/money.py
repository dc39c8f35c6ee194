"""Pages about money: a payment with its timeline, money without service, statements."""

from collections.abc import Mapping
from typing import Any

from gateway.dashboard import columns
from gateway.dashboard.asking import Asked
from gateway.dashboard.parts import Column, Facts, Field, Form, Missing, Page, Part, Table
from gateway.dashboard.visit import Visit, gone
from gateway.door import OPERATOR

PAYMENT_LINK, TRACE_LINK = "/dashboard/payments/{payment_id}", "/dashboard/trace/{correlation_id}"

PAYMENT = (
    Column(title="Price", name="price", kind="money"),
    Column(title="Paid", name="paid_amount", kind="money"),
    Column(title="Package", name="package.name"),
    Column(title="Phone", name="phone", kind="phone", link="/dashboard/search?q={phone}"),
    Column(title="Receipt", name="receipt", kind="code"),
    Column(title="Failed because", name="failure.message", kind="note"),
    Column(title="For a person", name="needs_attention", kind="note"),
    Column(title="Began as", name="source", kind="words"),
    Column(title="Prompt", name="prompt_state", kind="state"),
    Column(title="Confirmed by", name="confirmed_by", kind="words"),
    Column(title="Asked", name="requested_at", kind="time"),
    Column(title="Completed", name="completed_at", kind="time"),
    Column(title="Reversed", name="reversed_at", kind="time"),
    Column(title="Access", name="access.state", kind="state"),
    Column(title="Username", name="access.username"),
    Column(title="Until", name="access.until", kind="time"),
    Column(title="Device", name="mac", kind="code"),
    Column(title="Address", name="ip", kind="code"),
)
REVERSAL = (
    Column(title="State", name="state", kind="state"),
    Column(title="Why", name="reason", kind="note"),
    Column(title="Asked", name="requested_at", kind="time"),
    Column(title="Ended", name="finished_at", kind="time"),
    Column(title="What came of it", name="result", kind="note"),
)
TIMELINE = (
    Column(title="When", name="at", kind="instant"),
    Column(title="What", name="message"),
    Column(title="Service", name="service"),
    Column(title="Kind", name="kind"),
    Column(title="Try", name="attempt", kind="number"),
    Column(title="Waited", name="queued_ms", kind="ms"),
    Column(title="Took", name="duration_ms", kind="ms"),
    Column(title="Outcome", name="outcome", kind="state"),
    Column(title="Error", name="error", kind="note"),
)
LINES = (
    Column(title="Receipt", name="receipt", kind="code"),
    Column(title="Paid", name="completed_at", kind="time"),
    Column(title="There", name="there", kind="money"),
    Column(title="Here", name="here", kind="money"),
    Column(title="Details", name="details", kind="note"),
    Column(title="Outcome", name="outcome", kind="note"),
    Column(title="Payment", name="payment_id", kind="id", link=PAYMENT_LINK),
)
HEAPS = ("missing_here", "different_amount", "missing_there", "sent_back", "matched")
CASES = (
    Column(title="Since", name="since", kind="time", link="/dashboard/payments/{id}"),
    Column(title="Age", name="age_seconds", kind="span"),
    Column(title="Stands", name="standing", kind="state"),
    Column(title="Reason", name="reason", kind="note"),
    Column(title="Phone", name="phone", kind="phone"),
    Column(title="Price", name="price", kind="money"),
    Column(title="Receipt", name="receipt", kind="code"),
)


def payment(visit: Visit, id: str) -> Page:  # noqa: A002  # the path's own word
    """A payment, its money, and everything that happened for it."""
    told = visit.api.ask_all(
        {
            "it": Asked(path=f"/payments/{id}"),
            "trace": Asked(path=f"/trace/{id}"),
            "receipts": Asked(path="/receipts", query=(("payment_id", id),)),
        }
    )
    back = ("Payments", "/dashboard/payments")
    if not told["it"].is_good:
        return gone(told["it"], "Payment", back)
    it = told["it"].json
    parts: list[Part] = [Facts(title="Payment", rows=PAYMENT, of=it)]
    if it["reversal"]:
        parts.append(Facts(title="Reversal", rows=REVERSAL, of=it["reversal"]))
    if it["receipt"] and not it["reversed_at"]:
        parts += visit.form("reverse", title="Send the money back", id=id)
    parts.append(
        visit.table("Timeline", told["trace"], TIMELINE, empty="Nothing is known any more.")
    )
    if told["receipts"].items or told["receipts"].problem:
        parts.append(visit.table("Receipts", told["receipts"], columns.RECEIPTS[:-1]))
    live = (
        "PaymentCompleted",
        "PaymentFailed",
        "PaymentReversed",
        "RadiusUserAuthorized",
        "HotspotUserCreated",
        "SessionStarted",
        "SessionEnded",
        "SmsSent",
        "SmsDelivered",
    )
    name = it["receipt"] or "not paid"
    dealt_with = visit.dealt_with(it)
    return Page(
        title=f"Payment {name}",
        parts=parts,
        buttons=[dealt_with] if dealt_with else [],
        back=back,
        state=it["status"],
        live=live,
    )


def trace(visit: Visit, id: str) -> Page:  # noqa: A002
    """The timeline of any correlation."""
    told = visit.api.get(f"/trace/{id}")
    table = visit.table("Timeline", told, TIMELINE)
    return Page(title="Timeline", parts=[table], status=404 if told.status == 404 else 200)


def statement(visit: Visit, id: str) -> Page:  # noqa: A002
    """What an import found."""
    told = visit.api.get(f"/statements/{id}")
    back = ("Statements", "/dashboard/statements")
    if not told.is_good:
        return gone(told, "Statement", back)
    it = told.json
    return Page(
        title="Statement", parts=heaps(it), back=back, state=it["state"], live=("PaymentCompleted",)
    )


def heaps(report: Mapping[str, Any]) -> list[Part]:
    """What a statement says, side by side with what is here."""
    counted = tuple(
        column
        for name in HEAPS
        for column in (
            Column(title=name.replace("_", " ").capitalize(), name=f"{name}.count", kind="number"),
            Column(title="– worth", name=f"{name}.amount", kind="money"),
        )
    )
    parts: list[Part] = [Facts(title="Found", rows=(*columns.STATEMENTS[2:4], *counted), of=report)]
    for name in HEAPS:
        if report[name]["rows"]:
            cut = " (the first of them)" if report[name]["truncated"] else ""
            title = name.replace("_", " ").capitalize() + cut
            parts.append(Table(title=title, columns=LINES, rows=report[name]["rows"]))
    return parts


def cases(visit: Visit) -> Page:
    """Money without service: confirmed payments that nobody is served for."""
    asked = {name: visit.args.get(name) for name in ("standing", "since", "cursor")}
    told = visit.api.ask(Asked(path="/payments/standing", query=tuple(asked.items())))
    parts: list[Part] = [
        visit.table(
            "Payments without service",
            told,
            CASES,
            empty="Everyone who paid is served.",
            button=visit.dealt_with if visit.may(OPERATOR) else None,
        )
    ]
    if told.is_good:
        counts = tuple(
            Column(title=name.replace("_", " ").capitalize(), name=f"counts.{name}", kind="number")
            for name in told.json["counts"]
        )
        held = (
            Column(title="Held receipts", name="held_receipts.count", kind="number"),
            Column(title="– worth", name="held_receipts.amount", kind="money"),
        )
        parts.append(Facts(title="Where all payments stand", rows=(*counts, *held), of=told.json))
    else:
        parts = [Missing(title="Payments", problem=told.problem or "")]
    live = ("PaymentCompleted", "PromiseChecked", "RadiusUserAuthorized")
    return Page(title="Money without service", parts=parts, live=live)


def tried_out(visit: Visit, report: Mapping[str, Any], file: str) -> Page:
    """What an import would do. The form keeps the file, so that nobody chooses it again."""
    form = Form(
        title="Nothing was imported yet",
        url="/dashboard/statements/import",
        button="Import it",
        fields=[Field(name="statement", label="", kind="hidden", value=file)],
        is_open=True,
    )
    back = ("Statements", "/dashboard/statements")
    return Page(title="Tried out", parts=[form, *heaps(report)], back=back)
