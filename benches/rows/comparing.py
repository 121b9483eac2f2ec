"""What it costs to compare: two arrays as they are, two arrays within a tolerance, two dicts of a call."""

from __future__ import annotations

from typing import Any

import numpy as np
from exuvia.migrate import Comparator

from rows import Job, row

CELLS = 10_000
CALLS = 2_000


def arrays(noise: float) -> tuple[Any, Any]:
    """Two arrays of prices that share no memory; the second has so much noise."""
    cells = np.round(1.39 + np.cumsum(np.random.default_rng(7).normal(0, 1e-5, CELLS)), 5)
    return cells, cells + noise


def all_true(results: dict[str, Any]) -> None:
    """Every arm must have found the two sides equal."""
    assert all(bool(result) for result in results.values()), results


@row(
    "Two arrays of 10,000 floats compared, equal by bits",
    goal="5× as fast as numpy.allclose",
    threaded=False,
    notes=("`numpy.array_equal` finds 0.0 and -0.0 equal; exuvia counts bits, and takes NaN for NaN.",),
)
def equal_arrays() -> Job | str:
    """Bits of both sides, without a copy; the verdict says how many cells were compared."""
    one, two = arrays(0.0)
    comparator = Comparator()
    arms = {
        "exuvia": lambda: comparator.compare(one, two),
        "numpy.allclose": lambda: np.allclose(one, two, rtol=0.0, atol=0.0, equal_nan=True),
        "numpy.array_equal": lambda: np.array_equal(one, two, equal_nan=True),
    }
    return Job(arms, all_true)


@row(
    "Two arrays of 10,000 floats compared, within a tolerance",
    goal="5× as fast as numpy.allclose",
    threaded=False,
)
def near_arrays() -> Job | str:
    """Each pair at most 1e-9 apart, and none of them equal."""
    one, two = arrays(1e-12)
    comparator = Comparator({"$": "abs:1e-9"})
    arms = {
        "exuvia": lambda: comparator.compare(one, two),
        "numpy.allclose": lambda: np.allclose(one, two, rtol=0.0, atol=1e-9, equal_nan=True),
    }
    return Job(arms, all_true)


@row("Two dicts of 20 fields compared, one call", goal="at most 3 µs", threaded=False)
def equal_dicts() -> Job | str:
    """Floats, integers, text, None and flags; Python's == says nothing of types, bits and paths."""
    kinds: list[Any] = [1.39001, 1_399_420_800_000_000_000, "EURUSD", None, True]

    def made() -> dict[str, Any]:
        return {f"field_{n}": type(value)(value) if value is not None else None for n, value in enumerate(kinds * 4)}

    one, two = made(), made()
    comparator = Comparator({"$.field_0": "tick:0.00001", "$.field_7": "exact"})

    def compared() -> bool:
        verdict = None
        for _ in range(CALLS):
            verdict = comparator.compare(one, two)
        return bool(verdict)

    def plain() -> bool:
        equal = False
        for _ in range(CALLS):
            equal = one == two
        return equal

    return Job({"exuvia": compared, "limit: ==": plain}, all_true, limits=["limit: =="], per=CALLS)
