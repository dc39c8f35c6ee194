"""The first page: money, guests, routers, the two promises, what happens; and the search."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from gateway.dashboard import charts, columns, money, words
from gateway.dashboard.asking import Asked, Told
from gateway.dashboard.parts import Chart, Column, Missing, Page, Part, Table
from gateway.dashboard.visit import Visit
from hotspot.phone import InvalidPhone, normalize

ALARMS = (
    Column(title="Since", name="raised_at", kind="time"),
    Column(title="What", name="said", kind="note"),
    Column(title="Alarm", name="alarm", kind="words"),
    Column(title="Service", name="service"),
)
BY_ROUTER = (
    Column(title="Router", name="router"),
    Column(title="Compared", name="share", kind="share"),
    Column(title="Money", name="revenue", kind="money"),
    Column(title="Payments", name="payments_completed", kind="number"),
    Column(title="Sessions", name="sessions_started", kind="number"),
)
UP, DOWN = ("online", "provisioning"), ("offline", "failed")


@dataclass(frozen=True, kw_only=True)
class Promise:
    """A promise: how often it is broken (None: never counted), and where the cases are."""

    name: str
    broken: int | None
    as_of: str | None
    cases: str


@dataclass(frozen=True, kw_only=True)
class Tile:
    """A number in front. `mood`: good, bad, or plain."""

    title: str
    value: str
    below: str
    link: str
    mood: str = "plain"


@dataclass(frozen=True, kw_only=True)
class Front:
    """What the first page shows."""

    page: Page
    promises: list[Promise]
    tiles: list[Tile]
    as_of: str | None


def front(visit: Visit) -> Front:
    """The first page; what cannot be had is named in its place."""
    told = visit.api.ask_all(
        {
            "stats": Asked(path="/dashboard/stats"),
            "routers": Asked(path="/routers", query=(("limit", "200"),)),
            "payments": Asked(path="/payments", query=(("limit", "8"),)),
        }
    )
    stats = told["stats"].json if told["stats"].is_good else None
    parts: list[Part] = []
    if stats is None:
        parts.append(Missing(title="Figures", problem=told["stats"].problem or ""))
    elif stats["alarms"]:
        parts.append(Table(title="Alarms", columns=ALARMS, rows=stats["alarms"]))
    if not told["routers"].is_good:
        parts.append(Missing(title="Routers", problem=told["routers"].problem or ""))
    parts.append(
        visit.table("Newest payments", told["payments"], columns.PAYMENTS[:6], pages=False)
    )
    if stats is not None:
        parts += _charts(stats, told["routers"])
    return Front(
        page=Page(
            title="Overview",
            parts=parts,
            buttons=visit.buttons("refresh"),
            live=(
                "PaymentRequested",
                "PaymentCompleted",
                "PaymentFailed",
                "DashboardStatsUpdated",
                "SessionStarted",
                "SessionEnded",
                "RouterStatusUpdated",
                "RouterConnected",
                "AlarmRaised",
                "AlarmCleared",
                "PromiseChecked",
            ),
        ),
        promises=_promises(stats) if stats else [],
        tiles=_tiles(stats, told["routers"]),
        as_of=stats["as_of"] if stats else None,
    )


def _promises(stats: Mapping[str, Any]) -> list[Promise]:
    where = {
        "money_without_service": ("Money without service", "/dashboard/cases"),
        "service_without_time": ("Service without time", "/dashboard/overdue"),
    }
    return [
        Promise(
            name=title,
            broken=stats[name],
            as_of=(stats["promises"][name] or {}).get("as_of"),
            cases=cases,
        )
        for name, (title, cases) in where.items()
    ]


def _tiles(stats: Mapping[str, Any] | None, routers: Told) -> list[Tile]:
    tiles = []
    if stats is not None:
        failed = stats["payments_failed"]
        back = (
            f", {words.money(stats['sent_back'])} sent back" if stats["payments_reversed"] else ""
        )
        tiles = [
            Tile(
                title="Money today",
                value=words.money(stats["revenue"]),
                below=f"{words.many(stats['payments_completed'], 'payment')}{back}",
                link="/dashboard/payments?status=completed",
            ),
            Tile(
                title="Payments today",
                value=str(stats["payments_completed"]),
                below=f"{stats['payments_requested']} asked for, {failed} without money",
                link="/dashboard/payments",
            ),
            Tile(
                title="Guests online",
                value=f"{stats['guests_online']:,}",
                below=f"{words.many(stats['sessions_started'], 'session')} began today",
                link="/dashboard/sessions?status=online",
            ),
        ]
    if routers.is_good:
        states = [row["status"] for row in routers.items]
        down = sum(state in DOWN for state in states)
        more = "+" if routers.json["next"] else ""
        tiles.append(
            Tile(
                title="Routers up",
                value=f"{sum(state in UP for state in states)} of {len(states)}{more}",
                below=f"{down} down" if down else "none is down",
                link="/dashboard/routers",
                mood="bad" if down else "plain",
            )
        )
    return tiles


def _charts(stats: Mapping[str, Any], routers: Told) -> list[Part]:
    days = stats["days"]
    labels = [words.day(day["day"]) for day in days]
    taken = [day["revenue"]["amount"] / 100 for day in days]
    sessions = [day["sessions_started"] for day in days]
    return [
        Chart(
            title="Money by day",
            drawn=charts.bars(
                taken,
                labels,
                [f"{words.day(day['day'])}: {words.money(day['revenue'])}" for day in days],
            ),
            unit="KES",
        ),
        Chart(
            title="Sessions by day",
            drawn=charts.bars(
                sessions,
                labels,
                [f"{words.day(day['day'])}: {day['sessions_started']}" for day in days],
            ),
            unit="sessions",
        ),
        Table(
            title="Today by router",
            columns=BY_ROUTER,
            rows=_by_router(stats["routers"], routers.items),
            empty="Nothing was sold today.",
        ),
    ]


def _by_router(
    counted: list[dict[str, Any]], routers: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """What guests' pages and RADIUS call a router is put under the name that people gave it."""
    names: dict[str, str] = {}
    for one in routers:
        for known in ("id", "ip_address", "tunnel_address", "identity", "name"):
            if one.get(known):
                names.setdefault(str(one[known]), one["name"])
    merged: dict[str, dict[str, Any]] = {}
    for row in counted:
        name = names.get(row["router"], row["router"])
        into = merged.setdefault(
            name,
            {
                "router": name,
                "revenue": {"amount": 0, "currency": "KES"},
                "payments_completed": 0,
                "sessions_started": 0,
            },
        )
        into["revenue"]["amount"] += row["revenue"]["amount"]
        into["payments_completed"] += row["payments_completed"]
        into["sessions_started"] += row["sessions_started"]
    most = max((row["revenue"]["amount"] for row in merged.values()), default=0) or 1
    for row in merged.values():
        row["share"] = round(100 * row["revenue"]["amount"] / most)
    return sorted(merged.values(), key=lambda row: -row["revenue"]["amount"])


def search(visit: Visit) -> Page:
    """What a phone, a receipt, a voucher's code or an id stands for."""
    wanted = visit.args.get("q", "").strip()
    asked = _questions(wanted)
    told = visit.with_routers(asked) if asked else {}
    shown = {
        "payments": columns.PAYMENTS,
        "users": columns.USERS,
        "sessions": columns.SESSIONS,
        "subscriptions": columns.SUBSCRIPTIONS,
        "messages": columns.MESSAGES,
        "receipts": columns.RECEIPTS,
        "vouchers": columns.VOUCHERS,
        "timeline": money.TIMELINE,
    }
    parts: list[Part] = [
        visit.table(name.capitalize(), one, shown[name], pages=False)
        for name, one in told.items()
        if one.items or (one.problem and one.status not in (404, 422))
    ]
    if not parts:
        words_for = f"Nothing is known of “{wanted}”." if wanted else "Type something to look for."
        hint = "A phone number, an M-Pesa receipt, a voucher's code or an id can be looked for."
        parts = [Missing(title=words_for, problem=hint)]
    return Page(title=f"Search: {wanted}" if wanted else "Search", parts=parts)


def _questions(wanted: str) -> dict[str, Asked]:
    try:
        number = normalize(wanted)
    except InvalidPhone:
        pass
    else:
        return {
            name: Asked(path=f"/{name}", query=(("phone", number), ("limit", "20")))
            for name in ("users", "payments", "sessions", "subscriptions", "messages")
        }
    try:
        return {"timeline": Asked(path=f"/trace/{UUID(wanted)}")}
    except ValueError:
        pass
    if re.fullmatch(r"[A-Za-z0-9 -]{4,40}", wanted):
        return {
            "receipts": Asked(path="/receipts", query=(("receipt", wanted),)),
            "vouchers": Asked(path="/vouchers", query=(("code", wanted),)),
        }
    return {}
