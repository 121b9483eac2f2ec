"""One business gate over the sessions that count: what they prove together, safe at every daily look.

A day that FAILs ends the run. Otherwise the gate passes when there are as many days as the group asks for and, for
values, rates and overlaps, when a forbidden bias, drift, ratio or overlap is excluded: rates, overlaps and values of
days that are alike at the level of this look (`alpha / (k (k + 1))` at look `k`: all looks together stay below
`alpha`), values of days that may do anything by betting (`exuvia.migrate.gates.betting`). So a history that sits on the
edge of what the gate forbids passes with a chance of 5 % at most, whenever and however often it is looked at.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from exuvia import _exuvia
from exuvia.migrate.gates import betting
from exuvia.migrate.gates.bounds import ALPHA
from exuvia.migrate.gates.sides import BETWEEN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from exuvia.migrate.config import GateConfig
    from exuvia.migrate.gates.sides import GateDay

__all__ = ["GateRun", "over_days"]

Tested = tuple[str, float, tuple[float, float], str]
"""A verdict, the estimate, the ends of its interval, and what more would tell."""
OTHERS = "(others, in size)"


@dataclass(slots=True)
class GateRun:
    """What one gate says of all sessions that count.

    Attributes:
        gate: The gate's name.
        kind: Its kind.
        verdict: `PASS`, `FAIL` or `INCONCLUSIVE`.
        reasons: Why not PASS.
        days: Days that count.
        intervals: What was estimated, with the ends of its interval, by name.
        thin: Series that are known of too few days to stand alone.
        notes: What else should be known.
    """

    gate: str
    kind: str
    verdict: str = "PASS"
    reasons: list[str] = field(default_factory=list)
    days: int = 0
    intervals: dict[str, dict[str, Any]] = field(default_factory=dict)
    thin: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def note(self, verdict: str, reason: str) -> None:
        """Note what speaks against a PASS; a FAIL stays."""
        if self.verdict != "FAIL":
            self.verdict = verdict
        self.reasons.append(reason)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values, for `--json`."""
        return {
            "gate": self.gate,
            "kind": self.kind,
            "verdict": self.verdict,
            "reasons": self.reasons,
            "days": self.days,
            "intervals": self.intervals,
            "thin": self.thin,
            "notes": self.notes,
        }


def over_days(gate: GateConfig, days: Sequence[GateDay], needed: int, *, ends: bool = True) -> GateRun:
    """Judge a gate over the days that count.

    Args:
        gate: The gate.
        days: Its days in order; those without a verdict are left out by the caller.
        needed: Sessions that the group asks for: the first look that may pass.
        ends: Whether the ends of intervals are wanted that the verdict does not need.
    """
    run = GateRun(gate.name, gate.kind, days=len(days))
    for day in days:
        if day.verdict == "FAIL":
            run.note("FAIL", f"{day.day}: {day.reasons[0]}")
    if len(days) < needed:
        run.note("INCONCLUSIVE", f"{len(days)} of {needed} sessions")
        return run
    level = _exuvia.gate_level(len(days) - needed + 1, ALPHA)
    match gate.kind:
        case "paired":
            _paired(run, gate.params, days, needed, level, ends=ends)
        case "rate":
            _rate(run, gate.params, days, level)
        case "overlap":
            _overlap(run, gate.params, days, level)
    return run


def _paired(
    run: GateRun, settings: Mapping[str, Any], days: Sequence[GateDay], needed: int, level: float, *, ends: bool
) -> None:
    alike = settings["spread"] == "normal"
    most = float(settings["abs"])
    open_ = False
    for name, values in _series(run, days, needed).items():
        for what, test in (("bias", _bias), ("drift", _drift)):
            if what not in settings:
                continue
            limit = float(settings[what])
            verdict, middle, (low, high), more = test(values, limit, most, ends=ends and not alike)
            open_ = open_ or (alike and verdict != "PASS")
            if alike:
                normal = _exuvia.gate_location if what == "bias" else _exuvia.gate_drift
                verdict, middle, low, high = normal(values, limit, level)
                more = ""
            run.intervals[f"{what} {name}".strip()] = _interval(middle, low, high, f"±{settings[what]}")
            if verdict != "PASS":
                size = f"{middle:+.2f} a session ({low:+.2f} … {high:+.2f})"
                known = "is not below" if verdict == "FAIL" else "is not yet known to be below"
                run.note(verdict, f"{what}{f' of {name}' if name else ''} {size} {known} ±{settings[what]}{more}")
    if open_:
        asked = betting.needed(float(settings.get("bias", most)), most, ALPHA)
        run.notes.append(
            f'gate {run.gate} takes the days\' differences as about normal (spread = "normal"); that no bias lies on a '
            f"few of them takes {max(asked, len(days) + 1)} sessions or more, however equal they are"
        )


def _bias(values: Sequence[float], limit: float, most: float, *, ends: bool) -> Tested:
    """The mean of the days, whatever they do within ±`most`: a day beyond it has failed."""
    verdict = betting.inside(values, limit, most, ALPHA)
    asked = betting.needed(limit, most, ALPHA)
    more = f": {asked} sessions without any difference would show it" if len(values) < asked else ""
    between = betting.bounds(values, most, ALPHA) if ends else (-most, most)
    return verdict, math.fsum(values) / len(values), between, more


def _drift(values: Sequence[float], limit: float, most: float, *, ends: bool) -> Tested:
    """What a day adds to the one before it. What grows by so much leaves ±`most` before long, and has not."""
    steps = [after - before for before, after in itertools.pairwise(values)]
    middle = math.fsum(steps) / len(steps) if steps else 0.0
    if len(steps) * limit > 2.0 * most:
        return "PASS", middle, (-2.0 * most / len(steps), 2.0 * most / len(steps)), ""
    verdict = betting.inside(steps, limit, 2.0 * most, ALPHA)
    between = betting.bounds(steps, 2.0 * most, ALPHA) if ends else (-2.0 * most, 2.0 * most)
    asked = min(betting.needed(limit, 2.0 * most, ALPHA), math.floor(2.0 * most / limit) + 1) + 1
    more = f": {asked} sessions would show it" if len(values) < asked else ""
    return verdict, middle, between, more


def _series(run: GateRun, days: Sequence[GateDay], needed: int) -> dict[str, list[float]]:
    """Differences by series and day; of series of too few days the mean size of a day, which no other one cancels."""
    found: dict[str, dict[int, float]] = {}
    for at, day in enumerate(days):
        for name, value in day.series.items():
            found.setdefault(name.replace(BETWEEN, " · "), {})[at] = value
    whole = {name: list(values.values()) for name, values in found.items() if len(values) >= needed}
    thin = {name: values for name, values in found.items() if name not in whole}
    if thin:
        run.thin = sorted(thin)[:20]
        by_day: dict[int, list[float]] = {}
        for values in thin.values():
            for at, value in values.items():
                by_day.setdefault(at, []).append(abs(value))
        together = [sum(values) / len(values) for _, values in sorted(by_day.items())]
        if whole and len(together) < needed:
            return whole
        whole[OTHERS] = together
    return whole


def _rate(run: GateRun, settings: Mapping[str, Any], days: Sequence[GateDay], level: float) -> None:
    verdict, calls, by_day = _exuvia.gate_rate([day.series for day in days], settings["within"], level)
    limit = f"1 ± {settings['within']:g}"
    run.intervals["ratio by calls"] = _interval(*calls[1:], limit)
    run.intervals["ratio by days"] = _interval(*by_day[1:], limit)
    if verdict != "PASS":
        low, high = min(calls[2], by_day[2]), max(calls[3], by_day[3])
        known = "is not" if verdict == "FAIL" else "is not yet known to be"
        run.note(verdict, f"the ratio of calls, {calls[1]:.3f} ({low:.3f} … {high:.3f}), {known} within {limit}")


def _overlap(run: GateRun, settings: Mapping[str, Any], days: Sequence[GateDay], level: float) -> None:
    verdict, middle, low, high = _exuvia.gate_overlap_run([day.series for day in days], settings["at_least"], level)
    run.intervals["overlap"] = _interval(middle, low, high, f">= {settings['at_least']:g}")
    if settings["interval"] and verdict != "PASS":
        known = "is not" if verdict == "FAIL" else "is not yet known to be"
        run.note(verdict, f"overlap {middle:.1%} (at least {low:.1%}) {known} {settings['at_least']:.0%} or more")


def _interval(middle: float, low: float, high: float, limit: str) -> dict[str, Any]:
    return {"estimate": _finite(middle), "low": _finite(low), "high": _finite(high), "limit": limit}


def _finite(value: float) -> float | None:
    return value if abs(value) < float("inf") else None
