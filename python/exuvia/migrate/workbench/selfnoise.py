"""`exuvia aa`: legacy against legacy on recorded calls, to tell noise from difference.

Legacy runs twice here and once in another process with another hash seed. What differs between them is noise
by definition; a rule for it is proposed, never installed: it may as well be a bug.
"""

from __future__ import annotations

import base64
import math
import os
import pickle
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from exuvia._exuvia import Comparator
from exuvia.errors import CompareError
from exuvia.migrate.evidence.shown import apart
from exuvia.migrate.workbench.recordings import too_few
from exuvia.migrate.workbench.sides import Sides, UnreadError, cases_of, going_on

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from exuvia.migrate.config import UnitConfig
    from exuvia.migrate.workbench.recordings import Recorded
    from exuvia.migrate.workbench.sides import Case

__all__ = ["Noise", "against_itself", "answer"]

CHILD = "from exuvia.migrate.workbench.selfnoise import answer; answer()"
TIMEOUT_S = 300.0
IGNORE = "ignore(OWNER, differs between two runs of legacy)"
ULPS = 1000
"""More than so many units of the last place are no rounding of a sum."""
NEAR = 0.01
"""Beyond this share of the largest value that was seen a tolerance would cover everything."""
DAY_S = 86_400.0


@dataclass(slots=True)
class Noise:
    """What legacy's runs against itself showed of one unit.

    Attributes:
        unit: The unit.
        calls: Recorded calls that were played.
        places: How often which place differed in which kind.
        examples: Both values of a place, where they were furthest apart if they are numbers, else the first time.
        proposals: Rules by place that would cover it.
        problems: What could not be played.
        unread: Cases in which nothing else differs, and what became of the arguments cannot be compared.
        notes: What was played otherwise than the program had it.
    """

    unit: str
    calls: int = 0
    places: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    proposals: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    unread: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """`PASS` if legacy equals itself, `FAIL` if it does not, `INCONCLUSIVE` if too little was played."""
        if self.places:
            return "FAIL"
        return "INCONCLUSIVE" if self.problems or too_few(self.calls) else "PASS"

    @property
    def reason(self) -> str:
        """Why."""
        if self.places:
            return f"legacy differs from itself ({self.calls:,} calls)"
        if self.problems:
            return self.problems[0]
        return too_few(self.calls) or f"legacy equals itself ({self.calls:,} calls)"

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for `--json`."""
        rows = [
            {"place": place, "kind": kind, "count": count, "one": self.examples[place, kind][0],
             "other": self.examples[place, kind][1]}
            for (place, kind), count in self.places.most_common()
        ]  # fmt: skip
        return {
            "unit": self.unit,
            "verdict": self.verdict,
            "reason": self.reason,
            "calls": self.calls,
            "noise": rows,
            "proposals": self.proposals,
            "problems": self.problems,
            "unread": self.unread,
            "notes": self.notes,
        }


def against_itself(unit: UnitConfig, recorded: Recorded, told: Callable[[str], None] = lambda _: None) -> Noise:
    """Play the recorded calls of one unit through legacy, again and again.

    Args:
        unit: The unit.
        recorded: The recorded calls.
        told: Gets a line of progress.
    """
    noise = Noise(unit.name, problems=[text for text in recorded.problems if text.startswith(f"{unit.name}:")])
    calls = recorded.of(unit.name)
    if not calls:
        return noise
    # Before the candidate is loaded: A/A needs none.
    sides = Sides(unit, candidate=lambda: None)
    cases = cases_of(sides, calls)
    cut = going_on(cases)
    noise.notes += [cut] if cut else []
    elsewhere = _elsewhere(unit, cases, noise)
    pairs: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for number, case in enumerate(cases):
        told(f"{unit.name}: {number + 1} of {len(cases)}")
        try:
            first = sides.play(sides.legacy, case)
            others = [sides.play(sides.legacy, case), *([elsewhere[number]] if elsewhere else [])]
            found = [one for other in others for one in sides.differences(case, first, other)]
        except UnreadError as error:
            noise.unread += 1
            if str(error) not in noise.problems:
                noise.problems.append(str(error))
            continue
        except (CompareError, TypeError, ValueError) as error:
            noise.problems.append(f"{case.id}: {type(error).__name__}: {error}")
            continue
        noise.calls += len(case.steps)
        for one in found:
            noise.places[one.key] += 1
            pairs.setdefault(one.key, []).append((one.difference.legacy, one.difference.candidate))
    for (place, kind), values in pairs.items():
        noise.examples[place, kind] = max(values, key=_distance)
        rule = proposal(place, kind, *values[0], values[1:])
        if place in noise.proposals and noise.proposals[place] != rule:
            # It differs in more than one kind, so no rule for one of them covers it.
            rule = IGNORE
        noise.proposals[place] = rule
    return noise


def proposal(place: str, kind: str, one: str, other: str, more: Sequence[tuple[str, str]] = ()) -> str:
    """Propose a rule for a place that differs between runs of the same code: one that covers all that was seen.

    A tolerance is proposed only for what is near to itself. Values that lie as far apart as they lie from each other
    in other calls are drawn anew, and those of a clock move on: no tolerance that covers them says anything.

    >>> proposal("$.price", "value", "0.30000000000000004", "0.3")
    'ulp:4'
    >>> proposal("$.mid", "value", "100.0", "100.001", [("250.0", "250.004")])
    'abs:0.008'
    >>> proposal("$.r", "value", "0.1", "0.9", [("0.7", "0.73")])
    'ignore(OWNER, differs between two runs of legacy)'

    Args:
        place: Where.
        kind: How.
        one: A value, as its repr.
        other: The other value.
        more: Both values of each further difference.
    """
    pairs = [(one, other), *more]
    if kind == "value" and (distances := [_distance(pair) for pair in pairs]) and min(distances) >= 0.0:
        numbers = [(float(one), float(other)) for one, other in pairs]
        if not any(mark in text for pair in pairs for text in pair for mark in ".e") or _is_clock(numbers):
            return IGNORE
        steps = [apart(*pair) for pair in pairs]
        ulps = [int(step.split()[0]) if step.endswith(" ulp") else ULPS + 1 for step in steps]
        if max(ulps) <= ULPS:
            return f"ulp:{max(4, 2 * max(ulps))}"
        furthest = max(distances)
        if more and furthest > NEAR * max(abs(value) for pair in numbers for value in pair):
            return IGNORE
        return f"abs:{2 * furthest:.2g}"
    for rule in ("multiset",) if kind in ("order", "order-only") else ():
        try:
            Comparator({place: rule})
        except CompareError:
            continue
        return rule
    return IGNORE


def _distance(pair: tuple[str, str]) -> float:
    """How far two numbers are apart; -1 where one is none or not finite."""
    try:
        apart_by = abs(float(pair[0]) - float(pair[1]))
    except ValueError:
        return -1.0
    return apart_by if math.isfinite(apart_by) else -1.0


def _is_clock(numbers: Sequence[tuple[float, float]]) -> bool:
    """Whether these are moments of today, in seconds of the epoch or a thousand, a million or a billion of them."""
    now = time.time()
    units = (1.0, 1e3, 1e6, 1e9)
    return any(all(abs(value / unit - now) < DAY_S for pair in numbers for value in pair) for unit in units)


def _elsewhere(unit: UnitConfig, cases: list[Case], noise: Noise) -> list[Any]:
    """What legacy does in a process with another hash seed; nothing if it cannot be had."""
    seed = "1" if os.environ.get("PYTHONHASHSEED") == "2" else "2"
    environment = os.environ | {
        "PYTHONHASHSEED": seed,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    asked = base64.b64encode(pickle.dumps((unit, cases)))
    try:
        done = subprocess.run(  # noqa: S603 - this interpreter
            [sys.executable, "-c", CHILD],
            input=asked,
            capture_output=True,
            env=environment,
            timeout=TIMEOUT_S,
            check=False,
        )
        if done.returncode == 0:
            answered: list[Any] = pickle.loads(base64.b64decode(done.stdout.rsplit(b"\n", 1)[-1]))  # noqa: S301 - of our own child
            return answered
        why = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
    except (OSError, ValueError, EOFError, pickle.PickleError, subprocess.TimeoutExpired) as error:
        why = f"{type(error).__name__}: {error}"
    noise.problems.append(f"legacy could not be run in another process: {why}")
    return []


def answer() -> None:
    """Play cases in this process and write what legacy did to standard output: the other end of A/A."""
    unit, cases = pickle.loads(base64.b64decode(sys.stdin.buffer.read()))  # noqa: S301 - of the process that asks
    sides = Sides(unit, candidate=lambda: None)
    played = [sides.play(sides.legacy, case) for case in cases]
    sys.stdout.flush()
    sys.stdout.buffer.write(b"\n" + base64.b64encode(pickle.dumps(played)))
    sys.stdout.buffer.flush()
