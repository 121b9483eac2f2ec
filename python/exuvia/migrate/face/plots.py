"""Plots as inline SVG; colours come from the page's style, so that they follow light and dark."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from exuvia.migrate.face.durations import duration

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["days", "distributions", "stacked_bars"]

WIDTH = 860
LABEL = 270
VALUE = 96
TOP = 8
TICKS = 26
LAST = 28
"""Room for the half of the last label of an axis that stands right of its line."""


def stacked_bars(rows: Sequence[tuple[str, Sequence[tuple[str, float]]]], title: str, unit: str) -> str:
    """Draw bars of parts on one linear scale, for instance compute and waiting of whole runs.

    Args:
        rows: Name and its parts: CSS class and amount.
        title: What the plot shows.
        unit: Unit of the amounts.

    Returns:
        An `<svg>` element, or nothing if every amount is zero.
    """
    most = max((sum(amount for _, amount in parts) for _, parts in rows), default=0.0)
    if most <= 0:
        return ""
    span = WIDTH - LABEL - VALUE
    row = 38
    height = TOP + row * len(rows) + 4
    out = [_open(height, title)]
    for at, (name, parts) in enumerate(rows):
        y = TOP + at * row
        out.append(_label(name, y + 21))
        x = float(LABEL)
        for css, amount in parts:
            width = amount / most * span
            if width > 0:
                out.append(
                    f'<rect class="{escape(css, quote=True)}" x="{x:.1f}" y="{y + 5}" '
                    f'width="{max(width, 1):.1f}" height="22" rx="3">'
                    f"<title>{escape(css)}: {_amount(amount)} {escape(_noun(amount, unit))}</title></rect>"
                )
            x += width
        total = sum(amount for _, amount in parts)
        said = f"{_amount(total)} {escape(_noun(total, unit))}"
        out.append(f'<text class="value" x="{x + 6:.1f}" y="{y + 21}">{said}</text>')
    return "".join([*out, "</svg></div>"])


def _amount(amount: float) -> str:
    """A count without decimals, a time with two."""
    return f"{amount:,.0f}" if amount >= 1000 or amount == int(amount) else f"{amount:,.2f}"


def _noun(amount: float, unit: str) -> str:
    return unit.removesuffix("s") if amount == 1 and len(unit) > 1 else unit


def days(marks: Sequence[tuple[str, str, str]]) -> str:
    """Draw sessions as a strip of days.

    Args:
        marks: Day, `clean`, `dirty` or `inconclusive`, and why.

    Returns:
        An `<svg>` element, or nothing if there are no days.
    """
    if not marks:
        return ""
    step = min(64.0, WIDTH / len(marks))
    css = {"clean": "equal", "dirty": "differs", "inconclusive": "waiting"}
    out = [_open(46, "Sessions in order")]
    every = max(1, math.ceil(58 / step))
    for at, (day, state, why) in enumerate(marks):
        said = escape(f"{day}: {state}{', ' + why if why else ''}")
        box = f'x="{at * step:.1f}" y="4" width="{max(step - 4, 2):.1f}" height="18" rx="3"'
        out.append(f'<rect class="{css[state]}" {box}><title>{said}</title></rect>')
        if at % every == 0:
            out.append(f'<text class="tick" x="{at * step:.1f}" y="38">{escape(day[5:])}</text>')
    return "".join([*out, "</svg></div>"])


def distributions(rows: Sequence[tuple[str, Sequence[int], Sequence[int]]], title: str) -> str:
    """Draw how both sides' times are spread, on one logarithmic scale for all units.

    Args:
        rows: Name, legacy's and the candidate's calls by bucket: bucket `b` holds times below 2^b ns.
        title: What the plot shows.

    Returns:
        An `<svg>` element, or nothing if there are no calls.
    """
    used = [at for _, *sides in rows for side in sides for at, calls in enumerate(side) if calls]
    if not used:
        return ""
    low, high = min(used) - 1, max(used) + 1
    span, row = WIDTH - LABEL - LAST, 56
    height = TOP + row * len(rows) + TICKS

    def across(power: float) -> float:
        return LABEL + (power - low) / (high - low) * span

    out = [_open(height, title)]
    first = math.ceil(low * math.log10(2))
    for ten in range(first, math.floor(high * math.log10(2)) + 1):
        x = across(ten / math.log10(2))
        mark = escape(duration(10.0**ten, short=True))
        out.append(f'<line class="grid" x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{height - TICKS}"/>')
        out.append(f'<text class="tick" x="{x:.1f}" y="{height - 8}" text-anchor="middle">{mark}</text>')
    for at, (name, legacy, candidate) in enumerate(rows):
        floor = TOP + (at + 1) * row - 8.0
        out.append(_label(name, floor - 14))
        for css, side in (("legacy", legacy), ("rust", candidate)):
            most = max(side)
            points = [f"{across(low):.1f},{floor:.1f}"]
            for power in range(low + 1, high + 1):
                calls = side[power] if power < len(side) else 0
                top = floor - (0.0 if not calls else max(1.5, calls / most * (row - 14)))
                points += [f"{across(power - 1):.1f},{top:.1f}", f"{across(power):.1f},{top:.1f}"]
            points.append(f"{across(high):.1f},{floor:.1f}")
            out.append(f'<polygon class="{css} shape" points="{" ".join(points)}"/>')
    return "".join([*out, "</svg></div>"])


def _open(height: float, title: str) -> str:
    # On a narrow screen the plot scrolls by itself: scaled down, its words could not be read.
    svg = f'<svg role="img" viewBox="0 0 {WIDTH} {height:.0f}" width="100%">'
    return f'<div class="plot">{svg}<title>{escape(title)}</title>'


def _label(name: str, y: float) -> str:
    short = name if len(name) <= 38 else f"…{name[-37:]}"
    whole = f"<title>{escape(name)}</title>"
    return f'<text class="label" x="{LABEL - 12}" y="{y:.1f}" text-anchor="end">{escape(short)}{whole}</text>'
