"""What a login is answered, as plain decisions."""

import hashlib
from typing import Any
from uuid import UUID

import pytest

from radius_service import names
from radius_service.logins import (
    WRONG,
    Accepted,
    Chap,
    Credentials,
    Known,
    Login,
    Pap,
    Rejected,
    decide,
    sent,
)

RIGHT = Pap(password=b"secret-pw")
DEVICE = "02:00:5E:10:00:00"
ITEMS = [["Session-Timeout", ":=", "3600"], ["Class", ":=", "a"], ["Idle-Timeout", "=", "600"]]


def asks(
    credentials: Credentials | None = RIGHT, *, typed: str = "alice", device_password: str = ""
) -> Login:
    return Login(
        typed=typed,
        credentials=credentials,
        mac=DEVICE,
        called=None,
        nas="site-1",
        device_password=device_password,
    )


def known(**fields: Any) -> Known:
    usual: dict[str, Any] = {
        "username": "alice",
        "password": "secret-pw",
        "reason": "ok",
        "grant_id": UUID(int=1),
        "user_id": UUID(int=2),
        "payment_id": UUID(int=3),
        "items": ITEMS,
    }
    return Known(**(usual | fields))


def refused(reason: str) -> Known:
    return known(reason=reason, items=[["Reply-Message", ":=", f"words for {reason}"]])


def chap(password: bytes) -> Chap:
    digest = hashlib.md5(b"\x01" + password + b"challenge").digest()
    return Chap(identifier=b"\x01", challenge=b"challenge", digest=digest)


@pytest.mark.parametrize("credentials", [RIGHT, chap(b"secret-pw")])
def test_who_knows_the_password_gets_what_the_database_worked_out(
    credentials: Credentials,
) -> None:
    decision = decide(asks(credentials), known())
    assert isinstance(decision, Accepted)
    assert decision.attributes == (
        ("Session-Timeout", 3600),
        ("Class", b"a"),
        ("Idle-Timeout", 600),
    )
    assert decision.grant_id == UUID(int=1)


@pytest.mark.parametrize(
    "credentials",
    [Pap(password=b"wrong"), Pap(password=b"secret-pw\xff"), Pap(password=b""), chap(b"no"), None],
)
def test_a_wrong_password_learns_nothing_about_the_account(
    credentials: Credentials | None,
) -> None:
    wrong = Rejected(reason="wrong", attributes=(("Reply-Message", WRONG),))
    assert decide(asks(credentials), refused("expired")) == wrong
    assert decide(asks(), None) == wrong


def test_a_refusal_says_why_to_who_knows_the_password() -> None:
    decision = decide(asks(), refused("expired"))
    words = (("Reply-Message", "words for expired"),)
    assert decision == Rejected(reason="expired", attributes=words)


@pytest.mark.parametrize(
    "password", [b"02-00-5e-10-00-00", b"", b"of-the-router"], ids=["address", "empty", "router's"]
)
@pytest.mark.parametrize("kind", [lambda password: Pap(password=password), chap])
def test_a_device_sends_its_address_or_nothing_or_its_routers_password(
    password: bytes, kind: Any
) -> None:
    login = asks(kind(password), typed="02-00-5e-10-00-00", device_password="of-the-router")
    assert isinstance(decide(login, known(password=None)), Accepted)


def test_a_device_with_another_password_is_refused() -> None:
    login = asks(Pap(password=b"guessed"), typed=DEVICE)
    assert isinstance(decide(login, known(password=None)), Rejected)


def test_a_user_cannot_log_in_with_what_devices_send() -> None:
    for password in (b"", b"alice", b"of-the-router"):
        login = asks(Pap(password=password), device_password="of-the-router")
        assert isinstance(decide(login, known()), Rejected)


def test_every_row_that_can_be_sent_is_sent_with_its_like() -> None:
    rows = [
        ["Filter-Id", ":=", "first"],
        ["Reply-Message", "=", "one"],
        ["Filter-Id", "+=", "second"],
        ["Unheard-Of", ":=", "x"],
        ["Session-Timeout", ":=", "soon"],
    ]
    assert sent(rows) == (
        ("Filter-Id", "first"),
        ("Filter-Id", "second"),
        ("Reply-Message", "one"),
    )


@pytest.mark.parametrize("typed", ["alice", "Alice", "ALICE ", " alice", "alice\r\n"])
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
