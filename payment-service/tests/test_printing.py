"""Vouchers on paper: what a card says, and that any name fits on it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from hotspot.contract.money import Money
from payment_service.vouchers.printing import (
    Card,
    Sheet,
    duration_in_words,
    link,
    pdf,
    terms_in_words,
)

from .paper import drawn, words_of
from .shop import package

SHEET = Sheet(
    provider="Karibu WiFi",
    portal_url="https://wifi.example.co.ke",
    package=replace(package(Money.shillings(1250)), data_bytes=7 * 10**9, devices=2),
    expires_at=datetime(2026, 12, 31, 22, tzinfo=UTC),  # the next day in Nairobi
    cards=[Card(number=f"7-{serial}", code=f"4KCX9-DM7RH-PWT{serial:02}") for serial in range(25)],
)
NOW = datetime(2026, 1, 15, tzinfo=UTC)


def test_a_card_says_what_it_is_worth() -> None:
    words = words_of(pdf(SHEET, NOW))
    assert words[:10] == [
        "Karibu WiFi",
        "KSh 1,250",
        "1 hour",
        "1 hour",
        "5 Mbps, 7 GB",
        "2 devices at once",
        "Use by 1 Jan 2027",
        "4KCX9-DM7RH-PWT00",
        "Scan, or type it at wifi.example.co.ke",
        "No. 7-0",
    ]
    assert [word for word in words if word.startswith("4KCX9")] == [
        card.code for card in SHEET.cards
    ]


def test_24_cards_are_on_a_page() -> None:
    assert b"/Count 2" in pdf(SHEET, NOW)
    assert b"/Count 1" in pdf(replace(SHEET, cards=SHEET.cards[:24]), NOW)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Week \N{LATIN CAPITAL LETTER I WITH TILDE} \N{PILE OF POO}5", "Week I 5"),
        ("caf\N{LATIN SMALL LETTER E WITH ACUTE} (best)", "caf\xe9 \\(best\\)"),
        ("\N{PILE OF POO}", None),
        ("W" * 60, None),
    ],
)
def test_any_name_can_be_printed(name: str, shown: str | None) -> None:
    named = replace(SHEET, package=replace(SHEET.package, name=name), provider=name)
    document = pdf(named, NOW)
    assert "4KCX9-DM7RH-PWT00" in words_of(document)
    if shown:
        assert shown.encode("latin-1") in drawn(document)


def test_the_qr_code_opens_the_portal_with_the_code() -> None:
    assert link("https://wifi.example.co.ke", "A-B") == "https://wifi.example.co.ke/?voucher=A-B"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1800, "30 minutes"),
        (3600, "1 hour"),
        (5400, "1 hour 30 minutes"),
        (86_400, "1 day"),
        (7 * 86_400 + 3600, "7 days 1 hour"),
        (59, "59 seconds"),
    ],
)
def test_a_duration_is_said_in_words(seconds: int, words: str) -> None:
    assert duration_in_words(seconds) == words


def test_speed_and_data_are_said_in_words() -> None:
    slow = replace(package(), down_kbps=512, data_bytes=500 * 10**6)
    assert terms_in_words(slow) == ("1 hour", "512 kbps, 500 MB", "1 device")
    free = replace(package(), down_kbps=2500)
    assert terms_in_words(free)[1] == "2.5 Mbps, no data limit"
