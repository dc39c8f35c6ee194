"""The page of one router: its script, its provisioning, its drift, how it has been."""

from typing import Any

from gateway.dashboard import backups, charts, columns, words
from gateway.dashboard.asking import Asked, Told
from gateway.dashboard.parts import Chart, Column, Facts, Missing, Page, Part, Table, Text
from gateway.dashboard.visit import Visit, gone
from gateway.door import OPERATOR

FACTS = (
    *columns.ROUTERS[2:],
    Column(title="Identity", name="identity"),
    Column(title="Username", name="username"),
    Column(title="API port", name="api_port", kind="number"),
    Column(title="API over TLS", name="api_tls", kind="yes"),
    Column(title="Tunnel", name="tunnel_address", kind="code"),
    Column(title="Hotspot network", name="site.network", kind="code"),
    Column(title="Login page", name="site.dns_name", kind="code"),
    Column(title="Phoned home", name="connected_at", kind="time"),
    Column(title="Registered", name="created_at", kind="time"),
)
STEPS = (
    Column(title="Step", name="name"),
    Column(title="State", name="state", kind="state"),
    Column(title="Changes", name="changes", kind="count"),
    Column(title="Reason", name="reason", kind="note"),
    Column(title="Ended", name="finished_at", kind="time"),
)
CHANGES = (
    Column(title="Menu", name="menu", kind="code"),
    Column(title="What", name="what"),
    Column(title="Change", name="change"),
    Column(title="Is", name="from", kind="json"),
    Column(title="Shall be", name="to", kind="json"),
)
MOST_POINTS = 240


def router(visit: Visit, id: str) -> Page:  # noqa: A002  # the path's own word
    """One router."""
    asked = {
        "it": Asked(path=f"/routers/{id}"),
        "run": Asked(path=f"/routers/{id}/provisioning"),
        "drift": Asked(path=f"/routers/{id}/drift"),
        "history": Asked(path=f"/routers/{id}/history"),
    }
    if visit.may(OPERATOR):
        asked["script"] = Asked(path=f"/routers/{id}/connectivity-script")
        asked["backups"] = Asked(path=f"/routers/{id}/backups", query=(("limit", "10"),))
    told = visit.api.ask_all(asked)
    back = ("Routers", "/dashboard/routers")
    if not told["it"].is_good:
        return gone(told["it"], "Router", back)
    it = told["it"].json
    script = _script(told["script"]) if "script" in told else []
    is_new = it["connected_at"] is None
    parts: list[Part] = [
        *(script if is_new else []),
        *_run(told["run"]),
        *_history(told["history"]),
        Facts(title="Router", rows=FACTS, of=it),
        _drift(told["drift"]),
        *([backups.listed(told["backups"], id)] if "backups" in told else []),
        *visit.form("change-router", title="Change it", known=it, id=id),
        *([] if is_new else script),
    ]
    return Page(
        title=it["name"],
        parts=parts,
        # Nothing can be asked of a router before its script was pasted.
        buttons=visit.buttons(
            *(() if is_new else ("provision", "drift", "back-up")), "remove-router", id=id
        ),
        back=back,
        state=it["status"],
        live=("RouterConnected", "RouterStatusUpdated", "RouterProvisioningProgressed"),
    )


def _script(told: Told) -> list[Part]:
    if not told.is_good:
        return [Missing(title="Script", problem=told.problem or "")]
    return [
        Text(
            title="Script",
            text=told.json["connectivity_script"],
            note="Paste it into the router's terminal. It has secrets in it.",
        )
    ]


def _run(told: Told) -> list[Part]:
    if told.status == 404:
        return []
    if not told.is_good:
        return [Missing(title="Provisioning", problem=told.problem or "")]
    run = told.json
    done = sum(step["state"] in ("done", "succeeded", "skipped") for step in run["steps"])
    title = f"Provisioning: {words.spaced(run['state'])}, {done} of {len(run['steps'])} steps"
    return [Table(title=title, columns=STEPS, rows=run["steps"])]


def _drift(told: Told) -> Part:
    if not told.is_good:
        return Missing(title="Drift", problem=told.problem or "")
    drift = told.json
    if drift["reason"]:
        return Missing(title="Drift", problem=drift["reason"])
    looked = f", looked at {words.full(drift['checked_at'])}" if drift["checked_at"] else ""
    empty = "The router is as it shall be." if drift["checked_at"] else "It was not looked at yet."
    return Table(title=f"Drift{looked}", columns=CHANGES, rows=drift["changes"], empty=empty)


def _history(told: Told) -> list[Part]:
    if not told.is_good:
        return [Missing(title="The last day", problem=told.problem or "")]
    samples = told.items
    if len(samples) < 2:
        return []
    every = -(-len(samples) // MOST_POINTS)
    drawn = samples[::every]
    labels = [f"{words.moment(one['at']):%H:%M}" for one in drawn]
    return [
        Chart(
            title="Guests in the last day (red: not reached)",
            drawn=charts.line([_guests(one) for one in drawn], labels),
            unit="guests",
            of_bars=False,
        )
    ]


def _guests(sample: dict[str, Any]) -> float | None:
    return float(sample["active_guests"] or 0) if sample["reached"] else None
