"""How many worker processes each service has in each group."""

import pytest

from hotspot.command.services import RUNNING, CannotScale, scaled


def test_the_documented_groups_have_their_documented_processes() -> None:
    groups = scaled({})

    assert groups["hotspot"] == {"provisioning": 2, "radius": 1}
    assert groups["payments"] == {"payment": 1, "notification": 1}
    assert groups["mpesa"] == {"payment": 1}


def test_every_running_service_has_a_general_worker() -> None:
    assert scaled({})["general"] == dict.fromkeys(scaled({})["general"], 1)
    assert set(scaled({})["general"]) == set(RUNNING)


def test_more_processes_go_round_the_services_of_a_group() -> None:
    assert scaled({"hotspot": 7})["hotspot"] == {"provisioning": 4, "radius": 3}
    assert scaled({"mpesa": 3})["mpesa"] == {"payment": 3}


def test_a_group_keeps_a_process_for_each_service() -> None:
    with pytest.raises(CannotScale, match=r"hotspot=1.*at least 2"):
        scaled({"hotspot": 1})


def test_an_unknown_group_is_named_with_those_that_there_are() -> None:
    with pytest.raises(CannotScale, match=r"'web'.*hotspot, payments, mpesa, routers, general"):
        scaled({"web": 2})


def test_a_group_without_a_running_service_has_no_processes() -> None:
    assert "routers" not in scaled({}, running=("payment",))
    assert scaled({}, running=("payment",))["payments"] == {"payment": 2}


def test_the_radius_server_is_one_process_unless_more_are_wanted() -> None:
    assert scaled({})["radius"] == {"radius": 1}
    assert scaled({"radius": 2})["radius"] == {"radius": 2}
    assert "radius" not in scaled({}, running=("payment",))
