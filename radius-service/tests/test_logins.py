"""What a login is answered, as plain decisions."""

import hashlib
from typing import Any
from uuid import UUID

import pytest

from radius_service import names
from radius_service.logins import (
    REFUSALS,
    WRONG,
    Accepted,
    Chap,
    Known,
    Login,
    Pap,
    Rejected,
    decide,
    rate_limit,
)

from .world import GIB

RIGHT = Pap(password=b"secret-pw")


def asks(credentials: Pap | Chap | None = RIGHT) -> Login:
    return Login(username="alice", credentials=credentials, mac=None, called=None, nas="site-1")


def known(**fields: Any) -> Known:
    usual: dict[str, Any] = {
        "password": "secret-pw",
        "reason": "ok",
        "grant_id": UUID(int=1),
        "user_id": UUID(int=2),
        "payment_id": UUID(int=3),
        "seconds_left": 3600,
        "data_left": None,
        "down_kbps": 5000,
        "up_kbps": 2000,
        "devices": 2,
        "reply_items": (("Acct-Interim-Interval", "300"),),
    }
    return Known(**(usual | fields))


def accepted(**fields: Any) -> dict[str, object]:
    decision = decide(asks(), known(**fields))
    assert isinstance(decision, Accepted)
    return dict(decision.attributes)


def chap(password: bytes) -> Chap:
    digest = hashlib.md5(b"\x01" + password + b"challenge").digest()
    return Chap(identifier=b"\x01", challenge=b"challenge", digest=digest)


def test_a_login_gets_what_is_left_and_what_radreply_adds() -> None:
    assert accepted() == {
        "Session-Timeout": 3600,
        "Mikrotik-Rate-Limit": "2M/5M",
        "Port-Limit": 2,
        "Class": str(UUID(int=1)).encode(),
        "Acct-Interim-Interval": 300,
    }


@pytest.mark.parametrize("credentials", [RIGHT, chap(b"secret-pw")])
def test_the_right_password_is_accepted(credentials: Pap | Chap) -> None:
    assert isinstance(decide(asks(credentials), known()), Accepted)


@pytest.mark.parametrize(
    "credentials",
    [Pap(password=b"wrong"), Pap(password=b"secret-pw\xff"), Pap(password=b""), chap(b"no"), None],
)
def test_a_wrong_password_learns_nothing_about_the_account(
    credentials: Pap | Chap | None,
) -> None:
    wrong = Rejected(reason="wrong", message=WRONG)
    assert decide(asks(credentials), known(reason="expired")) == wrong
    assert decide(asks(), None) == wrong


@pytest.mark.parametrize("reason", REFUSALS)
def test_a_refusal_says_why_in_words_that_fit_into_one_attribute(reason: str) -> None:
    decision = decide(asks(), known(reason=reason))
    assert decision == Rejected(reason=reason, message=REFUSALS[reason])
    assert len(REFUSALS[reason].encode()) <= 253


@pytest.mark.parametrize(
    ("left", "octets", "gigawords"),
    [
        (1, 1, None),
        (4 * GIB - 1, 4 * GIB - 1, None),
        (4 * GIB, 0, 1),
        (5 * GIB, GIB, 1),
        (10_000 * GIB + 7, 7, 2500),
    ],
)
def test_data_over_4_gib_needs_gigawords(left: int, octets: int, gigawords: int | None) -> None:
    attributes = accepted(data_left=left)
    assert attributes["Mikrotik-Total-Limit"] == octets
    assert attributes.get("Mikrotik-Total-Limit-Gigawords") == gigawords


def test_a_constant_in_radreply_never_replaces_what_is_left() -> None:
    constants = (("Session-Timeout", "999999"), ("Mikrotik-Total-Limit-Gigawords", "9"))
    attributes = accepted(reply_items=constants, data_left=100)
    assert attributes["Session-Timeout"] == 3600
    assert "Mikrotik-Total-Limit-Gigawords" not in attributes


def test_time_left_is_cut_to_what_the_attribute_holds() -> None:
    assert accepted(seconds_left=2**40)["Session-Timeout"] == 2**32 - 1


@pytest.mark.parametrize(
    ("up", "down", "text"),
    [(2000, 5000, "2M/5M"), (512, 1536, "512k/1536k"), (100_000, 256, "100M/256k")],
)
def test_a_rate_is_the_guests_upload_then_download(up: int, down: int, text: str) -> None:
    assert rate_limit(up_kbps=up, down_kbps=down) == text


@pytest.mark.parametrize("typed", ["alice", "Alice", "ALICE ", " alice"])
def test_usernames_are_taken_as_phones_write_them(typed: str) -> None:
    assert names.username(typed) == "alice"


@pytest.mark.parametrize(
    "written", ["02:00:5e:10:00:00", "02-00-5E-10-00-00", "0200.5e10.0000", "02005E100000"]
)
def test_a_device_has_one_address_however_its_router_writes_it(written: str) -> None:
    assert names.mac(written) == "02:00:5E:10:00:00"


def test_what_is_no_mac_is_kept_as_it_is() -> None:
    assert names.mac("10.0.0.1") == "10.0.0.1"
    assert names.mac("") is None
    assert names.mac(None) is None
