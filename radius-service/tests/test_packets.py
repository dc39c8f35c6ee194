"""Packets in and out: recorded ones, malformed ones, and any noise."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyrad.packet import AuthPacket

from radius_service.logins import Chap, Pap, login_of
from radius_service.nas import Client
from radius_service.packets import (
    DICTIONARY,
    Code,
    Malformed,
    Refused,
    Request,
    Value,
    read,
    reply,
    reply_item,
)

from .conftest import Vectors
from .world import SECRET, bytes_of, login, status_request

ROUTER = Client(nasname="10.0.0.1", secret=SECRET, signed=True)
LIMITS: list[tuple[str, Value]] = [
    ("Session-Timeout", 3600),
    ("Idle-Timeout", 600),
    ("Acct-Interim-Interval", 300),
    ("Mikrotik-Rate-Limit", "2M/5M"),
    ("Mikrotik-Total-Limit", 1073741824),
    ("Mikrotik-Total-Limit-Gigawords", 1),
    ("Class", b"sess-1"),
]


def opened(data: bytes, *, signed: bool = True) -> Request:
    return read(data, secret=SECRET, signed=signed)


def test_a_recorded_pap_login_is_read(vectors: Vectors) -> None:
    request = opened(vectors["valid"]["access_request_pap_ma_first"])
    asked = login_of(request, client=ROUTER, nas="10.0.0.1")
    assert asked.typed == "alice"
    assert asked.credentials == Pap(password=b"secret-pw")
    assert asked.mac == "02:00:5E:10:00:01"
    assert asked.nas == "MikroTik"
    assert request.address("Framed-IP-Address") == "10.5.50.10"
    assert request.word("NAS-Port-Type") == "Wireless-802.11"
    assert request.text("WISPr-Location-Name") == "site-1"


def test_a_recorded_chap_login_is_read(vectors: Vectors) -> None:
    request = opened(vectors["valid"]["access_request_chap_ma"])
    credentials = login_of(request, client=ROUTER, nas="10.0.0.1").credentials
    assert isinstance(credentials, Chap)
    assert credentials.challenge == b"defghijklmnopqrs"


def test_without_a_challenge_chap_uses_the_authenticator() -> None:
    packet = login(chap=True)
    del packet["CHAP-Challenge"]
    credentials = login_of(opened(bytes_of(packet)), client=ROUTER, nas="").credentials
    assert isinstance(credentials, Chap)
    assert credentials.challenge == packet.authenticator


@pytest.mark.parametrize("password", ["x", "a" * 16, "a" * 17, "p" * 100, "pässwörd"])
def test_passwords_of_any_length_are_revealed(password: str) -> None:
    asked = login_of(opened(bytes_of(login(password=password))), client=ROUTER, nas="")
    assert asked.credentials == Pap(password=password.encode())


def test_the_accept_is_the_recorded_one_bit_by_bit(vectors: Vectors) -> None:
    request = opened(vectors["valid"]["access_request_pap_ma_first"])
    recorded = vectors["valid"]["access_accept_for_pap (MA first)"]
    assert reply(request, Code.ACCESS_ACCEPT, LIMITS) == recorded


def test_the_reject_is_the_recorded_one_bit_by_bit(vectors: Vectors) -> None:
    request = opened(vectors["valid"]["access_request_pap_ma_first"])
    recorded = vectors["valid"]["access_reject_for_pap (MA first)"]
    assert reply(request, Code.ACCESS_REJECT, [("Reply-Message", "Voucher expired")]) == recorded


def test_each_proxy_state_comes_back_in_order_after_the_signature(vectors: Vectors) -> None:
    request = opened(vectors["valid"]["access_request_two_proxy_state"])
    data = reply(request, Code.ACCESS_ACCEPT, [("Session-Timeout", 60)])
    assert data[20] == 80
    assert data[38:56] == b"\x21\x09proxy-1\x21\x09proxy-2"


def test_a_reply_that_proxy_state_leaves_no_room_for_is_not_sent() -> None:
    states = tuple(b"s" * 253 for _ in range(15))
    request = opened(bytes_of(login(proxy_states=states)))
    with pytest.raises(Malformed):
        reply(request, Code.ACCESS_ACCEPT, [("Filter-Id", "f" * 240)] * 4)


def test_the_recorded_accounting_is_signed_with_our_secret(vectors: Vectors) -> None:
    for name in ("acct_start", "acct_interim_gigawords", "acct_stop"):
        assert opened(vectors["valid"][name]).text("User-Name") == "alice"


def test_accounting_with_another_secret_is_refused(vectors: Vectors) -> None:
    with pytest.raises(Refused, match="bad_authenticator"):
        read(vectors["valid"]["acct_start"], secret=b"another", signed=True)


def test_an_unsigned_login_is_refused_where_the_router_can_sign(vectors: Vectors) -> None:
    data = vectors["valid"]["access_request_pap_no_ma"]
    with pytest.raises(Refused, match="no_message_authenticator"):
        opened(data, signed=True)
    assert opened(data, signed=False).text("User-Name") == "alice"


@pytest.mark.parametrize("signed", [True, False])
def test_a_wrong_signature_is_refused_whatever_the_router_can(
    vectors: Vectors, signed: bool
) -> None:
    data = bytearray(vectors["valid"]["access_request_pap_ma_first"])
    data[30] ^= 1
    with pytest.raises(Refused, match="bad_message_authenticator"):
        opened(bytes(data), signed=signed)


def test_a_status_request_must_be_signed_whatever_the_router_can() -> None:
    assert opened(bytes_of(status_request()), signed=False).code == Code.STATUS_SERVER
    bare = AuthPacket(12, secret=SECRET, authenticator=bytes(range(16)), dict=DICTIONARY)
    with pytest.raises(Refused, match="no_message_authenticator"):
        opened(bytes_of(bare), signed=False)


def test_every_malformed_packet_is_dropped(vectors: Vectors) -> None:
    harmless = {
        "padding_after_length (valid: ignore the padding)",
        "user_name_nul_and_utf8",
    }
    for name, data in vectors["malformed"].items():
        if name in harmless:
            continue
        with pytest.raises(Malformed):
            opened(data, signed=False)


def test_an_attribute_that_goes_beyond_the_packet_is_no_attribute() -> None:
    cut = bytes([1, 9]) + (25).to_bytes(2) + bytes(16) + b"\x01\x06bob"
    with pytest.raises(Malformed):
        opened(cut + b"by", signed=False)


def test_one_signature_is_enough_and_two_are_malformed() -> None:
    packet = bytes_of(login())
    twice = packet[:2] + (len(packet) + 18).to_bytes(2) + packet[4:] + packet[20:38]
    with pytest.raises(Malformed, match=r"^malformed$"):
        opened(twice, signed=False)


def test_padding_after_the_packet_is_ignored(vectors: Vectors) -> None:
    data = vectors["malformed"]["padding_after_length (valid: ignore the padding)"]
    assert opened(data, signed=False).text("User-Name") == "bob"


def test_a_signed_packet_with_padding_is_still_signed(vectors: Vectors) -> None:
    opened(vectors["valid"]["access_request_pap_ma_first"] + b"padding")


def test_a_username_that_is_no_text_is_nobodys(vectors: Vectors) -> None:
    request = opened(vectors["malformed"]["user_name_nul_and_utf8"], signed=False)
    assert login_of(request, client=ROUTER, nas="").typed is None
    assert "\0" not in (request.text("User-Name") or "")


def test_a_packet_of_4096_bytes_is_read_and_one_byte_more_is_not() -> None:
    header = bytes([1, 9]) + (4096).to_bytes(2) + bytes(16)
    body = (b"\x12\xff" + b"x" * 253) * 15 + b"\x12\xfb" + b"x" * 249
    assert len(header + body) == 4096
    opened(header + body, signed=False)
    longer = bytes([1, 9]) + (4097).to_bytes(2) + bytes(16) + body[:-251] + b"\x12\xfc" + b"x" * 250
    with pytest.raises(Malformed):
        opened(longer, signed=False)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_noise_is_read_or_dropped_but_never_crashes(noise: bytes) -> None:
    header = bytes([1, 1]) + (20 + len(noise)).to_bytes(2) + bytes(16)
    for data in (noise, header + noise):
        try:
            login_of(opened(data, signed=False), client=ROUTER, nas="")
        except Malformed:
            continue


@pytest.mark.parametrize(
    ("name", "text", "sent"),
    [
        ("Acct-Interim-Interval", "300", ("Acct-Interim-Interval", 300)),
        ("Termination-Action", "RADIUS-Request", ("Termination-Action", "RADIUS-Request")),
        ("Framed-IP-Address", "10.0.0.9", ("Framed-IP-Address", "10.0.0.9")),
        ("Mikrotik-Address-List", "vip", ("Mikrotik-Address-List", "vip")),
        ("Acct-Interim-Interval", "soon", None),
        ("Acct-Interim-Interval", "4294967296", None),
        ("Framed-IP-Address", "nowhere", None),
        ("Filter-Id", "x" * 254, None),
        ("Unheard-Of", "1", None),
    ],
)
def test_only_what_can_be_sent_is_taken_from_radreply(
    name: str, text: str, sent: tuple[str, Value] | None
) -> None:
    assert reply_item(name, text) == sent
