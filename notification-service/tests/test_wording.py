"""The SMS fits into one part, in the alphabet of SMS, and says what is needed to log in."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, update
from sqlalchemy.orm import Session

from hotspot.contract.access import AccountSuspended
from hotspot.contract.money import Money
from notification_service import gsm
from notification_service.models import Template
from notification_service.wording import HIDDEN, Credentials, Ending, NoSuchTemplate, Wording

from .fakes import PASSWORD

UNTIL = datetime(2026, 11, 22, 21, 30, tzinfo=UTC)  # half past midnight in Nairobi
ENGLISH, SWAHILI = Wording(language="en"), Wording(language="sw")


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    with Session(engine) as session:
        yield session


def told(package: str = "1 hour", receipt: str | None = None) -> Credentials:
    return Credentials(
        username="0712345678", password=PASSWORD, package=package, until=UNTIL, receipt=receipt
    )


def test_it_names_package_username_password_and_the_end_on_kenyan_clocks(session: Session) -> None:
    words = ENGLISH.credentials(session, told())

    assert words.full == (
        f"WiFi 1 hour: username 0712345678 password {PASSWORD}. Valid until 23/11/2026 00:30."
    )


def test_the_receipt_is_named_where_it_is_known(session: Session) -> None:
    words = ENGLISH.credentials(session, told(receipt="SKL61H7QOP"))

    assert words.full.endswith("Valid until 23/11/2026 00:30. M-Pesa SKL61H7QOP.")


def test_what_operators_read_has_no_password(session: Session) -> None:
    words = ENGLISH.credentials(session, told())

    assert words.shown == words.full.replace(PASSWORD, HIDDEN)


@pytest.mark.parametrize("wording", [ENGLISH, SWAHILI])
@pytest.mark.parametrize(
    "package",
    [
        "",
        "x",
        "Day " * 100,
        "€" * 90,
        "Élan vital – “fiber” 5 Mbps",
        "日本" * 50,
        "~^{}" * 40,
        "ﬀ" * 99,
    ],
)
@pytest.mark.parametrize("receipt", [None, "SKL61H7QOP"])
def test_any_package_name_fits_into_one_sms_with_all_that_one_needs(
    session: Session, wording: Wording, package: str, receipt: str | None
) -> None:
    text = wording.credentials(session, told(package, receipt)).full

    assert gsm.length(text) <= 160
    assert gsm.to_gsm(text) == text
    for needed in ("0712345678", PASSWORD, "23/11/2026 00:30"):
        assert needed in text


@pytest.mark.parametrize("language", ["en", "sw"])
@pytest.mark.parametrize("paybill", ["", "400200", "1234567890"])
@pytest.mark.parametrize("package", ["", "Day " * 100, "~^{}" * 40, "日本" * 50])
def test_what_subscribers_are_told_fits_into_one_sms_with_how_to_pay(
    session: Session, language: str, paybill: str, package: str
) -> None:
    wording = Wording(language=language, paybill=paybill)
    words, price = wording.reminders(session), Money(amount=12_345_650)
    texts = [
        words.text(
            Ending(phone="254712345678", package=package, price=cost, until=UNTIL, is_over=is_over)
        )
        for is_over in (False, True)
        for cost in (price, None)
    ]
    suspended = [
        wording.suspended(session, reason=reason, phone="254712345678", price=price)
        for reason in get_args(get_type_hints(AccountSuspended)["reason"])
    ]

    for text in [*texts, *suspended]:
        assert gsm.length(text) <= 160
        assert gsm.to_gsm(text) == text
        assert not re.search(r"\{\w+\}|  ", text)
    for text in texts:
        assert "23/11/2026 00:30" in text
        assert not paybill or f"Paybill {paybill}" in text
    assert "KES 123456.50" in texts[0]


def test_a_long_name_drops_the_receipt_before_it_is_cut(session: Session) -> None:
    name = "Family weekend bundle with much data for everybody at home and next door"

    text = ENGLISH.credentials(session, told(name, "SKL61H7QOP")).full

    assert name in text
    assert "SKL61H7QOP" not in text


def test_a_name_that_is_too_long_is_cut_with_dots(session: Session) -> None:
    text = ENGLISH.credentials(session, told("Weekend " * 20)).full

    assert gsm.length(text) == 160
    assert "..: username" in text


def test_the_other_language_is_spoken_where_it_is_set(session: Session) -> None:
    text = SWAHILI.credentials(session, told()).full

    assert f"nenosiri {PASSWORD}" in text


def test_a_missing_translation_falls_back_to_english(session: Session) -> None:
    session.execute(delete(Template).where(Template.language == "sw"))

    assert "password" in SWAHILI.credentials(session, told()).full


def test_a_template_that_is_gone_is_said_so(session: Session) -> None:
    session.execute(delete(Template))

    with pytest.raises(NoSuchTemplate, match="credentials"):
        ENGLISH.credentials(session, told())


def test_a_template_cannot_reach_into_the_program(session: Session) -> None:
    session.execute(update(Template).values(text="{username.__class__} {other} {password}"))

    text = ENGLISH.credentials(session, told()).full

    assert text == "{username.__class__} {other} " + PASSWORD


def test_a_package_name_cannot_pull_in_the_password(session: Session) -> None:
    text = ENGLISH.credentials(session, told("{password}")).full

    assert text.startswith("WiFi {password}: ")


@given(st.text(max_size=300))
def test_any_text_becomes_text_that_sms_can_carry(text: str) -> None:
    carried = gsm.to_gsm(text)

    assert gsm.to_gsm(carried) == carried


@given(st.text(alphabet="ab €~^", max_size=50), st.integers(0, 60))
def test_shortened_text_fits_and_short_text_is_left_alone(text: str, room: int) -> None:
    short = gsm.shorten(text, room)

    assert gsm.length(short) <= room
    assert short == text or gsm.length(text) > room
