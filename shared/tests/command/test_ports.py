"""Which port everything gets, and what is said when one is taken."""

import socket

import pytest

from hotspot.command import ports
from hotspot.command.ports import PortUnusable, Transport


def free(_number: int, _transport: Transport) -> bool:
    return True


def taken(*numbers: int) -> ports.IsFree:
    return lambda number, _transport: number not in numbers


def test_the_ports_count_from_the_base() -> None:
    planned = ports.plan({"HOTSPOT_PORT_BASE": "9000"}, free)

    assert planned["gateway"] == 9000
    assert planned["simulators"] == 9100
    assert planned["postgres"] == 9030
    assert planned.url("payment") == "http://127.0.0.1:9001"


def test_radius_is_at_its_well_known_ports_wherever_the_base_is() -> None:
    planned = ports.plan({"HOTSPOT_PORT_BASE": "9000"}, free)

    assert planned["radius authentication"] == 1812
    assert planned["radius accounting"] == 1813
    assert planned.moved == ()


def test_a_second_copy_gives_way_where_a_well_known_port_is_taken() -> None:
    planned = ports.plan({"HOTSPOT_PORT_BASE": "9000"}, taken(1812))

    assert planned["radius authentication"] == 9812
    assert planned["radius accounting"] == 1813
    assert planned.moved == ("radius authentication: 9812, because 1812 is taken",)


def test_the_first_copy_does_not_give_way() -> None:
    planned = ports.plan({}, taken(1812))

    assert planned["radius authentication"] == 1812
    with pytest.raises(PortUnusable, match=r"Port 1812/udp .* HOTSPOT_RADIUS_AUTH_PORT"):
        ports.check(planned, ["radius authentication"], taken(1812))


def test_a_port_that_was_asked_for_does_not_give_way() -> None:
    asked = {"HOTSPOT_PORT_BASE": "9000", "HOTSPOT_COA_PORT": "4000"}

    planned = ports.plan(asked, taken(4000))

    assert planned["radius CoA"] == 4000


def test_a_taken_port_is_named_with_the_variable_that_moves_it() -> None:
    planned = ports.plan({}, free)

    with pytest.raises(PortUnusable, match=r"Port 8002/tcp \(provisioning\).*HOTSPOT_PORT_BASE"):
        ports.check(planned, ["gateway", "provisioning"], taken(8002))


@pytest.mark.parametrize("given", ["", "0", "80", "65000", "8000.5", "-1", "port", "８０００"])
def test_a_base_is_a_number_that_leaves_room_for_all_ports(given: str) -> None:
    if not given:
        assert ports.plan({"HOTSPOT_PORT_BASE": given}, free).base == 8000
        return
    with pytest.raises(PortUnusable, match="HOTSPOT_PORT_BASE"):
        ports.plan({"HOTSPOT_PORT_BASE": given}, free)


def test_no_two_things_share_a_port() -> None:
    for environ in ({}, {"HOTSPOT_PORT_BASE": "9000"}):
        planned = ports.plan(environ, taken(1812, 1813, 3799))

        assert len(set(planned.numbers.values())) == len(planned.numbers)


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_a_port_is_free_until_somebody_listens(transport: Transport) -> None:
    kind = socket.SOCK_STREAM if transport == "tcp" else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as other:
        other.bind(("127.0.0.1", 0))
        if transport == "tcp":
            other.listen()
        number = other.getsockname()[1]

        assert not ports.is_free(number, transport)

    assert ports.is_free(number, transport)
