"""`exuvia bench`: a whole workflow before and after, in turns, judged against a bound.

An arm that raises, ends with another code than 0 or returns nothing fails the run: its time would say nothing.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from exuvia.errors import MigrateError
from exuvia.migrate.worth import arms
from exuvia.migrate.worth.interval import ratio

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from exuvia.migrate.worth.arms import Arm, ArmRun

__all__ = ["LEAST_RUNS", "Bench", "Bound", "compare"]

LEAST_RUNS = 10


@dataclass(frozen=True, slots=True)
class Bound:
    """What the comparison has to show.

    Attributes:
        change: The time changes by less than this share, up or down; 0.02 is 2 %.
        faster: The work gets at least this share faster; 0.2 means that 1.2 times as much is done in a second.
    """

    change: float | None = 0.02
    faster: float | None = None

    def __str__(self) -> str:
        """In words."""
        if self.faster is not None:
            return f"at least {self.faster:.1%} faster"
        return f"less than {self.change or 0.0:.1%} change"


@dataclass(slots=True)
class Bench:
    """A comparison.

    Attributes:
        bound: What it has to show.
        runs: The runs of both arms, in order, without the warm-up.
        speedup: Time before over time after: the geometric mean and both ends of the 95 % interval.
        cpu: The same of the CPU time.
        verdict: `PASS`, `FAIL` or `INCONCLUSIVE`.
        reason: Why.
        same: Whether both arms printed and wrote the same bytes in every run.
    """

    bound: Bound
    runs: dict[str, list[ArmRun]] = field(default_factory=dict)
    speedup: tuple[float, float, float] | None = None
    cpu: tuple[float, float, float] | None = None
    verdict: str = "INCONCLUSIVE"
    reason: str = ""
    same: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for `--json`."""
        return {
            "verdict": self.verdict,
            "reason": self.reason,
            "bound": str(self.bound),
            "speedup": _interval(self.speedup),
            "cpu_speedup": _interval(self.cpu),
            "same_output": self.same,
            "arms": {name: _figures(runs) for name, runs in self.runs.items()},
        }


def compare(  # noqa: PLR0917 - two arms and how they run
    before: Arm,
    after: Arm,
    folder: Path,
    runs: int = LEAST_RUNS,
    bound: Bound | None = None,
    warm_up: int = 1,
    timeout_s: float = 600.0,
    told: Callable[[str], None] = lambda _: None,
) -> Bench:
    """Run both arms in turns and judge the ratio of their times.

    Args:
        before: The first arm.
        after: The second arm.
        folder: The folder in which both run.
        runs: Runs of each arm that count, at least 10.
        bound: What has to be shown.
        warm_up: Runs of each arm that do not count: they fill caches.
        timeout_s: Seconds that one run may take.
        told: Gets a line of progress.

    Raises:
        MigrateError: For fewer than 10 runs.
    """
    if runs < LEAST_RUNS:
        raise MigrateError(f"{runs} runs are too few for an interval: at least {LEAST_RUNS} of each arm")
    bench = Bench(bound or Bound(), {before.name: [], after.name: []})
    for number in range(-warm_up, runs):
        for arm in (before, after) if number % 2 else (after, before):
            told(f"{arm.name}, {'warm-up' if number < 0 else f'run {number + 1} of {runs}'}")
            done = arms.run(arm, folder, timeout_s)
            if done.failure is not None:
                bench.runs[arm.name].append(done)
                bench.verdict, bench.reason = "FAIL", f"the arm {arm.name!r} {done.failure}"
                return bench
            if number >= 0:
                bench.runs[arm.name].append(done)
    _judge(bench, bench.runs[before.name], bench.runs[after.name])
    return bench


def _judge(bench: Bench, before: list[ArmRun], after: list[ArmRun]) -> None:
    bench.speedup = ratio([run.wall_s for run in before], [run.wall_s for run in after])
    if all(run.cpu_s > 0.0 for run in (*before, *after)):
        bench.cpu = ratio([run.cpu_s for run in before], [run.cpu_s for run in after])
    bench.same = len({run.digest for run in (*before, *after)}) == 1
    _, low, high = bench.speedup
    if bench.bound.faster is not None:
        least = 1.0 + bench.bound.faster
        held, broken = low >= least, high < least
    else:
        # In terms of time after over time before.
        change = bench.bound.change or 0.0
        held = 1.0 / high > 1.0 - change and 1.0 / low < 1.0 + change
        broken = 1.0 / low <= 1.0 - change or 1.0 / high >= 1.0 + change
    interval = f"{low:.3f}× … {high:.3f}× as fast (95 %)"
    if held:
        bench.verdict, bench.reason = "PASS", f"{bench.bound}: {interval}"
    elif broken:
        bench.verdict, bench.reason = "FAIL", f"not {bench.bound}: {interval}"
    else:
        bench.verdict, bench.reason = "INCONCLUSIVE", f"{interval} does not settle {bench.bound}: take more runs"


def _interval(found: tuple[float, float, float] | None) -> dict[str, float] | None:
    return None if found is None else dict(zip(("mean", "low", "high"), found, strict=True))


def _figures(runs: list[ArmRun]) -> dict[str, Any]:
    return {
        "runs": len(runs),
        "wall_s": [run.wall_s for run in runs],
        "median_wall_s": statistics.median(run.wall_s for run in runs) if runs else None,
        "median_cpu_s": statistics.median(run.cpu_s for run in runs) if runs else None,
        "peak_bytes": max((run.peak_bytes for run in runs), default=None),
        "failure": next((run.failure for run in runs if run.failure), None),
    }
