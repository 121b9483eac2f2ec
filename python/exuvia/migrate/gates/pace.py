"""Whether the candidate was faster or slower than legacy where both were timed: a ratio with an interval.

Legacy is timed in the program and the candidate in its worker (or after legacy, in the same thread). Caches, load and
layout differ between the two, so the very same code comes out faster on one side. No number of calls tells that from
merit; the interval is therefore widened by what it may come to (`PLACE`), and what is left is said, or nothing.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exuvia.migrate.evidence.batches import PARTS
from exuvia.migrate.worth.interval import student

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["BATCHES", "PLACE", "Pace", "pace"]

BATCHES = 10
"""With fewer batches of calls there is no interval."""
PROCESSES = 5
"""From so many processes on, their spread is looked at too."""
PLACE = 2.0
"""How many times as fast the very same code may come out on one of two sides that run in different places."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Legacy's time over the candidate's, of the same calls.

    Attributes:
        ratio: The geometric mean over the calls.
        low: Lower end of the 95 % interval, the places' part in it.
        high: Upper end.
        calls: Calls that it stands on.
    """

    ratio: float
    low: float
    high: float
    calls: int

    @property
    def shown(self) -> bool:
        """Whether the interval excludes that both sides are equally fast, in the digits that are shown too.

        >>> Pace(2.6, 1.03, 6.6, 100).shown, Pace(2.7, 1.06, 6.9, 100).shown, Pace(0.4, 0.2, 0.997, 100).shown
        (False, True, False)
        """
        return (self.low > 1.0 and figure(self.low) != "1.0") or (self.high < 1.0 and figure(self.high) != "1.00")

    def __str__(self) -> str:
        """In figures, or that there is nothing to show."""
        if not self.shown:
            return "no difference shown"
        return f"{figure(self.ratio)}× ({figure(self.low)} to {figure(self.high)})"


def figure(ratio: float) -> str:
    """Return a ratio with two digits.

    >>> figure(0.118), figure(5.14), figure(123.4)
    ('0.12', '5.1', '123')

    Args:
        ratio: The ratio.
    """
    return f"{ratio:.2f}" if ratio < 1.0 else f"{ratio:.1f}" if ratio < 10.0 else f"{ratio:,.0f}"


def pace(processes: Sequence[tuple[int, Sequence[float]]]) -> Pace | None:
    """Return the ratio and its interval, or `None` if too few calls were timed.

    Student's t over the means of batches, each process with the weight of its calls; from five processes on the wider
    of that and Student's t over the processes. Then `PLACE` is added on both ends.

    >>> fast = [6931 + step for step in (-300, 100, 0, 200) * 5]
    >>> print(pace([(4, fast)]), pace([(4, [3 * mean for mean in fast])]))
    no difference shown 8.0× (3.9 to 16)
    >>> pace([(4, fast[:9])])

    Args:
        processes: Of each the calls of a batch, and the mean logarithm of each batch in ten-thousandths.
    """
    useful = [(size, [mean / PARTS for mean in means]) for size, means in processes if len(means) >= BATCHES]
    if not useful:
        return None
    counts = [size * len(means) for size, means in useful]
    weights = [count / sum(counts) for count in counts]
    centres = [statistics.fmean(means) for _, means in useful]
    centre = math.fsum(weight * mean for weight, mean in zip(weights, centres, strict=True))
    within = math.fsum(
        weight**2 * statistics.variance(means) / len(means) for weight, (_, means) in zip(weights, useful, strict=True)
    )
    # The least of them: processes that spread more than others have fewer degrees of freedom than their sum.
    half = student(min(len(means) for _, means in useful) - 1) * math.sqrt(within)
    if len(useful) >= PROCESSES:
        apart = math.fsum(weight**2 * (mean - centre) ** 2 for weight, mean in zip(weights, centres, strict=True)) * (
            len(useful) / (len(useful) - 1)
        )
        half = max(half, student(len(useful) - 1) * math.sqrt(apart))
    half += math.log(PLACE)
    return Pace(math.exp(centre), math.exp(centre - half), math.exp(centre + half), sum(counts))
