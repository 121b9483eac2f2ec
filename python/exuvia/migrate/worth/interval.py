"""The 95 % interval of a ratio of times, of paired runs: Student's t on the logarithms.

>>> mean, low, high = ratio([2.0, 2.1, 1.9, 2.0], [1.0, 1.0, 1.0, 1.0])
>>> 1.8 < low < mean < high < 2.2
True
"""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ratio", "student"]

# The 0.975 quantile of Student's t for 1 … 30 degrees of freedom.
_T = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip


def student(freedom: int) -> float:
    """Return the 0.975 quantile of Student's t.

    >>> student(9), round(student(100), 3)
    (2.262, 1.984)

    Args:
        freedom: Degrees of freedom, at least 1. Above 30 by the expansion of Cornish and Fisher.
    """
    if freedom <= len(_T):
        return _T[max(freedom, 1) - 1]
    z = 1.959964
    return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)


def ratio(first: Sequence[float], second: Sequence[float]) -> tuple[float, float, float]:
    """Return the ratio of paired times and its 95 % interval.

    Args:
        first: Times of the numerator, above zero.
        second: Times of the denominator, of the same runs.

    Returns:
        The geometric mean of the ratios, and both ends of the interval.
    """
    logs = [math.log(one / other) for one, other in zip(first, second, strict=True)]
    mean = statistics.fmean(logs)
    if len(logs) < 2:
        return math.exp(mean), 0.0, math.inf
    half = student(len(logs) - 1) * statistics.stdev(logs) / math.sqrt(len(logs))
    return math.exp(mean), math.exp(mean - half), math.exp(mean + half)
