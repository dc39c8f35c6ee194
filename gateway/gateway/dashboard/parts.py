"""What a page is made of: facts, tables, charts, texts and forms, drawn by one template."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.dashboard.charts import Bars, Line


@dataclass(frozen=True, kw_only=True)
class Column:
    """A value of a row: `name` is its place (`package.name`), `kind` how it is written.

    `link`: where it leads, with fields of the row in it.
    """

    title: str
    name: str
    kind: str = "text"
    link: str | None = None

    def value(self, row: Mapping[str, Any]) -> Any:
        """What stands there; None where nothing does."""
        found: Any = row
        for step in self.name.split("."):
            found = found.get(step) if isinstance(found, Mapping) else None
        return found

    def leads_to(self, row: Mapping[str, Any]) -> str | None:
        """Where the value leads; None where it leads nowhere."""
        if self.link is None or self.value(row) in (None, ""):
            return None
        return self.link.format_map(row)


@dataclass(frozen=True, kw_only=True)
class Field:
    """Something to fill in. `kind`: how it is typed, and what the API is sent."""

    name: str
    label: str
    kind: str = "text"
    hint: str = ""
    needed: bool = True
    options: Sequence[tuple[str, str]] = ()
    value: str = ""


@dataclass(frozen=True, kw_only=True)
class Button:
    """An order that may be given here. `sure`: asked before it; `values`: sent with it."""

    label: str
    url: str
    sure: str | None = None
    is_grave: bool = False
    is_quiet: bool = False
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Names and values of one thing."""

    title: str
    rows: Sequence[Column]
    of: Mapping[str, Any]
    part = "facts"


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows. `problem`: why they cannot be shown; `more`: the link to the next page."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Mapping[str, Any]]
    empty: str = "There is nothing here yet."
    problem: str | None = None
    more: str | None = None
    button: Any = None
    part = "table"

    @property
    def shown(self) -> list[Column]:
        """The columns; a note that no row has would take room from the others."""
        return [
            one
            for one in self.columns
            if one.kind != "note" or any(one.value(row) for row in self.rows)
        ]


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Bars or a line, and the unit that their top is in."""

    title: str
    drawn: Bars | Line
    unit: str = ""
    of_bars: bool = True
    part = "chart"


@dataclass(frozen=True, kw_only=True)
class Text:
    """A text to read or copy."""

    title: str
    text: str
    note: str = ""
    part = "text"


@dataclass(frozen=True, kw_only=True)
class Form:
    """A form; closed until it is wanted, unless there is something wrong in it."""

    title: str
    url: str
    button: str
    fields: Sequence[Field]
    problem: str | None = None
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict)
    is_open: bool = False
    takes_file: bool = False
    part = "form"


@dataclass(frozen=True, kw_only=True)
class Missing:
    """A part that cannot be shown just now, and why."""

    title: str
    problem: str
    part = "missing"


Part = Facts | Table | Chart | Text | Form | Missing


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page. `live`: the events after which its parts are asked for anew."""

    title: str
    parts: Sequence[Part]
    live: Sequence[str] = ()
    buttons: Sequence[Button] = ()
    filters: Sequence[Field] = ()
    links: Sequence[tuple[str, str]] = ()
    back: tuple[str, str] | None = None
    state: str | None = None
    status: int = 200
