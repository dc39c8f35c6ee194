"""The difference between a router and what it shall be like, and how it is made none."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from router_service.routeros import NoSuchItem, RouterOs, RouterRefused, Row
from router_service.wanted import Item, Ours, Page, Setting, Values, Wanted

Kind = Literal["add", "set", "move", "remove", "fetch"]

FILES = "/file"
# Not their contents, which small files bring along.
FILE_PROPERTIES = (".id", "name", "size")
# How routers write a duration: 1d00:05:00 in older versions and in answers, 1d5m in the console.
_CLOCK = re.compile(r"(?:(\d+)w)?(?:(\d+)d)?(?:(\d+):(\d\d):(\d\d))?")
_UNITS = re.compile(r"(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_SECONDS = (604_800, 86_400, 3_600, 60, 1)
# 2500k/5M and the like; RouterOS may write 5000k as 5M.
_RATES = re.compile(r"\d+[kMG]?/\d+[kMG]?")
_RATE_UNITS = {"k": 1_000, "M": 1_000_000, "G": 1_000_000_000}
# What RouterOS may leave out of an answer where it is so by default.
_BY_DEFAULT = {
    "disabled": "no",
    "mac-auth-mode": "mac-as-username",
    "nas-port-type": "wireless-802.11",
    "radius-accounting": "yes",
    "radius-interim-update": "received",
    "split-user-domain": "no",
}


@dataclass(frozen=True, kw_only=True)
class Change:
    """One thing to do. `before` is how it is now; secrets appear in neither."""

    kind: Kind
    menu: str
    what: str
    values: Values = field(default_factory=dict)
    before: Values = field(default_factory=dict)
    item: str | None = None
    secret: Values = field(default_factory=dict, repr=False)
    target: str | None = None


def differences(router: RouterOs, wanted: Sequence[Wanted]) -> list[Change]:
    """What must change. Reads each menu once; changes nothing."""
    menus: dict[str, list[Row]] = {}

    def rows(menu: str) -> list[Row]:
        if menu not in menus:
            only = FILE_PROPERTIES if menu == FILES else ()
            # What the router made itself (`dynamic`) can neither be changed nor serve as a place.
            menus[menu] = [
                row for row in router.read(menu, only=only) if row.get("dynamic", "no") == "no"
            ]
        return menus[menu]

    found: list[Change] = []
    for one in wanted:
        match one:
            case Item():
                found += _of_item(one, rows(one.menu))
            case Setting():
                found += _of_setting(one, rows(one.menu))
            case Page():
                found += _of_page(one, rows(FILES))
            case Ours():
                found += _of_ours(one, rows(one.menu), wanted)
    return found


def carry_out(router: RouterOs, change: Change) -> None:
    """Do one thing. Where it was done meanwhile, nothing happens."""
    values = {**change.values, **change.secret}
    match change.kind:
        case "add":
            place = {"place-before": change.target} if change.target else {}
            router.add(change.menu, **values, **place)
        case "set":
            router.set(change.menu, change.item, **values)
        case "move":
            router.call(
                change.menu, "move", numbers=change.item or "", destination=change.target or ""
            )
        case "fetch":
            told = router.call(change.menu, "fetch", **values)
            if any(row.get("status") == "failed" for row in told):
                raise RouterRefused(f"it could not fetch {change.what} from here")
        case "remove":
            try:
                router.remove(change.menu, change.item or "")
            except NoSuchItem:
                return


def same(one: str, other: str) -> bool:
    """Whether two spellings of a value mean the same to a router."""
    if one == other:
        return True
    for measure in (seconds_of, _rates_of):
        found = measure(one), measure(other)
        if None not in found:
            return found[0] == found[1]
    return "," in one and sorted(one.split(",")) == sorted(other.split(","))


def seconds_of(text: str) -> int | None:
    """A duration as routers write it; None for what is none."""
    if not text:
        return None
    for pattern in (_CLOCK, _UNITS):
        found = pattern.fullmatch(text)
        if found:
            parts = zip(found.groups(), _SECONDS, strict=True)
            return sum(int(number) * seconds for number, seconds in parts if number)
    return None


def _rates_of(text: str) -> list[int] | None:
    """Bits a second as routers write them; None for what is none."""
    if not _RATES.fullmatch(text):
        return None
    return [int(rate.rstrip("kMG")) * _RATE_UNITS.get(rate[-1], 1) for rate in text.split("/")]


def _of_item(wanted: Item, rows: Sequence[Row]) -> Iterator[Change]:
    position, found = next(
        ((at, row) for at, row in enumerate(rows) if _has(row, wanted.key)), (-1, None)
    )
    what = ", ".join(wanted.key.values())
    target = _first_like(wanted.ahead_of, rows)
    if found is None:
        yield Change(
            kind="add",
            menu=wanted.menu,
            what=what,
            values={**wanted.key, **wanted.values},
            secret=wanted.secret,
            target=rows[target][".id"] if target is not None else None,
        )
        return
    # Without the policy `sensitive` a secret is left out, or shown as asterisks.
    shown = {name: value for name, value in wanted.secret.items() if found.get(name, "").strip("*")}
    differing = _differing(found, {**wanted.values, **shown})
    if differing:
        yield Change(
            kind="set",
            menu=wanted.menu,
            what=what,
            item=found[".id"],
            values={name: differing[name] for name in differing if name not in wanted.secret},
            before=_now(found, differing, wanted.secret),
            # A router that hides a secret may have another one: it is set again with the rest.
            secret=wanted.secret,
        )
    if target is not None and target < position:
        yield Change(
            kind="move",
            menu=wanted.menu,
            what=what,
            item=found[".id"],
            target=rows[target][".id"],
        )


def _of_setting(wanted: Setting, rows: Sequence[Row]) -> Iterator[Change]:
    now = rows[0] if rows else {}
    missing = {name: value for name, value in wanted.where_empty.items() if not now.get(name)}
    differing = _differing(now, wanted.values) | missing
    if differing:
        yield Change(
            kind="set",
            menu=wanted.menu,
            what="settings",
            values=differing,
            before=_now(now, differing, {}),
        )


def _of_page(wanted: Page, rows: Sequence[Row]) -> Iterator[Change]:
    there = next((row for row in rows if row.get("name") == wanted.path), None)
    size = there.get("size", "") if there else "0"
    # A file that broke off half way is shorter. Sizes that are told in words are not compared.
    if there is None or (size.isdigit() and int(size) != wanted.size):
        # The URL has the router's token in it, which only operators may see.
        yield Change(
            kind="fetch",
            menu="/tool",
            what=wanted.path,
            values={"dst-path": wanted.path, "mode": wanted.mode},
            secret={"url": wanted.url},
        )


def _of_ours(ours: Ours, rows: Sequence[Row], wanted: Sequence[Wanted]) -> Iterator[Change]:
    kept = {name for one in wanted for name in _names(one, ours)}
    for row in rows:
        name = row.get(ours.name, "")
        if name.startswith(ours.prefix) and name not in kept and _has(row, ours.where):
            yield Change(
                kind="remove", menu=ours.menu, what=name, item=row[".id"], before={ours.name: name}
            )


def _names(one: Wanted, ours: Ours) -> Iterator[str]:
    """What of the menu of `ours` is wanted."""
    if isinstance(one, Page) and ours.menu == FILES:
        yield from (one.path, one.folder)
    elif isinstance(one, Item) and one.menu == ours.menu and ours.name in one.key:
        yield one.key[ours.name]


def _has(row: Row, key: Values) -> bool:
    return all(row.get(name, "") == value for name, value in key.items())


def _first_like(values: Values | None, rows: Sequence[Row]) -> int | None:
    """Where the first item like this stands."""
    if values is None:
        return None
    return next((at for at, row in enumerate(rows) if _has(row, values)), None)


def _differing(now: Row, wanted: Values) -> dict[str, str]:
    return {
        name: value
        for name, value in wanted.items()
        if not same(now.get(name, _BY_DEFAULT.get(name, "")), value)
    }


def _now(row: Row, names: Mapping[str, str], secret: Values) -> dict[str, str]:
    return {name: row.get(name, "") for name in names if name not in secret}
