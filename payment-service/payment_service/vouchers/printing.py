"""Vouchers on paper: cards to cut out and sell, each with a QR code that opens the portal.

`python -m payment_service.vouchers.printing` prints the pickled sheet and moment of its standard
input: a process of its own (`batch_routes.Press`). The web process never loads the libraries.
"""

import os
import pickle
import sys
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from hotspot.clock import NAIROBI
from hotspot.contract.packages import PackageTerms

if TYPE_CHECKING:
    from fpdf import FPDF

COLUMNS, ROWS = 3, 8

# Millimetres, on A4
_MARGIN = 8.0
_WIDTH, _HEIGHT = (210 - 2 * _MARGIN) / COLUMNS, (297 - 2 * _MARGIN) / ROWS
_PAD, _BAND, _QR = 3.0, 6.0, 17.5
_ACCENT, _INK, _FAINT = (10, 90, 50), (20, 20, 20), (110, 110, 110)

_SECONDS = (("day", 86_400), ("hour", 3_600), ("minute", 60))
# Always the same mask: trying all eight for the best one takes four times as long, and scanners
# read any (ISO/IEC 18004 section 7.8).
_MASK = 3


@dataclass(frozen=True, kw_only=True)
class Card:
    """One voucher: `number` as people call it (batch and serial), and its code."""

    number: str
    code: str


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """What is printed. `portal_url`: the page that a guest's phone shall open, without a `/`."""

    provider: str
    portal_url: str
    package: PackageTerms
    expires_at: datetime | None
    cards: Sequence[Card]


def pdf(sheet: Sheet, now: datetime) -> bytes:
    """A4 pages of 24 cards with lines to cut along. About a second for 1,000 cards."""
    from fpdf import FPDF

    paper = FPDF(unit="mm", format="A4")
    paper.set_auto_page_break(False)
    paper.set_margins(0, 0)
    paper.c_margin = 0
    paper.set_title(_plain(f"Vouchers: {sheet.package.name}"))
    paper.set_author(_plain(sheet.provider))
    paper.set_creation_date(now)
    for at, card in enumerate(sheet.cards):
        place = at % (COLUMNS * ROWS)
        if place == 0:
            _begin_page(paper)
        row, column = divmod(place, COLUMNS)
        _draw(paper, _MARGIN + column * _WIDTH, _MARGIN + row * _HEIGHT, sheet, card)
    return bytes(paper.output())


def link(portal_url: str, code: str) -> str:
    """What the QR code says: the portal, with the code filled in."""
    return f"{portal_url}/?voucher={quote(code)}"


def duration_in_words(seconds: int) -> str:
    """Such as `1 hour 30 minutes`."""
    words, rest = [], seconds
    for unit, size in _SECONDS:
        many, rest = divmod(rest, size)
        if many:
            words.append(_many(many, unit))
    return " ".join(words) or _many(seconds, "second")


def terms_in_words(package: PackageTerms) -> tuple[str, str, str]:
    """How long, how fast and how much, on how many devices."""
    data = "no data limit" if package.data_bytes is None else _bytes(package.data_bytes)
    return (
        duration_in_words(package.duration_seconds),
        f"{_speed(package.down_kbps)}, {data}",
        _many(package.devices, "device") + ("" if package.devices == 1 else " at once"),
    )


def price_in_words(package: PackageTerms) -> str:
    """Such as `KSh 1,000`."""
    return f"KSh {package.price.amount // 100:,}"


def _begin_page(paper: "FPDF") -> None:
    paper.add_page()
    paper.set_draw_color(*_FAINT)
    paper.set_line_width(0.1)
    paper.set_dash_pattern(dash=1.2, gap=1.2)
    for column in range(COLUMNS + 1):
        x = _MARGIN + column * _WIDTH
        paper.line(x, _MARGIN / 2, x, 297 - _MARGIN / 2)
    for row in range(ROWS + 1):
        y = _MARGIN + row * _HEIGHT
        paper.line(_MARGIN / 2, y, 210 - _MARGIN / 2, y)
    paper.set_dash_pattern()


def _draw(paper: "FPDF", x: float, y: float, sheet: Sheet, card: Card) -> None:
    left, inner = x + _PAD, _WIDTH - 2 * _PAD
    beside_qr = inner - _QR - _PAD
    _draw_band(paper, x, y, sheet)
    paper.set_text_color(*_INK)
    _write(paper, left, y + 8.2, beside_qr, sheet.package.name, size=12, style="B")
    for line, words in enumerate(terms_in_words(sheet.package)):
        _write(paper, left, y + 13.6 + 3.2 * line, beside_qr, words, size=7.5)
    if sheet.expires_at is not None:
        day = sheet.expires_at.astimezone(NAIROBI)
        _write(
            paper, left, y + 23.2, beside_qr, f"Use by {day.day} {day:%b %Y}", size=7.5, style="B"
        )
    paper.image(_qr(link(sheet.portal_url, card.code)), left + inner - _QR, y + 8.3, _QR, _QR)
    _write(paper, left, y + 26.4, inner, card.code, size=15, style="B", font="Courier", align="C")
    paper.set_text_color(*_FAINT)
    below = y + _HEIGHT - 3.2
    where = f"Scan, or type it at {sheet.portal_url.partition('://')[2]}"
    _write(paper, left, below, inner * 0.75, where, size=5.5)
    _write(paper, left, below, inner, f"No. {card.number}", size=5.5, align="R")


def _draw_band(paper: "FPDF", x: float, y: float, sheet: Sheet) -> None:
    """The provider and the price, white on the accent."""
    paper.set_fill_color(*_ACCENT)
    paper.rect(x + 0.6, y + 0.6, _WIDTH - 1.2, _BAND, style="F")
    paper.set_text_color(255, 255, 255)
    width, top = _WIDTH - 2 * _PAD, y + 0.6 + (_BAND - 3.6) / 2
    _write(paper, x + _PAD, top, width * 0.68, sheet.provider, size=10, style="B")
    price = price_in_words(sheet.package)
    _write(paper, x + _PAD, top, width, price, size=10, style="B", align="R")


def _write(
    paper: "FPDF",
    x: float,
    y: float,
    width: float,
    words: str,
    *,
    size: float,
    style: str = "",
    font: str = "Helvetica",
    align: str = "L",
) -> None:
    """One line that fits: smaller where it must be, cut off where that would be too small."""
    words = _plain(words)
    paper.set_font(font, style, size)
    wide = paper.get_string_width(words)
    if wide > width:
        paper.set_font(font, style, max(size * width / wide, size * 0.6))
        words = _cut(paper, words, width)
    paper.set_xy(x, y)
    paper.cell(width, size * 0.36, words, align=align)


def _cut(paper: "FPDF", words: str, width: float) -> str:
    """As much of a line as is `width` millimetres wide."""
    if paper.get_string_width(words) <= width + 0.01:
        return words
    while words and paper.get_string_width(words + "...") > width:
        words = words[:-1]
    return words.rstrip() + "..."


def _qr(text: str) -> Any:
    """A QR code as an image, one dot a module: no library draws 5,000 of them faster."""
    import segno
    from PIL import Image

    matrix = segno.make_qr(text, error="m", mask=_MASK).matrix
    dots = b"".join(bytes(0 if dark else 255 for dark in row) for row in matrix)
    return Image.frombytes("L", (len(matrix), len(matrix)), dots).convert("1")


def _plain(words: str) -> str:
    """What the fonts of every PDF reader have (Latin-1): Kikuyu's vowels lose their tildes."""
    decomposed = "".join(
        sign if _is_latin(sign) else unicodedata.normalize("NFKD", sign) for sign in words
    )
    return "".join(sign for sign in decomposed if _is_latin(sign))


def _is_latin(sign: str) -> bool:
    return ord(sign) < 256


def _speed(kbps: int) -> str:
    return f"{kbps / 1000:g} Mbps" if kbps >= 1000 else f"{kbps} kbps"


def _bytes(many: int) -> str:
    return f"{many / 1000**3:.3g} GB" if many >= 1000**3 else f"{many / 1000**2:.3g} MB"


def _many(many: int, what: str) -> str:
    return f"{many} {what}" if many == 1 else f"{many} {what}s"


if __name__ == "__main__":
    os.nice(10)  # a callback of M-Pesa goes before
    sys.stdout.buffer.write(pdf(*pickle.load(sys.stdin.buffer)))  # noqa: S301  # by our parent
