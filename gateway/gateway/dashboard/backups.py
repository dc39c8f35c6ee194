"""Versions of a router's configuration: listed, read, compared."""

from gateway.dashboard import columns
from gateway.dashboard.asking import Asked, Told
from gateway.dashboard.parts import Missing, Page, Part, Table, Text
from gateway.dashboard.visit import Visit, gone

NO_BACKUP = "None is kept yet: it is backed up each night, and when you say so."


def listed(told: Told, router_id: str) -> Part:
    """The versions that are kept, on the page of their router."""
    rows = [{**row, "router_id": router_id} for row in told.items]
    return Table(
        title="Backups",
        columns=columns.BACKUPS,
        rows=rows,
        empty=NO_BACKUP,
        problem=told.problem,
    )


def version(visit: Visit, router_id: str, number: int) -> Page:
    """One version, and what had changed since the one before."""
    path = f"/routers/{router_id}/backups/{number}"
    told = visit.api.ask_all(
        {
            "router": Asked(path=f"/routers/{router_id}"),
            "text": Asked(path=path),
            "difference": Asked(path=f"{path}/difference"),
        }
    )
    here = f"/dashboard/routers/{router_id}"
    name = told["router"].json["name"] if told["router"].is_good else "Router"
    if not told["text"].is_good:
        return gone(told["text"], "Backup", (name, here))
    parts: list[Part] = []
    if told["difference"].is_good:
        changed = Text(title=f"Changed since version {number - 1}", text=_text(told["difference"]))
        parts.append(changed)
    elif told["difference"].status != 404:  # the oldest that is kept has none before it
        parts.append(Missing(title="Changed", problem=told["difference"].problem or ""))
    note = "As the router writes it, without secrets."
    parts.append(Text(title="Configuration", text=_text(told["text"]), note=note))
    return Page(
        title=f"{name}: backup {number}",
        parts=parts,
        links=(("Download", f"{here}/backups/{number}.rsc"),),
        back=(name, here),
    )


def _text(told: Told) -> str:
    return told.body.decode("utf-8", "replace")
