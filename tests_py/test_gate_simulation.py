"""A whole run of daily looks at histories on the edge of what a gate forbids passes in one of twenty at most.

Each history is looked at every day for 60 days, and it passes if any look passes. Every verdict of the first
thousand histories is computed twice, by the gate and by the plain arithmetic of `gate_histories`; they must agree. The usual run takes a slice with fixed seeds,
`make test-long` 10,000 histories of each kind.
"""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any

import pytest

np = pytest.importorskip("numpy")

from exuvia import _exuvia  # noqa: E402
from exuvia.migrate.config import GateConfig  # noqa: E402
from exuvia.migrate.gates import kinds, runs  # noqa: E402
from exuvia.migrate.gates.daily import GateDay  # noqa: E402
from gate_histories import (  # noqa: E402
    ALPHA,
    LOOKS,
    Edge,
    bad_days,
    biased,
    calls,
    cancelling,
    edge_of,
    growing,
    members,
    missed_at_most,
    overlap_passes,
    paired_passes,
    rate_passes,
    spent,
    student,
)

if TYPE_CHECKING:
    from collections.abc import Callable

SLICE = 60
HISTORIES = 10_000
TWICE = 1_000


def paired(days: list[Any], level: float) -> bool:
    return all(abs(value) <= 50 for day in days for value in day.values()) and paired_passes(days, level, 9.0, 9.0)


def nothing_bad(days: list[Any], level: float) -> bool:
    return not any(days)


SETTINGS = {
    "paired": {"key": ["s"], "abs": "50", "bias": "9", "drift": "9"},
    "rate": {"when": "ts", "within": 0.05},
    "overlap": {"value": "symbol", "at_least": 0.95},
    "count": {},
}

EDGES = [
    ("paired", Edge("+$9 a day, noise $2", 5, biased(9, 2), paired)),
    ("paired", Edge("+$9 a day, noise $10", 5, biased(9, 10), paired)),
    ("paired", Edge("$9 more each day, noise $3", 5, growing(9, 3, 0), paired)),
    ("paired", Edge("$9 more each day, wandering", 5, growing(9, 0, 5), paired)),
    ("paired", Edge("rows that cancel, ±$9", 5, cancelling(9, 3), paired)),
    ("rate", Edge("rate +5 %, 20 calls a minute", 3, calls(1.05, 600, 0.0), lambda d, a: rate_passes(d, a, 0.05))),
    ("rate", Edge("rate −5 %, days that swing", 3, calls(0.95, 600, 0.02), lambda d, a: rate_passes(d, a, 0.05))),
    ("rate", Edge("rate +5 %, few calls", 3, calls(1.05, 6, 0.0), lambda d, a: rate_passes(d, a, 0.05))),
    ("overlap", Edge("overlap 95 % of 40", 3, members(0.95, 40, 0.0), lambda d, a: overlap_passes(d, a, 0.95))),
    ("overlap", Edge("overlap 95 % of 400, days that swing", 3, members(0.95, 400, 0.005),
                     lambda d, a: overlap_passes(d, a, 0.95))),
    *(
        ("count", Edge(f"clustered days, {n} sessions", n, bad_days(edge_of(n)), nothing_bad))
        for n in (2, 3, 5, 20)
    ),
]  # fmt: skip
CLEAN = [
    ("paired", Edge("equal", 5, biased(0, 0), paired, False)),
    ("paired", Edge("noise $2", 5, biased(0, 2), paired, False)),
    ("paired", Edge("noise $5", 5, biased(0, 5), paired, False)),
    ("rate", Edge("equal rates, 20 calls a minute", 3, calls(1.0, 600, 0.0), lambda d, a: rate_passes(d, a, 0.05))),
    ("rate", Edge("equal rates, days that swing 1 %", 3, calls(1.0, 600, 0.01), lambda d, a: rate_passes(d, a, 0.05))),
    ("overlap", Edge("overlap 99.5 % of 400", 3, members(0.995, 400, 0.0), lambda d, a: overlap_passes(d, a, 0.95))),
    ("count", Edge("one bad day in a thousand", 5, bad_days(0.001), nothing_bad)),
]


def gate_of(kind: str) -> GateConfig:
    params, wrong = kinds.checked(kind, {"kind": kind, **SETTINGS[kind]}, "gate")
    assert wrong is None
    return GateConfig("gate", kind, params)


def day_of(kind: str, value: Any, number: int) -> GateDay:
    day = GateDay("gate", kind, str(number), compared=1)
    match kind:
        case "paired":
            day.series = value
            bad = any(abs(apart) > 50 for apart in value.values())
        case "rate":
            day.series, bad = value.tolist(), False
        case "overlap":
            # Each day by itself is at 95 % or above here: the interval alone is asked.
            day.series, bad = list(value), False
        case _:
            bad = value
    if bad:
        day.fails("beyond")
    return day


def run_of(kind: str, edge: Edge, seed: int) -> int | None:
    """The look at which a history first passes; a bad day ends it. Both arithmetics must say the same at each."""
    gate, dice = gate_of(kind), np.random.default_rng([seed, *edge.name.encode()])
    values: list[Any] = []
    days: list[GateDay] = []
    for value in edge.days(dice):
        values.append(value)
        days.append(day_of(kind, value, len(days)))
        if len(days) < edge.needed:
            continue
        look = len(days) - edge.needed + 1
        passes = runs.over_days(gate, days, edge.needed).verdict == "PASS"
        assert seed >= TWICE or passes == edge.again(values, spent(look)), (edge.name, seed, look)
        if passes:
            return look
        if days[-1].verdict == "FAIL" or look == LOOKS:
            return None
    return None


def rates(kind: str, edge: Edge, histories: int) -> tuple[float, float]:
    """Shares of the histories that pass at the first look, and at any."""
    looks = [run_of(kind, edge, seed) for seed in range(histories)]
    passed = [look for look in looks if look is not None]
    return passed.count(1) / histories, len(passed) / histories


def most(histories: int) -> float:
    """What 5 % may look like in so many histories, with a chance of one in a thousand."""
    return ALPHA + 3.1 * math.sqrt(ALPHA * (1 - ALPHA) / histories)


@pytest.mark.parametrize(("kind", "edge"), EDGES, ids=[edge.name for _, edge in EDGES])
def test_a_slice_of_histories_on_the_edge_seldom_passes(kind: str, edge: Edge) -> None:
    first, ever = rates(kind, edge, SLICE)
    assert ever <= most(SLICE), (edge.name, first, ever)


@pytest.mark.parametrize(("kind", "edge"), CLEAN, ids=[edge.name for _, edge in CLEAN])
def test_a_slice_of_clean_histories_passes(kind: str, edge: Edge) -> None:
    first, ever = rates(kind, edge, SLICE)
    print(f"{edge.name}: {first:.0%} at the first look, {ever:.0%} within {LOOKS}")
    assert ever >= 0.9


@pytest.mark.long
@pytest.mark.parametrize(("kind", "edge"), [*EDGES, *CLEAN], ids=[edge.name for _, edge in [*EDGES, *CLEAN]])
def test_ten_thousand_histories_of_each_kind(kind: str, edge: Edge, proof: Callable[[str, int], None]) -> None:
    histories = HISTORIES if os.environ.get("EXUVIA_PROOF") or os.environ.get("EXUVIA_HISTORIES") else SLICE
    first, ever = rates(kind, edge, histories)
    print(f"{edge.name}: {first:.2%} at the first look, {ever:.2%} within {LOOKS} looks")
    proof(f"{edge.name}: of {histories:,} histories passed", round(ever * histories))
    if (kind, edge) in EDGES:
        assert ever <= most(histories)
    else:
        assert ever >= 0.9


def test_clean_days_alone_leave_what_the_closed_form_says() -> None:
    for n in (1, 2, 3, 5, 20, 59, 1000):
        bound = _exuvia.gate_upper(0, n, ALPHA)
        assert bound == pytest.approx(1 - ALPHA ** (1 / n), rel=1e-12)
        # The chance of n clean days in a row, where so many are bad, is 5 %: one bad day ends the count for good.
        assert (1 - bound) ** n <= ALPHA * (1 + 1e-9)


def test_the_bound_after_mismatches_holds_at_every_look() -> None:
    dice = np.random.default_rng(11)
    p, histories, wrong = 0.03, 400, 0
    for _ in range(histories):
        bad = dice.random(400) < p
        seen = np.cumsum(bad)
        wrong += any(_exuvia.gate_upper(int(seen[n - 1]), n, ALPHA) < p for n in range(1, 401) if seen[n - 1])
    assert wrong / histories <= most(histories)


def test_both_arithmetics_agree_on_quantiles_and_bounds() -> None:
    for freedom in (1, 2, 3, 4, 7, 30, 58, 399, 2000):
        for look in (1, 2, 10, 60):
            # A series of two values m ± s: the half width is the quantile times s.
            values = [0.0] * (freedom - 1) + [1.0, -1.0]
            _, middle, _, high = _exuvia.gate_location(values, 1e9, spent(look))
            width = float(np.std(values, ddof=1)) / math.sqrt(len(values))
            assert (high - middle) / width == pytest.approx(student(freedom, spent(look)), rel=1e-6)
    for missed, n in ((0, 120), (1, 120), (6, 120), (40, 2000)):
        _, _, low, _ = _exuvia.gate_overlap_run([[n - missed, n]] * 2, 0.5, 0.025)
        assert 1 - low == pytest.approx(missed_at_most(2 * missed, 2 * n, 0.025), rel=1e-6)
