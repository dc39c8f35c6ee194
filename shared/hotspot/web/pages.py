"""Lists in pages: by cursor, never by offset."""

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from flask import request
from sqlalchemy import Select
from sqlalchemy.sql.elements import SQLCoreOperations

from hotspot.web.database import db
from hotspot.web.problem import invalid

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_LIMIT = 50
LARGEST_LIMIT = 200

# 16 bytes in base64url: the last letter carries four bits, and two that are 0.
_CURSOR = "[A-Za-z0-9_-]{21}[AQgw]"

# As OpenAPI says it, of each view that is `paged`.
LIMIT: Mapping[str, Any] = {
    "name": "limit",
    "in": "query",
    "description": "how many, at most",
    "schema": {
        "type": "integer",
        "minimum": 1,
        "maximum": LARGEST_LIMIT,
        "default": DEFAULT_LIMIT,
    },
}
CURSOR: Mapping[str, Any] = {
    "name": "cursor",
    "in": "query",
    "description": "`next` of the page before",
    "schema": {"type": "string", "pattern": f"^{_CURSOR}$"},
    "example": "AZvBpHwAfT6LHy9qXTxLeg",
}


@dataclass(frozen=True, kw_only=True)
class PageRequest:
    """`limit` rows after `after` (the id of the last row that was seen; newest first)."""

    limit: int
    after: UUID | None


def paged(view: F) -> F:
    """Mark a view that answers a page of a list, for its description."""
    view.is_paged = True  # type: ignore[attr-defined]
    return view


def page_request() -> PageRequest:
    """`?limit=` and `?cursor=` of the request in hand. Raises Problem 422."""
    return PageRequest(limit=_limit(request.args), after=_after(request.args.get("cursor")))


def page(rows: Sequence[T], asked: PageRequest, id_of: Callable[[T], UUID]) -> dict[str, Any]:
    """`{"items", "next"}` of rows fetched with `limit + 1`: one more than is shown."""
    shown = list(rows[: asked.limit])
    more = len(rows) > asked.limit
    return {"items": shown, "next": _cursor(id_of(shown[-1])) if more else None}


def newest_first(
    wanted: Select[*tuple[Any, ...]],
    *,
    by: SQLCoreOperations[Any],
    where: Mapping[str, Callable[[Any], Any]],
    query: Mapping[str, Any],
    seen: Callable[[Any], dict[str, Any]],
) -> dict[str, Any]:
    """One page of a list of rows, newest first, as `seen` shows them (with their `id`).

    `by` is the id's column; `where` makes a condition of each filter that the query gives.
    """
    asked = page_request()
    for name, condition in where.items():
        if name in query:
            wanted = wanted.where(condition(query[name]))
    if asked.after:
        wanted = wanted.where(by < asked.after)
    with db() as connection:
        rows = connection.execute(wanted.order_by(by.desc()).limit(asked.limit + 1)).all()
    return page([seen(row) for row in rows], asked, lambda item: item["id"])


def _limit(arguments: Any) -> int:
    text = arguments.get("limit", str(DEFAULT_LIMIT))
    if not re.fullmatch("[0-9]{1,9}", text) or not 1 <= int(text) <= LARGEST_LIMIT:
        raise invalid({"limit": [f"must be a number from 1 to {LARGEST_LIMIT}"]})
    return int(text)


def _after(cursor: str | None) -> UUID | None:
    if cursor is None:
        return None
    if not re.fullmatch(_CURSOR, cursor):  # the decoder would pass over what is no letter of it
        raise invalid({"cursor": ["is not one that this list gave out"]})
    return UUID(bytes=base64.urlsafe_b64decode(f"{cursor}=="))


def _cursor(last: UUID) -> str:
    return base64.urlsafe_b64encode(last.bytes).rstrip(b"=").decode()
