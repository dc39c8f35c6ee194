"""What differs, whichever way a router spells it; what is not ours stays."""

import pytest

from router_service.comparing import carry_out, differences, same, seconds_of
from router_service.wanted import Item, Ours, Page, Setting, Wanted

from .router_on_paper import PaperRouter


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("5m", "00:05:00", True),
        ("1d", "1d00:00:00", True),
        ("1w", "7d", True),
        ("25s", "00:00:25", True),
        ("5m", "6m", False),
        ("http-pap,cookie", "cookie,http-pap", True),
        ("a,b", "a", False),
        ("yes", "no", False),
        ("", "", True),
        ("", "0s", False),
        ("2500k/5000k", "2500k/5M", True),
        ("64000/2M", "64k/2000k", True),
        ("1M/2M", "2M/1M", False),
        ("10.0.0.0/24", "10.0.0.0/24", True),
    ],
)
def test_spellings(one: str, other: str, alike: bool) -> None:
    assert same(one, other) is alike


def test_what_is_no_duration_is_none() -> None:
    assert [seconds_of(text) for text in ("", "hotspot", "10M/5M", "1h30m")] == [
        None,
        None,
        None,
        5400,
    ]


def test_only_the_difference_is_changed() -> None:
    router = PaperRouter()
    wanted = [Item(menu="/ip/pool", key={"name": "p"}, values={"ranges": "10.0.0.2-10.0.0.9"})]

    (added,) = differences(router, wanted)
    carry_out(router, added)
    assert differences(router, wanted) == []
    router.menus["/ip/pool"][0] |= {"ranges": "10.0.0.2", "next-pool": "none"}
    (changed,) = differences(router, wanted)
    assert (changed.kind, changed.before) == ("set", {"ranges": "10.0.0.2"})
    carry_out(router, changed)
    assert router.menus["/ip/pool"][0]["next-pool"] == "none"
    assert differences(router, wanted) == []


def test_a_hidden_secret_is_no_difference_and_is_shown_nowhere() -> None:
    router = PaperRouter()
    wanted = Item(
        menu="/radius", key={"comment": "h"}, values={"address": "1.1.1.1"}, secret={"secret": "s"}
    )
    (added,) = differences(router, [wanted])
    carry_out(router, added)
    assert router.menus["/radius"][0]["secret"] == "s"
    assert "secret" not in added.values
    assert "'s'" not in repr(added)

    router.menus["/radius"][0]["secret"] = "*****"  # to a login without the policy `sensitive`
    assert differences(router, [wanted]) == []
    del router.menus["/radius"][0]["secret"]
    assert differences(router, [wanted]) == []
    router.menus["/radius"][0]["secret"] = "other"
    (changed,) = differences(router, [wanted])
    assert dict(changed.secret) == {"secret": "s"}
    assert changed.before == {}


def test_order_is_kept_where_it_matters() -> None:
    router = PaperRouter(
        menus={"/f": [{".id": "*1", "action": "drop"}, {".id": "*2", "action": "log"}]}
    )
    wanted = [
        Item(menu="/f", key={"comment": name}, ahead_of={"action": "drop"}) for name in ("a", "b")
    ]
    for change in differences(router, wanted):
        carry_out(router, change)
    assert [row.get("comment") for row in router.menus["/f"]] == ["a", "b", None, None]

    router.menus["/f"].append(router.menus["/f"].pop(0))
    (moved,) = differences(router, wanted)
    assert moved.kind == "move"
    carry_out(router, moved)
    assert differences(router, wanted) == []


def test_ours_that_is_wanted_no_more_goes_and_others_stay() -> None:
    rows = [{".id": f"*{n}", "name": name} for n, name in enumerate(["h-A", "h-B", "mine"])]
    router = PaperRouter(menus={"/p": rows})
    wanted: list[Wanted] = [
        Item(menu="/p", key={"name": "h-A"}),
        Ours(menu="/p", name="name", prefix="h-"),
    ]

    (gone,) = differences(router, wanted)
    carry_out(router, gone)
    carry_out(router, gone)  # done meanwhile: no harm

    assert [row["name"] for row in router.menus["/p"]] == ["h-A", "mine"]


def test_what_the_router_made_itself_is_passed_by() -> None:
    rows = [
        {".id": "*1", "comment": "h: a", "action": "drop", "dynamic": "yes"},
        {".id": "*2", "action": "drop"},
    ]
    router = PaperRouter(menus={"/f": rows})
    wanted: list[Wanted] = [
        Item(menu="/f", key={"comment": "h: a"}, ahead_of={"action": "drop"}),
        Ours(menu="/f", name="comment", prefix="h: "),
    ]

    (added,) = differences(router, wanted)
    assert (added.kind, added.target) == ("add", "*2")
    carry_out(router, added)
    assert differences(router, wanted) == []


def test_what_a_router_leaves_out_because_it_is_so_anyway_is_no_difference() -> None:
    router = PaperRouter(menus={"/p": [{".id": "*1", "name": "p"}]})
    item = Item(menu="/p", key={"name": "p"}, values={"disabled": "no", "split-user-domain": "no"})
    assert differences(router, [item]) == []
    router.menus["/p"][0]["disabled"] = "yes"
    assert [change.values for change in differences(router, [item])] == [{"disabled": "no"}]


def test_what_left_our_bridge_goes_and_what_is_in_others_stays() -> None:
    rows = [
        {".id": f"*{n}", "interface": port, "bridge": bridge}
        for n, (port, bridge) in enumerate([("ether3", "ours"), ("ether4", "ours"), ("e5", "lan")])
    ]
    router = PaperRouter(menus={"/b": rows})
    wanted: list[Wanted] = [
        Item(menu="/b", key={"interface": "ether3"}, values={"bridge": "ours"}),
        Ours(menu="/b", name="interface", where={"bridge": "ours"}),
    ]

    assert [(one.kind, one.what) for one in differences(router, wanted)] == [("remove", "ether4")]


def test_settings_are_changed_and_those_that_somebody_chose_are_kept() -> None:
    router = PaperRouter(menus={"/ntp": [{"enabled": "no", "servers": ""}]})
    wanted = [Setting(menu="/ntp", values={"enabled": "yes"}, where_empty={"servers": "pool"})]
    (change,) = differences(router, wanted)
    assert change.values == {"enabled": "yes", "servers": "pool"}
    carry_out(router, change)
    assert differences(router, wanted) == []
    router.menus["/ntp"][0]["servers"] = "time.example.net"
    assert differences(router, wanted) == []


def test_pages_are_fetched_where_they_are_missing_or_broke_off() -> None:
    router = PaperRouter()
    page = Page(path="x-2/login.html", url="https://c/token/login.html", size=100)
    wanted: list[Wanted] = [page, Ours(menu="/file", name="name", prefix="x-")]

    (fetched,) = differences(router, wanted)
    assert "token" not in f"{fetched.values}{fetched!r}"
    carry_out(router, fetched)
    assert differences(router, wanted) == []
    router.menus["/file"] = [
        {".id": "*1", "name": "x-2", "type": "directory"},
        {".id": "*2", "name": "x-2/login.html", "size": "40"},
        {".id": "*3", "name": "x-1/login.html", "size": "100"},
        {".id": "*4", "name": "notes.txt", "size": "5"},
    ]
    changes = differences(router, wanted)
    assert [(one.kind, one.what) for one in changes] == [
        ("fetch", "x-2/login.html"),
        ("remove", "x-1/login.html"),
    ]
