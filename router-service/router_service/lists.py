"""Routers as a CSV list: read for import, written for export."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from marshmallow import ValidationError

from router_service.schemas import NewRouterSchema

COLUMNS = ("name", "ip_address", "username", "password", "api_port", "api_tls")
EXPORTED = (
    "name",
    "ip_address",
    "username",
    "api_port",
    "api_tls",
    "status",
    "identity",
    "version",
    "model",
)
MOST_ROWS = 1000
_NEW_ROUTER = NewRouterSchema()
_TRUE_OR_FALSE = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
# A spreadsheet takes what begins so for a formula, and runs it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class NotAList(ValueError):
    """The text is no list of routers; the message says what to correct."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of the list: what it asks for, or what is wrong with it."""

    number: int
    asked: dict[str, object]
    errors: dict[str, list[str]]


def read_list(text: str) -> list[Line]:
    """The routers of a CSV text with a header line. Raises NotAList."""
    reader = csv.DictReader(io.StringIO(text.lstrip("\N{BYTE ORDER MARK}")), strict=True)
    try:
        header = [name.strip().lower() for name in reader.fieldnames or ()]
        missing = {"name", "ip_address", "username", "password"} - set(header)
        if missing:
            raise NotAList(
                f"The first line must name the columns {', '.join(COLUMNS)};"
                f" missing: {', '.join(sorted(missing))}."
            )
        reader.fieldnames = header
        lines = [_line(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise NotAList(f"Line {reader.line_num} is not CSV: {error}.") from error
    if len(lines) > MOST_ROWS:
        raise NotAList(f"At most {MOST_ROWS} routers at once; this list has {len(lines)}.")
    return _without_repeats(lines)


def write_list(routers: Iterable[Any]) -> str:
    """The list of what is registered, without any password."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\r\n")
    writer.writerow(EXPORTED)
    for router in routers:
        writer.writerow([_cell(getattr(router, name)) for name in EXPORTED])
    return written.getvalue()


def _line(number: int, row: dict[str, Any]) -> Line:
    if None in row:
        return Line(number=number, asked={}, errors={"line": ["has more values than columns"]})
    given: dict[str, Any] = {
        name: value.strip() if name != "password" else value
        for name, value in row.items()
        if name in COLUMNS and value not in (None, "")
    }
    if re.fullmatch("[0-9]{1,5}", given.get("api_port", "")):
        given["api_port"] = int(given["api_port"])
    if given.get("api_tls", "").lower() in _TRUE_OR_FALSE:
        given["api_tls"] = _TRUE_OR_FALSE[given["api_tls"].lower()]
    try:
        asked = _NEW_ROUTER.load(given)
    except ValidationError as error:
        found = cast(dict[str, list[str]], error.messages_dict)
        return Line(number=number, asked={"name": given.get("name", "")}, errors=found)
    return Line(number=number, asked=cast(dict[str, object], asked), errors={})


def _without_repeats(lines: Sequence[Line]) -> list[Line]:
    seen: dict[object, int] = {}
    checked = []
    for line in lines:
        name = line.asked.get("name")
        errors = line.errors
        if name in seen and not errors:
            errors = {"name": [f"is the name of line {seen[name]} as well"]}
        seen.setdefault(name, line.number)
        checked.append(replace(line, errors=errors))
    return checked


def _cell(value: object) -> str:
    text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
