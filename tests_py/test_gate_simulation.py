"""A whole run of daily looks at histories on the edge of what a gate forbids passes in one of twenty at most.

Each history is looked at every day for 60 days, and it passes if any look passes. Every verdict of the first thousand
histories is computed twice, by the gate and by the plain arithmetic of `gate_histories`; they must agree. The usual run
takes a slice with fixed seeds, `make test-long` 10,000 histories of each kind.
"""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any

import pytest

np = pytest.importorskip("numpy")

from exuvia import _exuvia, lake
from exuvia.migrate import load
from exuvia.migrate.config import GateConfig
from exuvia.migrate.gates import kinds, runs
from exuvia.migrate.gates.daily import on_day
from exuvia.migrate.gates.sides import GateDay, Span
from gate_files import Desk
from gate_histories import (
    ALPHA,
    LOOKS,
    Edge,
    bad_days,
    betting_passes,
    biased,
    calls,
    cancelling,
    clustered,
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
    from pathlib import Path

SLICE = 60
HISTORIES = 10_000
TWICE = 1_000


def within(days: list[Any]) -> bool:
    return all(abs(value) <= 50 for day in days for value in day.values())


def paired(days: list[Any], level: float) -> bool:
    return within(days) and betting_passes(days, 50.0, 9.0, 9.0)


def alike(days: list[Any], level: float) -> bool:
    return within(days) and paired_passes(days, level, 9.0, 9.0)


def nothing_bad(days: list[Any], level: float) -> bool:
    return not any(days)


SETTINGS = {
    "paired": {"key": ["s"], "abs": "50", "bias": "9", "drift": "9"},
    "alike": {"key": ["s"], "abs": "50", "bias": "9", "drift": "9", "spread": "normal"},
    "rate": {"when": "ts", "within": 0.05},
    "overlap": {"value": "symbol", "at_least": 0.95},
    "count": {},
}

EDGES = [
    *(
        (kind, Edge(f"{name}{told}", 5, days, again))
        for kind, told, again in (("paired", "", paired), ("alike", ", days alike", alike))
        for name, days in (
            ("+$9 a day, noise $2", biased(9, 2)),
            ("+$9 a day, noise $10", biased(9, 10)),
            ("$9 more each day, noise $3", growing(9, 3, 0)),
            ("$9 more each day, wandering", growing(9, 0, 5)),
            ("rows that cancel, ±$9", cancelling(9, 3)),
        )
    ),
    *(
        ("paired", Edge(f"${amount:g} on {share:.0%} of days, else ${other:.2g}", 5, clustered(share, amount, other),
                        paired))
        for share, amount, other in (
            (0.2, 45, 0), (0.18, 50, 0), (0.5, 18, 0), (0.9, 10, 0), (0.59, 50, -50), (0.25, 45, -3),
            (0.22, 45, -0.9 / 0.78),
        )
    ),
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
    *(
        (kind, Edge(f"{name}{told}", 5, days, again, False))
        for kind, told, again in (("paired", "", paired), ("alike", ", days alike", alike))
        for name, days in (("equal", biased(0, 0)), ("noise $2", biased(0, 2)), ("noise $5", biased(0, 5)))
    ),
    ("paired", Edge("noise $10", 5, biased(0, 10), paired, False)),
    ("paired", Edge("+$3 a day, noise $5", 5, biased(3, 5), paired, False)),
    ("rate", Edge("equal rates, 20 calls a minute", 3, calls(1.0, 600, 0.0), lambda d, a: rate_passes(d, a, 0.05))),
    ("rate", Edge("equal rates, days that swing 1 %", 3, calls(1.0, 600, 0.01), lambda d, a: rate_passes(d, a, 0.05))),
    ("overlap", Edge("overlap 99.5 % of 400", 3, members(0.995, 400, 0.0), lambda d, a: overlap_passes(d, a, 0.95))),
    ("count", Edge("one bad day in a thousand", 5, bad_days(0.001), nothing_bad)),
]


def gate_of(kind: str) -> GateConfig:
    of = "paired" if kind == "alike" else kind
    params, wrong = kinds.checked(of, {"kind": of, **SETTINGS[kind]}, "gate")
    assert wrong is None
    return GateConfig("gate", of, params)


def day_of(kind: str, value: Any, number: int) -> GateDay:
    day = GateDay("gate", kind, str(number), compared=1)
    match kind:
        case "paired" | "alike":
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
        passes = runs.over_days(gate, days, edge.needed, ends=False).verdict == "PASS"
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


def how_many() -> int:
    """Ten thousand where the run counts, else a slice."""
    return HISTORIES if os.environ.get("EXUVIA_PROOF") or os.environ.get("EXUVIA_HISTORIES") else SLICE


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
    assert ever >= 0.9, (edge.name, first, ever)


@pytest.mark.long
@pytest.mark.parametrize(("kind", "edge"), [*EDGES, *CLEAN], ids=[edge.name for _, edge in [*EDGES, *CLEAN]])
def test_ten_thousand_histories_of_each_kind(kind: str, edge: Edge, proof: Callable[[str, int], None]) -> None:
    histories = how_many()
    first, ever = rates(kind, edge, histories)
    proof(f"{edge.name}: of {histories:,} histories passed at the first look", round(first * histories))
    proof(f"{edge.name}: of {histories:,} histories passed at any of {LOOKS} looks", round(ever * histories))
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


BY_DAYS = {
    "count": 'kind = "count"\nkey = ["s"]\nabs = 1',
    "parquet": 'kind = "parquet"\nkey = ["ts"]\nrows = 5',
    "histogram": 'kind = "histogram"\nkey = ["s"]\nvalue = "v"\nabs = 1',
    "freshness": 'kind = "freshness"\nevery = "30 s"\ngrace = 0',
    "absent": 'kind = "absent"\ntext = "401"',
    "overlap": 'kind = "overlap"\nvalue = "s"\nat_least = "95 %"\ninterval = false',
}


def write_day(at: Desk, kind: str, number: int, bad: bool, dice: Any) -> None:
    """A day that is just within what a gate allows, or just beyond; which rows, chance says."""
    day = at.days[number]
    rows = [{"s": f"k{n}", "v": "low" if n % 2 else "high"} for n in range(40)]
    some = dice.permutation(40)
    match kind:
        case "count":
            more, less = (rows[some[0]], rows[some[1]]) if not bad else (rows[some[0]], rows[some[0]])
            at.both(day, "g.jsonl", rows, [*rows, more, less])
        case "parquet":
            pa = pytest.importorskip("pyarrow")
            for side, first in (("legacy", 0), ("candidate", 3 if bad else 2)):
                ts = dice.permutation(range(first, first + 50)).tolist()
                lake.write_parquet(at.folder / "artefacts" / side / day / "g" / "a.parquet", pa.table({"ts": ts}))
        case "histogram":
            low = [n for n in some if n % 2][: 2 if bad else 1]
            high = [n for n in some if not n % 2][: 2 if bad else 1]
            swapped = {int(n): "high" for n in low} | {int(n): "low" for n in high}
            at.both(day, "g.jsonl", rows, [{**row, "v": swapped.get(n, row["v"])} for n, row in enumerate(rows)])
        case "freshness":
            signs = at.every(day, 30)
            late = int(dice.integers(1, len(signs) - 1))
            moved = [time + (10**9 if bad and n == late else 0) for n, time in enumerate(signs)]
            at.write("candidate", day, "g.jsonl", [{"ts": time} for time in moved])
        case "absent":
            lines = [{"call": "GET", "status": 401 if bad and n == some[0] else 4010} for n in range(40)]
            at.write("candidate", day, "g.jsonl", lines)
        case _:
            at.both(day, "g.jsonl", rows, [rows[n] for n in sorted(some[: 37 if bad else 38])])


def days_seen(folder: Path, kind: str) -> dict[bool, list[GateDay]]:
    """Days of real artefacts as the gate judged them, good ones and bad ones."""
    text = f'[exuvia]\ncalendar = "XNYS"\n[group.desk.gate.g]\n{BY_DAYS[kind]}\n'
    at, dice = Desk(folder, text, "desk"), np.random.default_rng(3)
    gate = load(folder / "exuvia.toml").groups["desk"].gates["g"]
    seen: dict[bool, list[GateDay]] = {True: [], False: []}
    for number in range(20):
        bad = number % 2 == 1
        write_day(at, kind, number, bad, dice)
        day = on_day(gate, folder, Span(at.days[number], *at.hours(at.days[number])))
        assert day.verdict == ("FAIL" if bad else "PASS"), (kind, day.reasons)
        seen[bad].append(day)
    return seen


def runs_by_days(folder: Path, kind: str, histories: int, share: float) -> float:
    """Share of the histories that pass at any look, where a share of the days is just beyond."""
    seen, gate, passed = days_seen(folder, kind), gate_of_text(folder), 0
    for seed in range(histories):
        dice, days = np.random.default_rng([seed, *kind.encode()]), list[GateDay]()
        for _ in range(LOOKS):
            days.append(seen[bool(dice.random() < share)][int(dice.integers(10))])
            verdict = runs.over_days(gate, days, 5).verdict
            if verdict != "INCONCLUSIVE":
                passed += verdict == "PASS"
                break
    return passed / histories


def gate_of_text(folder: Path) -> GateConfig:
    return load(folder / "exuvia.toml").groups["desk"].gates["g"]


@pytest.mark.parametrize("kind", BY_DAYS)
def test_a_slice_of_days_just_within_and_just_beyond(tmp_path: Path, kind: str) -> None:
    assert runs_by_days(tmp_path, kind, SLICE, edge_of(5)) <= most(SLICE)
    assert runs_by_days(tmp_path, kind, SLICE, 0.0) == 1.0


@pytest.mark.long
@pytest.mark.parametrize("kind", BY_DAYS)
def test_ten_thousand_histories_of_days_just_beyond(
    tmp_path: Path, kind: str, proof: Callable[[str, int], None]
) -> None:
    histories = how_many()
    ever = runs_by_days(tmp_path, kind, histories, edge_of(5))
    proof(
        f"{kind}, days just beyond: of {histories:,} histories passed at any of {LOOKS} looks", round(ever * histories)
    )
    assert ever <= most(histories)


DESK = """
[exuvia]
calendar = "XNYS"
[group.desk]
preset = "paper_trading"
"""


def looks_at_files(folder: Path, seed: int, by: float, looks: int) -> list[str]:
    """Verdicts of a group on its files, day after day, where the candidate's equity leans by so much."""
    at, dice = Desk(folder, DESK, "desk"), np.random.default_rng(seed)
    said = []
    for number in range(looks):
        day, start = at.days[number], at.hours(at.days[number])[0]
        times = range(start, at.hours(day)[1], 60_000_000_000)
        rows = [{"scenario": name, "ts": time, "equity": "100000.00"} for name in ("a", "b") for time in times]
        apart = {"a": by + float(dice.normal(0, 1.5)), "b": -by + float(dice.normal(0, 1.5))}
        moved = [{**row, "equity": f"{100_000 + apart[str(row['scenario'])]:.2f}"} for row in rows]
        at.both(day, "equity.jsonl", rows, moved)
        at.both(day, "trades.jsonl", [{"scenario": "a"}], [{"scenario": "a"}])
        said.append(at.verdict(day).verdict)
    return said


def test_daily_looks_at_real_files_pass_clean_desks_on_the_fifth_day_and_nine_dollars_never(tmp_path: Path) -> None:
    for seed in range(4):
        for by in (0.0, 9.0):
            folder = tmp_path / f"{seed}-{by}"
            folder.mkdir()
            said = looks_at_files(folder, seed, by, 9)
            assert said[:4] == ["INCONCLUSIVE"] * 4
            assert ("PASS" in said) == (by == 0.0), (seed, by, said)
