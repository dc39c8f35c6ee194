"""Packets with anything changed, signed again: nothing may crash, hang, leak or be mistaken."""

import hashlib
import hmac
import random
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

from hotspot.testing.handling import NOON
from radius_service.accounting import report_of
from radius_service.logins import login_of
from radius_service.nas import Client, Clients
from radius_service.packets import Code, Malformed, Request, read, read_by_pyrad

from .conftest import Vectors
from .world import ACCEPT, SECRET, Database, Running, asks, until

ROUTER = Client(nasname="127.0.0.1", secret=SECRET, signed=False)


def changed(data: bytes, chance: random.Random) -> bytes:
    """A packet with some of its attributes changed, signed again where it was signed."""
    attributes = []
    at = 20
    while at < len(data):
        attributes.append(bytearray(data[at : at + data[at + 1]]))
        at += data[at + 1]
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(len(attributes))
        attribute = attributes[place]
        match chance.randrange(6):
            case 0:
                attribute[chance.randrange(len(attribute))] = chance.randrange(256)
            case 1:
                attributes.insert(place, bytearray(attribute))
            case 2 if len(attributes) > 1:
                del attributes[place]
            case 3 if len(attribute) > 2:
                del attribute[-1]
                attribute[1] = len(attribute)
            case 4 if len(attribute) < 250:
                attribute += chance.randbytes(3)
                attribute[1] = len(attribute)
            case _:
                attribute[2:] = chance.randbytes(len(attribute) - 2)
    body = b"".join(attributes)
    head = data[:2] + (20 + len(body)).to_bytes(2)
    return signed_again(head, data[4:20], body)


def signed_again(head: bytes, authenticator: bytes, body: bytes) -> bytes:
    """The same attributes, with signatures that fit them."""
    if head[0] == Code.ACCOUNTING_REQUEST:
        return head + hashlib.md5(head + bytes(16) + body + SECRET).digest() + body
    if body[:2] == b"\x50\x12":
        unsigned = body[:2] + bytes(16) + body[18:]
        signature = hmac.digest(SECRET, head + authenticator + unsigned, "md5")
        body = body[:2] + signature + body[18:]
    return head + authenticator + body


def outcome(read_it: Any, data: bytes) -> object:
    """What a way of reading makes of a packet."""
    try:
        request = read_it(data, secret=SECRET, signed=False)
    except Malformed as error:
        return str(error)
    return request._values


def understood(request: Request) -> None:
    """What is read can be made sense of, or is dropped: nothing else may come of it."""
    try:
        if request.code == Code.ACCOUNTING_REQUEST:
            report_of(request, source="127.0.0.1", received_at=NOON)
        else:
            login_of(request, client=ROUTER, nas="127.0.0.1")
    except Malformed:
        pass


def test_packets_with_anything_changed_are_read_alike_or_dropped_by_both(
    vectors: Vectors,
) -> None:
    """Attributes are cut, stretched, doubled and overwritten, and the whole is signed anew."""
    chance = random.Random(7)
    originals = requests_in(vectors)
    read_at_all = 0
    for _ in range(3_000):
        data = changed(chance.choice(originals), chance)
        quick = outcome(read, data)
        if isinstance(quick, str) and quick == "malformed":
            continue
        slow = outcome(read_by_pyrad, data[: int.from_bytes(data[2:4])])
        assert quick == slow, data.hex()
        read_at_all += not isinstance(quick, str)
        if not isinstance(quick, str):
            understood(read(data, secret=SECRET, signed=False))
    assert read_at_all > 300


def requests_in(vectors: Vectors) -> list[bytes]:
    """The recorded packets that routers send to us."""
    kinds = ("access_request", "acct")
    return [data for name, data in vectors["valid"].items() if name.startswith(kinds)]


def test_a_server_that_gets_them_counts_each_and_goes_on(
    radius: Database, running: Running, vectors: Vectors
) -> None:
    radius.give(devices=10_000)
    assert asks(running).code == ACCEPT
    opened = len(list(Path("/proc/self/fd").iterdir()))
    chance = random.Random(11)
    originals = requests_in(vectors)
    with socket.socket(type=socket.SOCK_DGRAM) as door:
        broken = replace(running, door=door)
        for _ in range(1_000):
            data = changed(chance.choice(originals), chance)
            broken.send(data, accounting=data[0] == Code.ACCOUNTING_REQUEST)
    until(lambda: sum(running.counts.values()) == 1_001, seconds=20)
    assert asks(running).code == ACCEPT
    # Connections to the database are opened as they are needed: a few, whatever comes.
    assert len(list(Path("/proc/self/fd").iterdir())) < opened + 20


def test_strangers_of_any_number_are_remembered_within_bounds() -> None:
    clients = Clients([ROUTER])
    for number in range(25_000):
        assert clients.at(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}") is None
    assert len(clients._found) <= 10_000
    assert clients.at("127.0.0.1") is ROUTER
