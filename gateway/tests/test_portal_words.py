"""What guests read: the same in every language, and amounts as people say them."""

import re
from datetime import UTC, datetime
from string import Formatter

import pytest

from gateway.portal import words as portal_words
from gateway.portal.words import LANGUAGES
from hotspot.contract.money import Money

NOON = datetime(2026, 1, 15, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize("language", [one for one in LANGUAGES if one != "en"])
def test_every_language_has_the_same_texts_with_the_same_values(language: str) -> None:
    english, other = portal_words.load("en").texts, portal_words.load(language).texts
    assert english.keys() == other.keys()
    for key, text in english.items():
        assert _values(text) == _values(other[key]), key
        assert other[key].strip() == other[key] != ""
    same = {key for key, text in english.items() if other[key] == text}
    assert same == set()


def test_nothing_is_said_that_no_page_says() -> None:
    folder = portal_words._FOLDER.parent
    sources = [*folder.glob("*.py"), *folder.glob("templates/*.html")]
    said = "\n".join(one.read_text() for one in sources)
    for key in portal_words.load("en").texts:
        section, _, name = key.partition(".")
        is_looked_up = section in ("failed", "refused", "login", "unit")
        is_of_stage = section in ("claimed", "redeemed", "paid", "ready", "online", "ended", "wait")
        is_said = f'"{key}"' in said or (is_of_stage and name in ("title", "text"))
        assert is_said or is_looked_up, key


def _values(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize(
    ("seconds", "english", "swahili"),
    [
        (0, "0 seconds", "sekunde 0"),
        (1, "1 second", "sekunde 1"),
        (60, "1 minute", "dakika 1"),
        (3599, "59 minutes", "dakika 59"),
        (3600, "1 hour", "saa 1"),
        (7800, "2 hours 10 minutes", "saa 2 na dakika 10"),
        (86_400 + 300, "1 day", "siku 1"),
        (2 * 86_400 + 5 * 3600 + 59, "2 days 5 hours", "siku 2 na saa 5"),
    ],
)
def test_time_is_said_in_its_two_largest_units(seconds: int, english: str, swahili: str) -> None:
    assert portal_words.load("en").duration(seconds) == english
    assert portal_words.load("sw").duration(seconds) == swahili


def test_amounts_are_said_as_in_kenya() -> None:
    assert portal_words.shillings(Money.shillings(1000)) == "KSh 1,000"
    assert portal_words.shillings(Money(amount=2050)) == "KSh 20.50"
    assert portal_words.speed(5000) == "5 Mbps"
    assert portal_words.speed(1500) == "1.5 Mbps"
    assert portal_words.speed(512) == "512 kbps"
    assert portal_words.data(7 * 1000**3) == "7 GB"
    assert portal_words.data(1_990_000_000) == "1.9 GB"
    assert portal_words.data(999_999_999) == "999 MB"
    assert portal_words.said_phone("2547*****678") == "07*****678"


def test_a_moment_is_that_of_nairobi() -> None:
    assert portal_words.moment(datetime(2026, 1, 15, 20, 30, tzinfo=UTC), NOON) == "23:30"
    assert portal_words.moment(datetime(2026, 1, 15, 21, 30, tzinfo=UTC), NOON) == "16/1 00:30"


def test_no_text_frightens_or_shouts() -> None:
    for language in LANGUAGES:
        for key, text in portal_words.load(language).texts.items():
            assert not re.search(r"!!|\b(ERROR|FAILED|INVALID)\b", text), key
            assert not text.endswith(" "), key
