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

    del router.menus["/radius"][0]["secret"]  # a login without the policy `sensitive` sees none
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


def test_settings_and_pages() -> None:
    router = PaperRouter(menus={"/ip/dns": [{"allow-remote-requests": "no"}]})
    wanted: list[Wanted] = [
        Setting(menu="/ip/dns", values={"allow-remote-requests": "yes"}),
        Page(path="x/login.html", url="https://c/login.html"),
    ]
    changes = differences(router, wanted)
    assert [change.kind for change in changes] == ["set", "fetch"]
    for change in changes:
        carry_out(router, change)
    assert differences(router, wanted) == []
    router.menus["/file"][0]["name"] = "flash/x/login.html"
    assert differences(router, wanted) == []
