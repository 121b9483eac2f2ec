"""How many times as fast one side was, call by call: the logarithms of paired times, in at most 20 batches.

Times of calls that follow each other are alike, so they are no independent observations; means of long batches are
nearly so. A batch grows with the run: when 20 are full, each two become one (batch means: A. Law, W. Kelton).
"""

from __future__ import annotations

import math

__all__ = ["Batches"]

MOST = 20
CLOCK_NS = 1_000
"""Added to both times: what a timing itself takes, and a first touch of cold memory, are not the same on both sides."""
PARTS = 10_000
"""Means are written in ten-thousandths."""


class Batches:
    """The means of one process.

    >>> batches = Batches()
    >>> for _ in range(40):
    ...     batches.add(3_000, 1_000)
    >>> size, means = batches.written()
    >>> size, len(means), set(means)
    (4, 10, {6931})
    """

    def __init__(self) -> None:
        self._size, self._means = 1, list[float]()
        self._sum, self._calls = 0.0, 0

    def add(self, legacy_ns: int, candidate_ns: int) -> None:
        """Add a call that both sides answered.

        Args:
            legacy_ns: Nanoseconds of legacy.
            candidate_ns: Nanoseconds of the candidate.
        """
        self._sum += math.log((max(legacy_ns, 0) + CLOCK_NS) / (max(candidate_ns, 0) + CLOCK_NS))
        self._calls += 1
        if self._calls < self._size:
            return
        self._means.append(self._sum / self._calls)
        self._sum, self._calls = 0.0, 0
        if len(self._means) == MOST:
            pairs = zip(self._means[::2], self._means[1::2], strict=True)
            self._size, self._means = 2 * self._size, [(one + other) / 2 for one, other in pairs]

    def written(self) -> tuple[int, list[int]]:
        """Return the calls of a batch, and the mean of each full one: logarithms, in ten-thousandths."""
        return self._size, [round(mean * PARTS) for mean in self._means]
