"""The usual packets are read and answered without pyrad: as pyrad would, bit by bit."""

import os
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyrad.packet import AcctPacket, AuthPacket

from radius_service.attributes import Attributes, encoded
from radius_service.packets import (
    DICTIONARY,
    Code,
    Request,
    read,
    read_by_pyrad,
    reply,
)

from .conftest import Vectors
from .world import SECRET, accounting, bytes_of, login

ANSWERS: tuple[Attributes, ...] = (
    (),
    (("Reply-Message", "Your time is used up. Buy a package to go on."),),
    (
        ("Session-Timeout", 3600),
        ("Mikrotik-Rate-Limit", "2M/5M"),
        ("Class", b"\x00\xffany"),
        ("Mikrotik-Total-Limit-Gigawords", 1),
        ("Termination-Action", "RADIUS-Request"),
        ("Framed-IP-Address", "10.5.50.7"),
        ("Filter-Id", "a"),
        ("Filter-Id", "b"),
        ("WISPr-Redirection-URL", "http://10.5.50.1/"),
        ("MS-CHAP2-Success", b"\x07S=00"),
    ),
)

octets = st.binary(min_size=1, max_size=50)
texts = st.text(min_size=1, max_size=40)
usual = st.fixed_dictionaries(
    {"User-Name": texts, "Calling-Station-Id": texts},
    optional={
        "NAS-Identifier": texts,
        "NAS-Port": st.integers(0, 2**32 - 1),
        "NAS-Port-Type": st.sampled_from(["Ethernet", "Wireless-802.11"]),
        "Framed-IP-Address": st.ip_addresses(v=4).map(str),
        "Class": octets,
        "Mikrotik-Host-IP": st.ip_addresses(v=4).map(str),
        "WISPr-Location-Name": texts,
        "CHAP-Challenge": octets,
        "CHAP-Password": st.binary(min_size=17, max_size=17),
    },
)


def both_ways(data: bytes, *, signed: bool = False) -> tuple[Request, Request]:
    """The request as it is read, and as pyrad alone reads it."""
    quick = read(data, secret=SECRET, signed=signed)
    whole = data[: int.from_bytes(data[2:4])]
    return quick, read_by_pyrad(whole, secret=SECRET, signed=signed)


def agree(data: bytes) -> None:
    """Both ways read the same and answer the same."""
    quick, slow = both_ways(data)
    assert quick._values == slow._values
    assert (quick.code, quick.identifier, quick.authenticator) == (
        slow.code,
        slow.identifier,
        slow.authenticator,
    )
    is_login = quick.code == Code.ACCESS_REQUEST
    code = Code.ACCESS_ACCEPT if is_login else Code.ACCOUNTING_RESPONSE
    for attributes in ANSWERS if is_login else ANSWERS[:1]:
        assert reply(quick, code, attributes) == reply(slow, code, attributes)


@pytest.mark.parametrize(
    "name",
    [
        "access_request_pap_ma_first",
        "access_request_pap_no_ma",
        "access_request_chap_ma",
        "acct_start",
        "acct_interim_gigawords",
        "acct_stop",
    ],
)
def test_the_recorded_packets_are_usual_and_answered_alike(vectors: Vectors, name: str) -> None:
    data = vectors["valid"][name]
    assert read(data, secret=SECRET, signed=False).packet is None
    agree(data)


@settings(max_examples=150, deadline=None)
@given(attributes=usual, signed=st.booleans())
def test_any_usual_login_is_answered_alike(attributes: dict[str, Any], signed: bool) -> None:
    packet = AuthPacket(secret=SECRET, authenticator=os.urandom(16), dict=DICTIONARY)
    if signed:
        packet.add_message_authenticator()
    for name, value in attributes.items():
        packet[name] = value
    agree(bytes_of(packet))


@settings(max_examples=75, deadline=None)
@given(attributes=usual)
def test_any_usual_report_is_answered_alike(attributes: dict[str, Any]) -> None:
    packet = AcctPacket(secret=SECRET, dict=DICTIONARY)
    for name, value in attributes.items():
        packet[name] = value
    agree(bytes_of(packet))


def unusual() -> list[Any]:
    """Packets of which each has something that the quick way does not know."""
    proxied = login(proxy_states=(b"one", b"two"))
    several = login()
    several.AddAttribute("State", b"a")
    eap = login()
    eap["EAP-Message"] = b"\x02\x01\x00\x0a\x01alice"
    twice = login()
    twice.AddAttribute("Filter-Id", "a")
    twice.AddAttribute("Filter-Id", "b")
    signed_report = accounting("Start")
    signed_report.add_message_authenticator()
    return [proxied, several, eap, twice, signed_report]


@pytest.mark.parametrize("packet", unusual())
def test_what_is_not_usual_is_left_to_pyrad(packet: Any) -> None:
    data = bytes_of(packet)
    assert read(data, secret=SECRET, signed=False).packet is not None
    agree(data)


@pytest.mark.parametrize("secret", [b"s", b"s" * 64, b"s" * 65, b"s" * 200])
def test_secrets_of_any_length_sign_alike(secret: bytes) -> None:
    data = bytes_of(login(secret=secret))
    quick = read(data, secret=secret, signed=True)
    slow = read_by_pyrad(data, secret=secret, signed=True)
    for attributes in ANSWERS:
        assert reply(quick, Code.ACCESS_ACCEPT, attributes) == reply(
            slow, Code.ACCESS_ACCEPT, attributes
        )


def test_an_attribute_of_a_vendor_is_encoded_within_its_vendors() -> None:
    assert encoded("Mikrotik-Rate-Limit", "2M/5M") == b"\x1a\x0d\x00\x00\x3a\x8c\x08\x072M/5M"
    assert encoded("Session-Timeout", 1) == b"\x1b\x06\x00\x00\x00\x01"
