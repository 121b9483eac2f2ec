"""The two strategies: pure functions of recent closes. The order of float operations is fixed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def mean(values: Sequence[float]) -> float:
    """Return the mean, added up from the first value to the last."""
    total = 0.0
    for value in values:
        total += value
    return total / len(values)


def sign(position: int) -> int:
    """Return -1, 0 or +1."""
    return (position > 0) - (position < 0)


@dataclass(frozen=True, slots=True)
class SmaCross:
    """Follow the trend: long while the fast mean is above the slow one, short while it is below."""

    fast: int
    slow: int

    def __post_init__(self) -> None:
        if not 0 < self.fast < self.slow:
            raise ValueError(f"sma_cross: fast {self.fast} must be positive and below slow {self.slow}")

    def target(self, closes: Sequence[float], position: int) -> int | None:  # noqa: ARG002 (one face for all)
        """Return the wanted direction, or None while there are fewer than `slow` closes."""
        if len(closes) < self.slow:
            return None
        fast = mean(closes[-self.fast :])
        slow = mean(closes[-self.slow :])
        if fast > slow:
            return 1
        return -1 if fast < slow else 0


@dataclass(frozen=True, slots=True)
class ZScoreReversion:
    """Fade extremes: enter against a close `entry` deviations off the mean, leave within `exit` of them."""

    window: int
    entry: float
    exit: float

    def __post_init__(self) -> None:
        if self.window < 2 or not 0.0 <= self.exit < self.entry:
            wrong = f"window {self.window} must be at least 2 and exit {self.exit} below entry {self.entry}"
            raise ValueError(f"zscore_reversion: {wrong}")

    def target(self, closes: Sequence[float], position: int) -> int | None:
        """Return the wanted direction, or None while there are fewer than `window` closes."""
        if len(closes) < self.window:
            return None
        recent = closes[-self.window :]
        centre = mean(recent)
        total = 0.0
        for value in recent:
            deviation = value - centre
            total += deviation * deviation
        spread = math.sqrt(total / self.window)
        if spread == 0.0:
            return 0
        score = (recent[-1] - centre) / spread
        if score >= self.entry:
            return -1
        if score <= -self.entry:
            return 1
        return 0 if abs(score) <= self.exit else sign(position)


Strategy = SmaCross | ZScoreReversion
