"""Quantiles of both sides' times from the counters' buckets: bucket `b` holds times below 2^b nanoseconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["FEWEST", "enough", "quantile"]

FEWEST = 20
"""Calls below which no quantile is shown: of one call every quantile would be a place in its bucket."""


def enough(buckets: Sequence[int], share: float) -> bool:
    """Say whether there are calls enough for a quantile: `FEWEST`, and one at least beyond it.

    >>> enough([20], 0.5), enough([20], 0.99), enough([100], 0.99), enough([1], 0.5)
    (True, False, True, False)

    Args:
        buckets: Calls by bucket.
        share: Which quantile.
    """
    total = sum(buckets)
    return total >= FEWEST and round(total * (1.0 - share), 9) >= 1.0


def quantile(buckets: Sequence[int], share: float) -> float | None:
    """Return a quantile in nanoseconds, or `None` without calls.

    Inside a bucket times are taken as spread evenly on a logarithmic scale, so the answer is within a
    factor of two of the true one, and usually much nearer.

    >>> quantile([0, 0, 0, 10], 0.5), quantile([], 0.5)
    (5.656854249492381, None)

    Args:
        buckets: Calls by bucket.
        share: 0.5 for the median, 0.99 for the time that one call in a hundred exceeds.
    """
    total = sum(buckets)
    if not total:
        return None
    wanted, seen = share * total, 0
    for bucket, calls in enumerate(buckets):
        if calls and seen + calls >= wanted:
            inside = (wanted - seen) / calls
            return float(2.0 ** (bucket - 1 + inside))
        seen += calls
    return float(2.0 ** (len(buckets) - 1))
