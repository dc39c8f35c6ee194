"""Forms that take a file, and what a list of routers does."""

from collections.abc import Mapping
from typing import Any

from gateway.dashboard.parts import Column, Field, Form, Page, Part, Table

NAMES = (Column(title="Name", name="name"),)
WRONG = (
    Column(title="Line", name="line", kind="number"),
    Column(title="Name", name="name"),
    Column(title="Correct", name="said", kind="note"),
)


def statement_form(*, is_open: bool) -> Form:
    """A statement of M-Pesa's, to be tried out first."""
    return Form(
        title="Import a statement",
        url="/dashboard/statements",
        button="Try it out",
        fields=[Field(name="file", label="CSV from the M-Pesa portal", kind="file")],
        is_open=is_open,
        takes_file=True,
    )


def list_form(*, is_open: bool = False) -> list[Part]:
    """Many routers at once. The list has passwords in it, so no page keeps it between two steps."""
    hint = "columns: name, ip_address, username, password; api_port and api_tls where needed"
    return [
        Form(
            title="Add many routers",
            url="/dashboard/routers/import",
            button="Read the list",
            fields=[
                Field(name="file", label="List of routers as CSV", kind="file", hint=hint),
                Field(
                    name="dry_run",
                    label="Only tell what it would do",
                    kind="yes",
                    needed=False,
                    value="yes",
                ),
            ],
            is_open=is_open,
            takes_file=True,
        )
    ]


def list_read(report: Mapping[str, Any]) -> Page:
    """What a list of routers did, or would do."""
    is_try = report["dry_run"]
    wrong = [
        {"line": one["line"], "name": one["name"], "said": _said(one["errors"])}
        for one in report["wrong"]
    ]
    parts: list[Part] = [
        Table(
            title="Lines with mistakes",
            columns=WRONG,
            rows=wrong,
            empty="Every line can be read.",
        ),
        Table(
            title="Would be added" if is_try else "Being added",
            columns=NAMES,
            rows=[{"name": name} for name in report["added"]],
            empty="None is new.",
        ),
        Table(
            title="Registered already: left as they are",
            columns=NAMES,
            rows=[{"name": name} for name in report["taken"]],
            empty="None of these names is taken.",
        ),
    ]
    title = "Nothing was added yet" if is_try else "The routers are being added"
    more = list_form(is_open=True) if is_try else []
    back = ("Routers", "/dashboard/routers")
    return Page(title=title, parts=[*more, *parts], back=back)


def _said(errors: Mapping[str, list[str]]) -> str:
    return "; ".join(f"{name}: {' '.join(texts)}" for name, texts in errors.items())
