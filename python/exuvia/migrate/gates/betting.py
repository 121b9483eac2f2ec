"""Whether the mean of bounded values lies inside of ±limit, whatever they do: by betting, safe at every look.

Student's interval takes days as about alike. A bias of $45 on every fifth day, and none on the others, is nothing of
the kind: five clean days come once in three times, and their spread is 0. Here only the range counts, which the gate
itself enforces, since a day beyond it fails. Somebody bets each day that the mean is not as far out as the limit; if it
is, the capital is a supermartingale that begins at 1, and reaches 20 with a chance of 1/20 at most, at whatever day one
looks (J. Ville, *Étude critique de la notion de collectif*, 1939; I. Waudby-Smith, A. Ramdas, *Journal of the Royal
Statistical Society* B 86, 2024).

The stake of a day is about the one that would have gained most on the days before it, and on `PRIOR` days without any
difference: mean over mean square of the gains. Against days of 0 that is nearly the whole range, and no test can do
better: with limit `m` and range `B` the days that are needed are ln 20 / ln(B / (B − m)), 16 for 18 %.

>>> middle, low, high = 0.0, *bounds([0.0] * 16, 50.0, 0.05)
>>> high < 9.0, bounds([0.0] * 15, 50.0, 0.05)[1] < 9.0
(True, False)
>>> inside([0.0] * 16, 9.0, 50.0, 0.05), inside([0.0] * 5, 9.0, 50.0, 0.05), needed(9.0, 50.0, 0.05)
('PASS', 'INCONCLUSIVE', 16)
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["bounds", "capital", "inside", "needed"]

PRIOR = 4
"""Days of 0 that a stake stands on before any day was seen."""
MOST = 0.99
"""Share of the largest stake that is ever risked: a day at the end of the range must not end it all."""
HALVINGS = 24


def capital(values: Sequence[float], mean: float, most: float) -> float:
    """Return the logarithm of what a bet that the mean of values is below `mean` comes to.

    If every value's mean, given those before it, is `mean` or more, this reaches `ln(1/alpha)` with a chance of `alpha`
    at most.

    Args:
        values: The values in order; beyond ±`most` they count as ±`most`.
        mean: What they are held against, inside of ±`most`.
        most: The end of their range.
    """
    top = MOST / (most - mean)
    gained = 0.0
    total, squares = PRIOR * mean, PRIOR * mean * mean
    for value in values:
        gain = mean - (most if value > most else -most if value < -most else value)
        if total > 0.0:
            stake = total / squares
            gained += math.log1p((top if stake > top else stake) * gain)
        total += gain
        squares += gain * gain
    return gained


def inside(values: Sequence[float], limit: float, most: float, alpha: float) -> str:
    """Say whether the mean is known to lie inside of ±`limit`.

    Args:
        values: The values in order.
        limit: What it must stay below, on both sides.
        most: The end of their range.
        alpha: The chance of a wrong PASS over all looks.

    Returns:
        `PASS`; `FAIL` where it is known to be at the limit or beyond; else `INCONCLUSIVE`.
    """
    if limit >= most:
        return "PASS"
    enough = -math.log(alpha)
    turned = [-value for value in values]
    if all(capital(each, limit, most) >= enough for each in (values, turned)):
        return "PASS"
    middle = math.fsum(values) / len(values) if values else 0.0
    if abs(middle) > limit:
        beyond = turned if middle > 0.0 else list(values)
        return "FAIL" if capital(beyond, -limit, most) >= enough else "INCONCLUSIVE"
    return "INCONCLUSIVE"


def bounds(values: Sequence[float], most: float, alpha: float) -> tuple[float, float]:
    """Return between which ends the mean lies, at every look.

    Args:
        values: The values in order.
        most: The end of their range.
        alpha: The chance that it ever lies outside of one end.
    """
    return -_above([-value for value in values], most, alpha), _above(values, most, alpha)


def _above(values: Sequence[float], most: float, alpha: float) -> float:
    low, high = -most, most
    for _ in range(HALVINGS):
        middle = (low + high) / 2.0
        if capital(values, middle, most) >= -math.log(alpha):
            high = middle
        else:
            low = middle
    return high


def needed(limit: float, most: float, alpha: float) -> int:
    """Return how many days without any difference it takes.

    Args:
        limit: The limit.
        most: The end of the range.
        alpha: The chance of a wrong PASS.
    """
    if limit >= most:
        return 1
    return math.ceil(-math.log(alpha) / math.log1p(MOST * limit / (most - limit)))
