"""The alphabet of SMS (GSM 03.38): what fits into one message of 160 characters."""

import unicodedata
from typing import Final

ONE_PART: Final = 160

_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# Each of these is sent as two.
_EXTENDED: Final = frozenset("^{}\\[~]|€")
_ALIKE: Final = str.maketrans(
    {
        "‘": "'",
        "’": "'",
        "“": '"',
        "”": '"',
        "–": "-",
        "—": "-",
        "…": "...",
        "×": "x",
        "\u00a0": " ",
        "\t": " ",
    }
)


def to_gsm(text: str) -> str:
    """The text in the alphabet of SMS: one letter outside of it would halve what fits."""
    return "".join(_nearest(character) for character in text.translate(_ALIKE))


def length(text: str) -> int:
    """Characters that a text takes, counted as the networks do (3GPP TS 23.038)."""
    return sum(2 if character in _EXTENDED else 1 for character in text)


def shorten(text: str, room: int) -> str:
    """The text, or as much of its beginning as fits with two dots behind it."""
    if length(text) <= room:
        return text
    cut = text
    while cut and length(cut) > room - 2:
        cut = cut[:-1]
    return cut.rstrip() + ".." if cut else ""


def _nearest(character: str) -> str:
    if character in _BASIC or character in _EXTENDED:
        return character
    plain = "".join(one for one in unicodedata.normalize("NFKD", character) if one in _BASIC)
    return plain or ("" if unicodedata.combining(character) else "?")
