"""What a list can be narrowed by, and how it is asked for."""

from dataclasses import replace

from gateway.dashboard.asking import Asked, Told
from gateway.dashboard.ordering import since_of
from gateway.dashboard.parts import Field
from gateway.dashboard.visit import Visit

ANY = ("", "any")
PHONE = Field(name="phone", label="Phone", kind="tel", needed=False)
SINCE = Field(name="since", label="Since", kind="date", needed=False)


def listed(visit: Visit, path: str, *filters: str) -> Told:
    """What a list of the API answers to the filters of the page."""
    return visit.api.ask(asked_for(visit, path, *filters))


def asked_for(visit: Visit, path: str, *filters: str) -> Asked:
    """The question for a list: the filters of the page, and where it goes on."""
    given = {name: visit.args.get(name, "").strip() for name in (*filters, "cursor")}
    if "since" in given:
        given["since"] = since_of(given["since"]) or given["since"]
    return Asked(path=path, query=tuple(given.items()))


def choice(name: str, label: str, values: tuple[str, ...]) -> Field:
    """A filter with a few values."""
    words = {"true": "yes", "false": "no"}
    options = (ANY, *((value, words.get(value, value)) for value in values))
    return Field(name=name, label=label, kind="choice", options=options, needed=False)


def filled(visit: Visit, *filters: Field) -> list[Field]:
    """The filters as they were set."""
    return [replace(one, value=visit.args.get(one.name, one.value)) for one in filters]
