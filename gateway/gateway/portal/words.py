"""What guests read, in their language: one catalogue of texts each, and how amounts are said."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from hotspot.clock import NAIROBI
from hotspot.contract.money import Money

LANGUAGES = ("en", "sw")
_FOLDER = Path(__file__).parent / "texts"
_UNITS = (("day", 86_400), ("hour", 3600), ("minute", 60))


@dataclass(frozen=True, kw_only=True)
class Words:
    """The catalogue of one language: `section.key` to text."""

    language: str
    texts: Mapping[str, str]

    def __call__(self, key: str, **values: object) -> str:
        """A text with its values filled in. Raises KeyError: there is no such text."""
        text = self.texts[key]
        return text.format(**values) if values else text

    def or_other(self, section: str, key: str | None, part: str = "") -> str:
        """The text of a section for this key, or the section's text for all others."""
        wanted = f"{section}.{key}{part}"
        return self.texts.get(wanted) or self.texts[f"{section}.other{part}"]

    def duration(self, seconds: int) -> str:
        """The two largest units: `2 days 5 hours`. Whole minutes from one minute on."""
        if seconds < 60:
            return self._count("second", max(0, seconds))
        parts = []
        for name, size in _UNITS:
            count, seconds = divmod(seconds, size)
            if count:
                parts.append(self._count(name, count))
            elif parts:
                break  # `1 day 5 minutes` says less than `1 day`
        if len(parts) == 1:
            return parts[0]
        return self("unit.and", a=parts[0], b=parts[1])

    def devices(self, count: int) -> str:
        """How many at once."""
        return self._count("device", count)

    def _count(self, unit: str, count: int) -> str:
        return self(f"unit.{unit}_one" if count == 1 else f"unit.{unit}_many", n=count)


def load(language: str) -> Words:
    """The catalogue of a language."""
    with (_FOLDER / f"{language}.toml").open("rb") as file:
        return Words(language=language, texts=dict(_flat(tomllib.load(file))))


def shillings(price: Money) -> str:
    """As it is said in Kenya: `KSh 1,000`; cents only where there are any."""
    whole, cents = divmod(price.amount, 100)
    return f"KSh {whole:,}.{cents:02d}" if cents else f"KSh {whole:,}"


def speed(kbps: int) -> str:
    """`5 Mbps`, `512 kbps`."""
    return f"{kbps / 1000:g} Mbps" if kbps >= 1000 else f"{kbps} kbps"


def data(count: int) -> str:
    """Bytes as packages are sold: `7 GB`, `1.5 GB`, `300 MB`; in thousands, rounded down."""
    gigabytes, megabytes = count / 1000**3, count // 1000**2
    if gigabytes >= 1:
        return f"{int(gigabytes * 10) / 10:g} GB"
    return f"{megabytes} MB"


def moment(at: datetime, now: datetime) -> str:
    """A time of day in Nairobi, with the day where it is not today's: `16:20`, `17/1 16:20`."""
    local = at.astimezone(NAIROBI)
    time = f"{local:%H:%M}"
    return (
        time
        if local.date() == now.astimezone(NAIROBI).date()
        else f"{local.day}/{local.month} {time}"
    )


def said_phone(masked: str) -> str:
    """A masked number as its owner writes it: 2547*****678 is 07*****678."""
    return f"0{masked[3:]}" if masked.startswith("254") else masked


def _flat(table: Mapping[str, Any], path: str = "") -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, value in table.items():
        if isinstance(value, Mapping):
            found += _flat(value, f"{path}{name}.")
        else:
            found.append((f"{path}{name}", str(value)))
    return found
