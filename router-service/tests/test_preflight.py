"""What keeps a router from being a hotspot, each with what to do about it."""

import pytest

from router_service.preflight import CannotBeAHotspot, look_at
from router_service.site import BRIDGE, Layout, Site, choose_ports, uplinks_of

from .router_on_paper import PaperRouter, from_the_box


def reasons(router: PaperRouter, site: Site | None = None, **other: str) -> str:
    """Why not."""
    with pytest.raises(CannotBeAHotspot) as refusal:
        look_at(router, site or Site(), **other)
    return str(refusal.value)


def test_a_router_from_the_box_can_be_a_hotspot() -> None:
    found = look_at(from_the_box(), Site())

    assert found.uplinks == ("ether1",)
    # ether2 stays for the operator who plugged a laptop in there.
    assert found.ports == ("ether3", "ether4", "ether5", "wlan1")


@pytest.mark.parametrize("version", ["6.48.6 (long-term)", "5.26", ""])
def test_an_old_version_is_named(version: str) -> None:
    router = from_the_box()
    router.menus["/system/resource"] = [{"version": version}]
    assert "update it to 7.14" in reasons(router)


def test_a_missing_package_and_a_forbidding_device_mode_are_told_with_the_way_out() -> None:
    router = from_the_box()
    router.missing.add("/ip/hotspot")
    assert "install the package" in reasons(router)

    router = from_the_box()
    router.menus["/system/device-mode"] = [{"mode": "home", "hotspot": "no"}]
    assert "/system/device-mode/update hotspot=yes" in reasons(router)


def test_ports_that_cannot_be() -> None:
    router = from_the_box()
    assert "no interface ether9" in reasons(router, Site(ports=("ether9",)))
    assert "leads to the internet" in reasons(router, Site(ports=("ether1",)))
    router.menus["/interface"] = router.menus["/interface"][:1]
    assert "no port that is free for guests" in reasons(router)


def test_a_network_that_overlaps_and_what_is_known_already() -> None:
    assert "choose another network" in reasons(from_the_box(), Site(network="192.168.88.0/24"))
    assert "Westlands has it too" in reasons(from_the_box(), trouble="Westlands has it too.")


def test_all_reasons_are_told_at_once() -> None:
    router = from_the_box()
    router.menus["/system/resource"] = [{"version": "6.40"}]
    router.missing.add("/ip/hotspot")
    said = reasons(router, Site(network="192.168.0.0/16"))
    assert "too old" in said
    assert "HotSpot is missing" in said
    assert "overlaps" in said


def test_the_ways_to_the_internet_are_found_whichever_is_used_now() -> None:
    addresses = [{"address": "10.0.0.2/30", "interface": "ether5"}]
    default = {"dst-address": "0.0.0.0/0"}

    def through(**route: str) -> tuple[str, ...]:
        return uplinks_of([], [default | route], addresses, [])

    assert through(gateway="10.0.0.1") == ("ether5",)
    assert through(gateway="10.0.0.1", active="no") == ("ether5",)
    assert through(gateway="pppoe-out1") == ("pppoe-out1",)
    assert through(**{"gateway": "10.9.0.1", "immediate-gw": "10.9.0.1%ether3"}) == ("ether3",)
    assert through(gateway="10.0.0.1", disabled="yes") == ()
    modem = [{"name": "lte1", "type": "lte"}]
    clients = [{"interface": "ether1"}]
    assert uplinks_of(modem, [], [], clients) == ("ether1", "lte1")


def layout(
    *names: str, uplinks: tuple[str, ...] = (), in_use: tuple[str, ...] = (), **bridged: str
) -> Layout:
    """A router with these interfaces, some of them in the bridges `box` and `hand`."""
    kinds = {"e": "ether", "w": "wifi"}
    return Layout(
        interfaces=[{"name": name, "type": kinds[name[0]]} for name in names],
        members=bridged,
        bridges={"box": "defconf", "hand": "", BRIDGE: "hotspot"},
        uplinks=uplinks,
        in_use=frozenset((*uplinks, *in_use)),
    )


@pytest.mark.parametrize(
    ("router", "ports"),
    [
        (layout("ether1", "ether2", uplinks=("ether1",)), ("ether2",)),
        (layout("ether1", "wifi1", "wifi2", uplinks=("ether1",)), ("wifi1", "wifi2")),
        (layout("ether1"), ()),
        (layout(), ()),
        # An office that somebody bridged, a port with an address: nobody said that it is free.
        (layout("ether1", "ether2", "wifi1", ether2="hand", wifi1="box"), ("wifi1",)),
        (layout("ether1", "ether2", "wifi1", in_use=("ether2",)), ("wifi1",)),
        # The LAN's bridge carries another hotspot.
        (layout("ether1", "ether2", ether2="box", in_use=("box",)), ()),
        # Two lines: the port of the second one is none for guests.
        (layout("ether1", "ether2", "ether3", uplinks=("ether1", "ether2")), ("ether3",)),
        # As after half a run.
        (layout("ether1", "ether2", "ether3", ether2="box", ether3=BRIDGE), ("ether3",)),
    ],
)
def test_guests_get_what_is_free(router: Layout, ports: tuple[str, ...]) -> None:
    assert choose_ports(router) == ports


def test_what_is_not_ours_is_not_taken_for_ours() -> None:
    router = from_the_box()
    router.add("/interface/bridge", name="hotspot-bridge", comment="Wanjiku's")
    router.add("/ip/hotspot", name="hotspot", interface="ether4", profile="hsprof1")
    router.add("/radius", service="ppp,hotspot", address="192.0.2.9")
    said = reasons(router, Site(ports=("ether4",)))

    assert "bridge hotspot-bridge without our comment" in said
    assert "hotspot named hotspot on ether4 that is not ours" in said
    assert "asked at another RADIUS server (192.0.2.9) first" in said
    assert "ether4 has a task of its own" in said


def test_ours_is_known_again() -> None:
    router = from_the_box()
    router.add("/interface/bridge", name="hotspot-bridge", comment="hotspot")
    router.add("/ip/hotspot", name="hotspot", interface="hotspot-bridge", profile="hotspot-profile")
    router.add("/ip/address", address="10.5.50.1/24", interface="hotspot-bridge")
    router.add("/radius", service="hotspot", address="198.51.100.7", comment="hotspot")
    router.add("/radius", service="hotspot", address="192.0.2.9")
    router.menus["/file"] = [{".id": "*1", "name": "flash", "type": "directory"}]

    assert look_at(router, Site()).disk == "flash/"
