"""Who paid is told in the clear, hashed or masked."""

import pytest

from payment_service.settling.payers import is_same, read_payer

from .shop import PHONE
from .test_credit import FRIEND, HASH, MASK


@pytest.mark.parametrize(
    ("payer", "same"),
    [
        (PHONE, True),
        (FRIEND, False),
        (HASH, True),
        (HASH.upper(), True),
        ("0" * 64, False),
        (MASK, True),
        ("2547*****678", True),
        ("2547 ***** 679", False),
        ("2541xxxxx678", False),
        ("254712345678 ***** 678", None),
        ("", None),
        (None, None),
        ("JOHN DOE", None),
    ],
)
def test_a_payer_is_compared_with_a_phone_as_far_as_m_pesa_tells(
    payer: str | None, same: bool | None
) -> None:
    assert is_same(payer, PHONE) is same


@pytest.mark.parametrize("msisdn", [None, True, {}, [], "", "x" * 600, "a\x00b", 12])
def test_nonsense_names_nobody(msisdn: object) -> None:
    assert read_payer(msisdn).told is None


def test_a_number_is_read_as_text_or_digits() -> None:
    assert read_payer(int(PHONE)).phone == read_payer("0712345678").phone == PHONE
