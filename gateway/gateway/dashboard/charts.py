"""Charts as geometry: what a template draws as SVG, with no script and no library."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 600.0, 150.0


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One bar: its place, and what it says when it is pointed at."""

    x: float
    y: float
    width: float
    height: float
    label: str
    said: str


@dataclass(frozen=True, kw_only=True)
class Bars:
    """Bars side by side under a line that says how much the top is."""

    bars: Sequence[Bar]
    top: float
    first: str
    last: str


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line over time, broken where nothing is known. `gaps`: x and width of these."""

    pieces: Sequence[str]
    gaps: Sequence[tuple[float, float]]
    top: float
    first: str
    last: str


def bars(values: Sequence[float], labels: Sequence[str], said: Sequence[str]) -> Bars:
    """Bars of values from 0 on, all of one width."""
    top = nice(max(values, default=0))
    step = WIDTH / max(len(values), 1)
    return Bars(
        bars=[
            Bar(
                x=round(at * step + step * 0.14, 1),
                y=round(HEIGHT - HEIGHT * value / top, 1),
                width=round(step * 0.72, 1),
                height=round(HEIGHT * value / top, 1),
                label=label,
                said=text,
            )
            for at, (value, label, text) in enumerate(zip(values, labels, said, strict=True))
        ],
        top=top,
        first=labels[0] if labels else "",
        last=labels[-1] if labels else "",
    )


def line(values: Sequence[float | None], labels: Sequence[str]) -> Line:
    """A line through values; None: nothing is known at that place."""
    known = [value for value in values if value is not None]
    top = nice(max(known, default=0))
    step = WIDTH / max(len(values) - 1, 1)
    pieces: list[list[str]] = [[]]
    gaps: list[tuple[float, float]] = []
    for at, value in enumerate(values):
        if value is None:
            begins, ends = max(at - 0.5, 0) * step, min((at + 0.5) * step, WIDTH)
            gaps.append((round(begins, 1), round(ends - begins, 1)))
            pieces.append([])
        else:
            pieces[-1].append(f"{at * step:.1f},{HEIGHT - HEIGHT * value / top:.1f}")
    return Line(
        pieces=[" ".join(piece) for piece in pieces if piece],
        gaps=gaps,
        top=top,
        first=labels[0] if labels else "",
        last=labels[-1] if labels else "",
    )


def nice(most: float) -> float:
    """The next number up that reads easily: 1, 2, 2.5 or 5 times a power of ten; 4 at least."""
    if most <= 4:
        return 4.0
    power = 10 ** math.floor(math.log10(most))
    return next(float(step * power) for step in (1, 2, 2.5, 5, 10) if step * power >= most)
