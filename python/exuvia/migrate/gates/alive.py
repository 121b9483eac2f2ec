"""How much of a session something was at work: a unit, or one side's artefact, by its own times.

A session is cut into stretches of what `activity` declares, a minute where nothing is said, and the share of them in
which something happened is what the calendar is held against. What comes once a day by nature declares `"daily"`: then
it must have come that day, and nothing is said of its minutes.

>>> at = 24 * 60 * 20_000
>>> share({at, at + 1, at + 3}, at * MINUTE, (at + 4) * MINUTE, 60.0).share
0.75
>>> share({at + 90}, at * MINUTE, (at + 240) * MINUTE, 3600.0).share
0.25
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["DAILY", "EVERY", "Alive", "share"]

MINUTE = 60_000_000_000
SECOND = 1_000_000_000
EVERY = 60.0
"""Seconds of a stretch in which something must happen, where nothing is declared."""
DAILY = 0.0
"""What `activity = "daily"` is kept as: once a day, whenever."""


@dataclass(frozen=True, slots=True)
class Alive:
    """How much of a session was active.

    Attributes:
        share: Share of its stretches in which something happened.
        silent: The longest part in which nothing did, as text.
    """

    share: float
    silent: str = ""


def share(minutes: Collection[int], start: int, end: int, every: float) -> Alive:
    """Return how much of a session was active.

    Args:
        minutes: Minutes since 1970 in which something happened.
        start: The session's first instant, UTC nanoseconds.
        end: The first instant after it.
        every: Seconds of a stretch; a minute is the finest.
    """
    step = max(round(every * SECOND), MINUTE)
    count = max(1, -(-(end - start) // step))
    first, last = start // MINUTE, -(-end // MINUTE)
    seen = {max(0, (minute * MINUTE - start) // step) for minute in minutes if first <= minute < last}
    inside = sorted(at for at in seen if at < count)
    if not inside:
        return Alive(0.0, f"silent from {_clock(start)} to {_clock(end)} UTC")
    gaps = zip([-1, *inside], [*inside, count], strict=True)
    before, after = max(gaps, key=lambda gap: gap[1] - gap[0])
    until = min(start + after * step, end)
    return Alive(len(inside) / count, f"silent from {_clock(start + (before + 1) * step)} to {_clock(until)} UTC")


def _clock(at_ns: int) -> str:
    minute = at_ns // MINUTE
    return f"{minute // 60 % 24:02d}:{minute % 60:02d}"
