"""What keeps a router from being a hotspot, each with what to do about it."""

import pytest
from router_service.preflight import CannotBeAHotspot, look_at
from router_service.site import Site, choose_ports, uplink_of

from .router_on_paper import PaperRouter, from_the_box


def reasons(router: PaperRouter, site: Site | None = None, **other: str) -> str:
    """Why not."""
    with pytest.raises(CannotBeAHotspot) as refusal:
        look_at(router, site or Site(), **other)
    return str(refusal.value)


def test_a_router_from_the_box_can_be_a_hotspot() -> None:
    found = look_at(from_the_box(), Site())

    assert found.uplink == "ether1"
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
    assert "no port for guests" in reasons(router)


def test_a_network_that_overlaps_and_an_address_that_is_shared() -> None:
    assert "choose another network" in reasons(from_the_box(), Site(network="192.168.88.0/24"))
    assert "WIREGUARD_ENDPOINT" in reasons(from_the_box(), shared_with="Westlands")


def test_all_reasons_are_told_at_once() -> None:
    router = from_the_box()
    router.menus["/system/resource"] = [{"version": "6.40"}]
    router.missing.add("/ip/hotspot")
    said = reasons(router, Site(network="192.168.0.0/16"))
    assert "too old" in said
    assert "HotSpot is missing" in said
    assert "overlaps" in said


def test_the_way_to_the_internet_is_found() -> None:
    addresses = [{"address": "10.0.0.2/30", "interface": "ether5"}]
    default = {"dst-address": "0.0.0.0/0"}
    assert uplink_of([default | {"gateway": "10.0.0.1"}], addresses, []) == "ether5"
    assert uplink_of([default | {"gateway": "pppoe-out1"}], addresses, []) == "pppoe-out1"
    assert uplink_of([default | {"gateway": "10.0.0.1%ether5"}], addresses, []) == "ether5"
    assert uplink_of([], [], []) is None


def test_a_small_router_gives_guests_what_it_has() -> None:
    def named(*names: str) -> list[dict[str, str]]:
        kinds = {"e": "ether", "w": "wifi"}
        return [{"name": name, "type": kinds[name[0]]} for name in names]

    assert choose_ports(named("ether1", "ether2"), "ether1") == ("ether2",)
    assert choose_ports(named("ether1", "wifi1", "wifi2"), "ether1") == ("wifi1", "wifi2")
    assert choose_ports(named("ether1"), None) == ()
    assert choose_ports([], None) == ()
