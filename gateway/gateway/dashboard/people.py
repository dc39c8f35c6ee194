"""Pages about operators: accounts, API keys, and one's own account."""

from collections.abc import Mapping
from typing import Any

from gateway.dashboard import columns
from gateway.dashboard.asking import Asked
from gateway.dashboard.parts import Button, Column, Facts, Page
from gateway.dashboard.visit import Visit, gone
from gateway.door import OWNER

ME = (
    Column(title="E-mail address", name="name"),
    Column(title="Role", name="role", kind="state"),
)


def operators(visit: Visit) -> Page:
    """Who has an account, and the form for one more."""
    told = visit.api.get("/operators", cursor=visit.args.get("cursor"))
    return Page(
        title="Accounts",
        parts=[
            *visit.form("add-operator", title="Add an account"),
            visit.table("Accounts", told, columns.OPERATORS),
        ],
        status=403 if told.status == 403 else 200,
    )


def operator(visit: Visit, id: str) -> Page:  # noqa: A002  # the path's own word
    """One account, and what it did last."""
    told = visit.api.ask_all(
        {
            "it": Asked(path=f"/operators/{id}"),
            "did": Asked(path="/audit", query=(("actor", id), ("limit", "20"))),
        }
    )
    back = ("Accounts", "/dashboard/operators")
    if not told["it"].is_good:
        return gone(told["it"], "Account", back)
    it = told["it"].json
    return Page(
        title=it["email"],
        parts=[
            Facts(title="Account", rows=columns.OPERATORS[1:], of=it),
            *visit.form("change-operator", title="Change it", known=it, id=id),
            visit.table(
                "What it did last",
                told["did"],
                (columns.AUDIT[0], *columns.AUDIT[3:]),
                empty="Nothing was changed by this account yet.",
                pages=False,
            ),
        ],
        buttons=visit.buttons("remove-operator", id=id),
        back=back,
    )


def keys(visit: Visit) -> Page:
    """Keys for programs, and the form for one more."""

    def revoke(row: Mapping[str, Any]) -> Button | None:
        buttons = visit.buttons("revoke-key", id=row["id"])
        return buttons[0] if buttons and row["revoked_at"] is None else None

    told = visit.api.get("/api-keys", cursor=visit.args.get("cursor"))
    empty = "No program has a key yet. A key is sent as X-API-Key with each request."
    return Page(
        title="API keys",
        parts=[
            *visit.form("make-key", title="New key"),
            visit.table(
                "API keys",
                told,
                columns.KEYS,
                empty=empty,
                button=revoke if visit.may(OWNER) else None,
            ),
        ],
        links=(("API documentation", "/api/docs"),),
        status=403 if told.status == 403 else 200,
    )


def own(visit: Visit) -> Page:
    """One's own account: the password, and an end to all logins."""
    told = visit.api.get("/operators/me")
    if not told.is_good:
        return gone(told, "Your account", ("Overview", "/dashboard"))
    return Page(
        title="Your account",
        parts=[
            Facts(title="Your account", rows=ME, of=told.json),
            *visit.form("change-password", title="Change my password"),
        ],
        buttons=visit.buttons("log-out-everywhere"),
    )
