"""What an order is: a button or a form, and the call of the API that it makes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import quote

from gateway.dashboard.asking import Asked
from gateway.dashboard.parts import Button, Field
from hotspot.clock import NAIROBI


@dataclass(frozen=True, kw_only=True)
class Order:
    """One row. `path` is the form's below /dashboard, `api` the call; `back`: where it leads.

    `changes`: only what differs from what was shown is sent, so that nobody's change is undone.
    `shows`: what of the answer is shown, this once. `ends_login`: the browser forgets its login.
    """

    name: str
    path: str
    method: str
    api: str
    who: str
    label: str
    said: str
    back: str
    fields: tuple[Field, ...] = ()
    sure: str | None = None
    is_grave: bool = False
    changes: bool = False
    page: str | None = None
    shows: str | None = None
    ends_login: bool = False

    @property
    def form_is_on(self) -> str:
        """The page that has its form."""
        return self.page or self.back

    def button(self, values: Mapping[str, str] | None = None, /, **ids: str) -> Button:
        """The button of this order for one thing."""
        return Button(
            values=values or {},
            label=self.label,
            url=self.url(**ids),
            sure=self.sure,
            is_grave=self.is_grave,
            is_quiet=self.name in ("refresh", "drift", "back-up"),
        )

    def url(self, **ids: str) -> str:
        """Where its form is sent."""
        path = self.path.replace("<uuid:id>", "{id}").replace("<name>", "{name}")
        return "/dashboard" + path.format(**_escaped(ids))

    def asked(self, form: Mapping[str, str], ids: Mapping[str, str]) -> Asked:
        """The call of the API that a form makes."""
        body = {
            one.name: written(one, form)
            for one in self.fields
            if not (self.changes and form.get(one.name, "") == form.get(f"was.{one.name}", ""))
        }
        kept = {name: value for name, value in body.items() if value is not None or self.changes}
        return Asked(method=self.method, path=self.api.format(**_escaped(ids)), body=kept)


def _escaped(ids: Mapping[str, str]) -> dict[str, str]:
    return {key: quote(one, safe="") for key, one in ids.items()}


def written(wanted: Field, form: Mapping[str, str]) -> Any:
    """What was typed, as the API takes it; what cannot be read goes as it is, and is refused."""
    typed = form.get(wanted.name, "").strip()
    if wanted.kind == "yes":
        return bool(typed)
    if not typed:
        return None
    if wanted.kind == "moment":
        return _moment(typed)
    if wanted.kind in _TIMES:
        return _number(typed, _TIMES[wanted.kind])
    if wanted.kind == "shillings":
        return {"amount": _number(typed, 100), "currency": "KES"}
    return typed


_TIMES = {"number": 1, "minutes": 60, "megabits": 1000, "megabytes": 1_000_000}


def shown(wanted: Field, value: Any) -> str:
    """A value of the API as it stands in the form."""
    if value is None:
        return ""
    if wanted.kind == "shillings":
        return f"{Decimal(value['amount']) / 100:f}"
    if wanted.kind in _TIMES:
        return f"{Decimal(value) / _TIMES[wanted.kind]:f}"
    if wanted.kind == "yes":
        return "yes" if value else ""
    return str(value)


def _number(typed: str, times: int) -> int | str:
    try:
        number = Decimal(typed.replace(",", "").replace(" ", "")) * times
        return int(number) if number == int(number) else typed
    except (InvalidOperation, OverflowError, ValueError):
        return typed


def _moment(typed: str) -> str:
    try:
        at = datetime.fromisoformat(typed)
    except ValueError:
        return typed
    return at.replace(tzinfo=NAIROBI).isoformat() if at.tzinfo is None else at.isoformat()


def since_of(day: str) -> str | None:
    """The beginning of a day in Nairobi, as the API takes it; None where it is no day."""
    try:
        return datetime.fromisoformat(day).replace(tzinfo=NAIROBI).isoformat() if day else None
    except ValueError:
        return None
