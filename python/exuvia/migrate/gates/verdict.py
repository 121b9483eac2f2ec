"""The verdict on a unit. Three of them: PASS, FAIL, INCONCLUSIVE; an empty comparison never passes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from exuvia.migrate.evidence.nothing import nothing
from exuvia.migrate.gates import mending
from exuvia.migrate.gates.pace import Pace, pace

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable

    from exuvia.migrate.comparator.ledger import LedgerLine

__all__ = ["EXIT", "UnitStatus", "overall", "together"]

EXIT = {"PASS": 0, "FAIL": 1, "INCONCLUSIVE": 3}
"""Exit codes of the command line; 2 is for errors."""

COUNTS = (
    "legacy_calls",
    "candidate_calls",
    "compared",
    "differed",
    "errors",
    "skipped",
    "legacy_ns",
    "candidate_ns",
    "cascades",
    "dropped",
    "unsampled",
    "quiet",
    "canary_calls",
    "fallbacks",
    "answered",
    "unanswered",
    "same_errors",
    "unkeyed",
    "capped",
    "panics",
    "timeouts",
    "observed_calls",
    "observing_ns",
)
SKIPPED_AT_MOST = 0.001
"""Share of the calls that were to be compared that may be lost."""
FEW = 30
"""Compared calls below which a PASS says how much it leaves open: without a difference in 29 up to 10 % may differ."""


@dataclass(slots=True)
class UnitStatus:
    """What is known of one unit.

    Attributes:
        unit: Its name.
        mode: The mode in which it stood last.
        file: Its mode in the configuration, the ceiling, if that is known.
        effective: The mode that configuration and journal give it, if that is known.
        fingerprint: F of what was observed.
        rehearsal: Whether the evidence is a rehearsal's and does not count.
        counts: Counters: calls of both sides, compared, differed, errors, cascades; times in ns. Calls that were to be
            compared and were missed are `skipped`, those that were dropped among them; calls that were never to be
            are `unsampled`, those of quiet moments (`quiet`) among them.
        since_flip: Calls of both sides since the last flip: in mode rust legacy's must be 0.
        places: Differences by place and kind.
        ignored: Ignored differences by path and rule.
        reasons: Why samples were lost.
        examples: Recorded differences with both values.
        segments: Processes that contributed.
        objects: Of a class: objects that each side made, the candidate's that are alive; `None` is unknown.
        notes: What else should be known.
        strata: Compared and differing calls by stratum.
        signatures: Shapes of inputs that were seen.
        latency: Calls of each side by time, in 64 buckets of powers of two of a nanosecond.
        paired: Of each process the calls of a batch, and of each batch the mean logarithm of both sides' ratio.
        worth: On what worth-it verdict it moves, if it needs one.
        refused: Why the unit was not taken up, so that legacy serves it whatever the journal says.
        troubles: Why its evidence does not hold all that was seen.
        quarantined: Why it is in quarantine, until a person clears it.
        ledger: How what is declared stands, over all processes and days.
        sample: The share that is compared, if it is known.
    """

    unit: str
    mode: str = "legacy"
    effective: str | None = None
    file: str | None = None
    fingerprint: str = ""
    rehearsal: bool = False
    counts: Counter[str] = field(default_factory=nothing)
    since_flip: Counter[str] = field(default_factory=nothing)
    places: Counter[tuple[str, str]] = field(default_factory=nothing)
    ignored: Counter[tuple[str, str]] = field(default_factory=nothing)
    reasons: Counter[str] = field(default_factory=nothing)
    examples: list[dict[str, Any]] = field(default_factory=list)
    segments: int = 0
    objects: dict[str, int | None] | None = None
    notes: list[str] = field(default_factory=list)
    strata: dict[str, list[int]] = field(default_factory=dict)
    signatures: set[int] = field(default_factory=set)
    latency: dict[str, list[int]] = field(default_factory=dict)
    paired: list[tuple[int, list[int]]] = field(default_factory=list)
    worth: str = ""
    refused: str = ""
    troubles: list[str] = field(default_factory=list)
    quarantined: str = ""
    ledger: list[LedgerLine] = field(default_factory=list)
    sample: float | None = None

    def add(self, counters: dict[str, Any]) -> None:
        """Add one process's counters.

        Args:
            counters: As `Record.counters` returns them.
        """
        self.segments += 1
        self.mode = counters.get("mode", self.mode)
        self.refused = str(counters.get("refused", ""))
        for name in COUNTS:
            count = counters.get(name)
            if count:
                self.counts[name] += int(count)
        since = counters.get("since_flip")
        if since:
            self.since_flip.update(since)
        if "objects" in counters:
            known = self.objects or {}
            self.objects = known | {
                name: None if count is None or known.get(name, 0) is None else count + (known.get(name) or 0)
                for name, count in {**dict.fromkeys(known, 0), **counters["objects"]}.items()
            }
        for place, kind, count in counters.get("places", ()):
            self.places[place, kind] += count
        for path, rule, hits in counters.get("ignored", ()):
            self.ignored[path, rule] += hits
        reasons = counters.get("reasons")
        if reasons:
            self.reasons.update(reasons)
        for stratum, compared, differed in counters.get("strata", ()):
            known_stratum = self.strata.setdefault(stratum, [0, 0])
            known_stratum[0] += compared
            known_stratum[1] += differed
        if "paired" in counters:
            size, means = counters["paired"]
            self.paired.append((int(size), list(means)))
        for side, buckets in counters.get("latency", {}).items():
            sums = self.latency.get(side)
            self.latency[side] = (
                list(buckets) if sums is None else [one + more for one, more in zip(sums, buckets, strict=True)]
            )

    @property
    def speedup(self) -> float | None:
        """How many times as fast the candidate was; `None` unless the unit passes and the interval excludes 1."""
        found = self.pace
        return found.ratio if found is not None and found.shown else None

    @property
    def pace(self) -> Pace | None:
        """Legacy's time over the candidate's for the same calls; `None` unless the unit passes and enough was timed."""
        return pace(self.paired) if self.paired and self.verdict == "PASS" else None

    @property
    def verdict(self) -> str:
        """`PASS`, `FAIL` or `INCONCLUSIVE`."""
        return self.judged()[0]

    @property
    def reason(self) -> str:
        """Why."""
        return self.judged()[1]

    def judged(self) -> tuple[str, str]:
        """Return the verdict and its reason."""
        found = self._counted()
        ended = next((line.fails for line in self.ledger if line.fails), None) if self.ledger else None
        if ended and found[0] != "FAIL":
            return "FAIL", ended
        if found[0] == "PASS" and self.troubles:
            more = f" (and {len(self.troubles) - 1:,} more)" if len(self.troubles) > 1 else ""
            return "INCONCLUSIVE", f"its evidence is not whole: {self.troubles[0]}{more}"
        return found

    def _counted(self) -> tuple[str, str]:
        """What the counters alone say."""
        counts = self.counts
        # By get: a Counter is asked for what it has not by a call of Python.
        compared, skipped = counts.get("compared", 0), counts.get("skipped", 0)
        if counts.get("differed"):
            return "FAIL", f"{counts['differed']:,} of {counts['compared']:,} compared calls differ"
        if self.quarantined:
            return "FAIL", f"in quarantine: {self.quarantined}"
        if self.refused:
            return "INCONCLUSIVE", self.refused
        errors = counts.get("errors", 0)
        if errors or not compared:
            lost = f"{errors:,} calls could not be compared" if errors else "nothing was compared"
            return "INCONCLUSIVE", lost
        if skipped > SKIPPED_AT_MOST * (compared + skipped):
            share = skipped / (compared + skipped)
            return "INCONCLUSIVE", (
                f"{skipped:,} of {compared + skipped:,} calls that were to be compared were missed: {share:.2%}, "
                f"at most {SKIPPED_AT_MOST:.1%} may be"
            )
        return "PASS", f"{_calls(compared)} compared, none differs{self.left_open}"

    @property
    def left_open(self) -> str:
        """How much so few compared calls leave open; nothing where they are many."""
        compared = self.counts["compared"]
        if not 0 < compared < FEW or self.counts["differed"]:
            return ""
        return f"; so few leave open whether up to {1 - 0.05 ** (1 / compared):.0%} of all calls do"

    def nexts(self) -> list[str]:
        """Say what to do where calls were not compared; nothing if the verdict does not hang on them."""
        if self.verdict != "INCONCLUSIVE" or self.refused:
            return []
        if self.troubles and not self.reasons:
            return [f'exuvia gate {self.unit} --restart "WHY" leaves behind what was not seen whole']
        ways = mending.nexts(reason for reason, _ in self.reasons.most_common())
        return [*ways, *mending.anew(self.unit, self.counts)]

    @property
    def apart(self) -> list[tuple[str, int, str]]:
        """Calls that were never to be compared, which no verdict hangs on: a word, how many, and why.

        >>> state = UnitStatus("bot:price", sample=0.05)
        >>> state.counts.update(unsampled=980, quiet=30)
        >>> [(word, count) for word, count, _ in state.apart]
        [('left out', 950), ('left alone', 30)]
        """
        quiet = self.counts["quiet"]
        out = self.counts["unsampled"] - quiet
        share = "" if self.sample is None else f" (sample = {self.sample:.12g})"
        found = (
            ("left out", out, f"beyond the share that is compared{share}, or made by a call that is compared"),
            ("left alone", quiet, "in quiet moments, 0.25 s in 5 s, which time the program by itself"),
        )
        return [each for each in found if each[1]]

    def object_notes(self) -> list[str]:
        """Say of a class unit what a flip does not reach: objects that were made before it."""
        if self.objects is None:
            return []
        legacy, candidate, alive = (self.objects.get(name) for name in ("legacy", "candidate", "alive"))
        notes = []
        if legacy or candidate:
            notes.append(
                "a flip acts on new objects: objects made before the flip stay on their side; "
                f"{legacy or 0:,} legacy and {candidate or 0:,} rust made since install"
            )
        below = self.objects.get("subclassed")
        if below:
            notes.append(
                f"objects of its subclasses are legacy's alone and were not compared: {below:,} made in shadow"
            )
        if (self.effective or self.mode) in ("legacy", "shadow"):
            if alive is None:
                notes.append("whether objects of the candidate class are alive is unknown: restart to be sure")
            elif alive:
                notes.append(
                    f"live objects of the candidate class go on until they are gone ({alive:,} alive): "
                    "restart to be sure"
                )
        return notes

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for `--json`."""
        verdict, reason = self.judged()
        timed = self.pace
        return {
            "unit": self.unit,
            "mode": self.mode,
            "effective": self.effective,
            "file": self.file,
            "verdict": verdict,
            "reason": reason,
            "quarantined": self.quarantined,
            "fingerprint": self.fingerprint,
            "rehearsal": self.rehearsal,
            **{name: self.counts[name] for name in COUNTS},
            "since_flip": {name: self.since_flip[name] for name in ("legacy_calls", "candidate_calls")},
            "speedup": self.speedup,
            "speedup_interval": None if timed is None else [timed.low, timed.high],
            "differences": [{"place": p, "kind": k, "count": n} for (p, k), n in self.places.most_common()],
            "ignored": [{"path": p, "rule": r, "hits": n} for (p, r), n in self.ignored.most_common()],
            "ledger": [line.as_dict() for line in self.ledger],
            "not_compared": dict(self.reasons),
            "unsampled_why": {f"{word}: {why}": count for word, count, why in self.apart},
            "next": self.nexts(),
            "examples": self.examples,
            "processes": self.segments,
            "objects": self.objects,
            "strata": self.strata,
            "signatures": len(self.signatures),
            "latency": self.latency,
            "worth": self.worth,
            "notes": self.notes,
        }


def _calls(count: int) -> str:
    return "1 call" if count == 1 else f"{count:,} calls"


def overall(states: list[UnitStatus]) -> str:
    """Return the verdict over all units: one FAIL fails, nothing at all is INCONCLUSIVE.

    Args:
        states: The units.
    """
    return together(state.verdict for state in states)


def together(verdicts: Iterable[str]) -> str:
    """Return what verdicts come to: one FAIL fails, nothing at all is INCONCLUSIVE.

    >>> together(["PASS", "INCONCLUSIVE"]), together(["PASS", "FAIL"]), together([])
    ('INCONCLUSIVE', 'FAIL', 'INCONCLUSIVE')

    Args:
        verdicts: One of each unit.
    """
    found = set(verdicts)
    if "FAIL" in found:
        return "FAIL"
    return "PASS" if found == {"PASS"} else "INCONCLUSIVE"
