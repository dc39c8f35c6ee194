"""Kenyan phone numbers as people type them."""

import pytest

from hotspot.phone import InvalidPhone, mask, normalize


@pytest.mark.parametrize(
    "typed",
    [
        "0712345678",
        "0712 345 678",
        "+254712345678",
        "254712345678",
        "712345678",
        "0712-345-678",
        "+254 (0) 712 345678",
    ],
)
def test_every_way_to_write_a_number_is_one_number(typed: str) -> None:
    assert normalize(typed) == "254712345678"


def test_the_newer_prefix_is_a_mobile_number_too() -> None:
    assert normalize("0110123456") == "254110123456"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "abc",
        "0712",
        "07123456789",
        "+255712345678",
        "+1 202 555 0143",
        "020 2222222",
        "0" * 99,
        "0712345678; DROP TABLE",
        "٠٧١٢٣٤٥٦٧",
    ],
)
def test_what_is_no_kenyan_mobile_number_is_refused(typed: str) -> None:
    with pytest.raises(InvalidPhone, match="0712 345 678"):
        normalize(typed)


def test_a_masked_number_shows_its_ends_only() -> None:
    assert mask("254712345678") == "2547*****678"
