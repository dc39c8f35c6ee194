"""One look at a page: who looks, what they may do, and what they typed that was refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from gateway.dashboard.asking import Api, Asked, Told
from gateway.dashboard.ordering import shown
from gateway.dashboard.orders import NAMED
from gateway.dashboard.parts import Button, Column, Field, Form, Missing, Page, Part, Table
from hotspot.web.auth import Caller

Options = Sequence[tuple[str, str]]
Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A form that the API refused: shown again as it was typed, with what is wrong."""

    order: str
    typed: Mapping[str, str]
    told: Told


@dataclass(frozen=True, kw_only=True)
class Visit:
    """What a page is made from."""

    api: Api
    caller: Caller
    now: datetime
    path: str
    args: Mapping[str, str]
    refused: Refused | None = None
    options: Mapping[str, Options] = field(default_factory=dict)

    def may(self, role: str) -> bool:
        """Whether who looks may do what needs this role."""
        return self.caller.may_act_as(role)

    def with_routers(self, asked: Mapping[str, Asked]) -> dict[str, Told]:
        """Answers, with the `router` of each session as people call it: many say `MikroTik`."""
        told = self.api.ask_all(
            {**asked, " routers": Asked(path="/routers", query=(("limit", "200"),))}
        )
        names = {row["id"]: row["name"] for row in told.pop(" routers").items}
        for one in told.values():
            for row in one.items or [one.json]:
                if "nas" in row:
                    row["router"] = names.get(row.get("router_id")) or row["nas"]
        return told

    def buttons(self, *names: str, **ids: str) -> list[Button]:
        """Those of these orders that this operator may give."""
        return [NAMED[name].button(**ids) for name in names if self.may(NAMED[name].who)]

    def dealt_with(self, row: Row) -> Button | None:
        """The button by which somebody says that they dealt with what a payment needs one for."""
        order = NAMED["clear-attention"]
        said = row.get("needs_attention")
        if not said or not self.may(order.who):
            return None
        return order.button({"needs_attention": said}, id=str(row["id"]))

    def form(
        self,
        name: str,
        /,
        *,
        title: str,
        known: Row | None = None,
        choices: Mapping[str, Options] | None = None,
        is_open: bool = False,
        **ids: str,
    ) -> list[Part]:
        """The form of an order; nothing where this operator may not give it."""
        order = NAMED[name]
        if not self.may(order.who):
            return []
        refused = self.refused if self.refused and self.refused.order == name else None
        fields = [
            _filled(one, refused.typed if refused else None, known, choices or {})
            for one in order.fields
        ]
        return [
            Form(
                title=title,
                url=order.url(**ids),
                button=order.label,
                fields=fields,
                problem=_said(refused.told, fields) if refused else None,
                errors=_by_field(refused.told.errors) if refused else {},
                is_open=is_open or refused is not None,
            )
        ]

    def table(
        self,
        title: str,
        told: Told,
        columns: Sequence[Column],
        *,
        empty: str = "There is nothing here yet.",
        button: Any = None,
        pages: bool = True,
    ) -> Table:
        """The rows of a list of the API, or why they cannot be had."""
        cursor = told.json.get("next") if pages and told.is_good else None
        more = f"{self.path}?{urlencode({**self.args, 'cursor': cursor})}" if cursor else None
        return Table(
            title=title,
            columns=columns,
            rows=told.items,
            empty=empty,
            problem=told.problem,
            more=more,
            button=button,
        )


def gone(told: Told, title: str, back: tuple[str, str]) -> Page:
    """The page of a thing that cannot be shown: there is none, or its service is away."""
    return Page(
        title=title,
        parts=[Missing(title=title, problem=told.problem or "")],
        back=back,
        status=told.status if told.status in (403, 404) else 200,
    )


def packages(told: Told, kind: str | None = None) -> Options:
    """Packages to choose from."""
    return [
        (str(one["id"]), f"{one['name']} – {one['price']['amount'] // 100} bob")
        for one in told.items
        if one.get("on_sale", True) and (kind is None or one["kind"] == kind)
    ]


def _filled(
    one: Field, typed: Mapping[str, str] | None, known: Row | None, choices: Mapping[str, Options]
) -> Field:
    filled = replace(one, options=choices.get(one.name, one.options))
    if typed is not None:
        return replace(filled, value="" if one.kind == "password" else typed.get(one.name, ""))
    if known is not None and one.kind != "password":
        return replace(filled, value=shown(one, known.get(one.name)))
    return filled


def _said(told: Told, fields: Sequence[Field]) -> str | None:
    """What is wrong with a form: no more than that where it stands beside the fields."""
    wrong = _by_field(told.errors)
    if wrong and wrong.keys() <= {one.name for one in fields}:
        return "Correct what is marked."
    return told.problem


def _by_field(errors: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[str]]:
    """`price.amount` is wrong where `price` was typed."""
    found: dict[str, list[str]] = {}
    for name, texts in errors.items():
        found.setdefault(name.partition(".")[0], []).extend(texts)
    return found
