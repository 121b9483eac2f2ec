"""The two strategies: pure functions of recent closes. The order of float operations is fixed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


def mean(values: Sequence[float]) -> float:
    """Return the mean, added up from the first value to the last."""
    total = 0.0
    for value in values:
        total += value
    return total / len(values)


def sign(value: float) -> int:
    """Return -1, 0 or +1."""
    return (value > 0) - (value < 0)


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
        fast, slow = mean(closes[-self.fast :]), mean(closes[-self.slow :])
        return (fast > slow) - (fast < slow)


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
        spread = math.sqrt(mean([(value - centre) * (value - centre) for value in recent]))
        if spread == 0.0:
            return 0
        score = (recent[-1] - centre) / spread
        if abs(score) >= self.entry:
            return -sign(score)
        return 0 if abs(score) <= self.exit else sign(position)


Strategy = SmaCross | ZScoreReversion
