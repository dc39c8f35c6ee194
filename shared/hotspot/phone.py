"""Kenyan phone numbers."""

import phonenumbers


class InvalidPhone(ValueError):
    """Not a Kenyan mobile number."""


def normalize(text: str) -> str:
    """A Kenyan mobile number as M-Pesa writes it: 254 and nine digits. Raises InvalidPhone.

    Accepts what people type: 0712 345 678, 712345678, +254712345678, 254712345678, 0112345678.
    """
    problem = "write a Kenyan mobile number such as 0712 345 678"
    try:
        number = phonenumbers.parse(text, "KE")
    except phonenumbers.NumberParseException as error:
        raise InvalidPhone(problem) from error
    kinds = (
        phonenumbers.PhoneNumberType.MOBILE,
        phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE,
    )
    if number.country_code != 254 or phonenumbers.number_type(number) not in kinds:
        raise InvalidPhone(problem)
    return f"254{number.national_number}"


def mask(phone: str) -> str:
    """A number that its owner recognises and nobody else learns: 2547*****678."""
    return f"{phone[:4]}*****{phone[-3:]}"
