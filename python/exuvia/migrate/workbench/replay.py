"""`exuvia replay`: the recorded calls through both sides as they are now."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from exuvia.errors import CompareError
from exuvia.migrate.shadow import driven
from exuvia.migrate.workbench.recordings import too_few
from exuvia.migrate.workbench.sides import Case, Sides, UnreadError, cases_of, going_on, not_rebuilt

if TYPE_CHECKING:
    from collections.abc import Callable

    from exuvia.migrate.config import UnitConfig
    from exuvia.migrate.workbench.recordings import Call, Recorded
    from exuvia.migrate.workbench.sides import Found, Outcome

__all__ = ["Replayed", "replay"]

SHOWN = 20


@dataclass(slots=True)
class Replayed:
    """What a replay of one unit showed.

    Attributes:
        unit: The unit.
        calls: Recorded calls that went through both sides.
        differed: Cases that differ.
        drifted: Calls that legacy itself answers otherwise than when they were recorded.
        unread: Cases in which nothing else differs, and what became of the arguments cannot be compared.
        examples: Differences, each with the id of its case.
        problems: What could not be replayed.
        notes: What was replayed otherwise than the program had it.
    """

    unit: str
    calls: int = 0
    differed: int = 0
    drifted: int = 0
    unread: int = 0
    examples: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """`PASS`, `FAIL` or, with fewer than `recordings.LEAST` calls, `INCONCLUSIVE`."""
        if self.differed:
            return "FAIL"
        return "INCONCLUSIVE" if self.problems or too_few(self.calls) else "PASS"

    @property
    def reason(self) -> str:
        """Why."""
        if self.differed:
            return f"{self.differed:,} cases of {self.calls:,} recorded calls differ"
        if self.problems:
            return self.problems[0]
        return too_few(self.calls) or f"{self.calls:,} recorded calls, none differs"

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for `--json`."""
        return {
            "unit": self.unit,
            "verdict": self.verdict,
            "reason": self.reason,
            "calls": self.calls,
            "differed": self.differed,
            "drifted": self.drifted,
            "unread": self.unread,
            "examples": self.examples,
            "problems": self.problems,
            "notes": self.notes,
        }


def replay(unit: UnitConfig, recorded: Recorded, told: Callable[[str], None] = lambda _: None) -> Replayed:
    """Replay the recorded calls of one unit.

    Args:
        unit: The unit.
        recorded: The recorded calls.
        told: Gets a line of progress.
    """
    found = Replayed(unit.name, problems=[text for text in recorded.problems if text.startswith(f"{unit.name}:")])
    calls = recorded.of(unit.name)
    if not calls:
        found.problems += [text for text in recorded.problems if text.startswith("recorded calls")]
        return found
    sides = Sides(unit)
    cases = cases_of(sides, calls)
    found.notes += [text for text in (not_rebuilt(cases), going_on(cases)) if text]
    answers = {call.id: call for call in calls}
    for number, case in enumerate(cases, 1):
        told(f"{unit.name}: {number} of {len(cases)}")
        _one(found, sides, case, None if sides.is_class else answers[case.id])
    return found


def _drifted(sides: Sides, answer: Call, now: Outcome) -> bool:
    """Whether legacy answers otherwise than when the call was recorded."""
    played, comparator = now[0], sides.comparator("")
    if not isinstance(played, driven.Played):
        return comparator.compare_outcomes((answer.result, answer.raised), now).total > 0
    raised = None if played.end is None else played.end[1]
    ends = (None, answer.raised), (None, raised)
    return comparator.compare(answer.result, played.items).total + comparator.compare_outcomes(*ends).total > 0


def _one(found: Replayed, sides: Sides, case: Case, answer: Call | None) -> None:
    try:
        mine = sides.play(sides.legacy, case)
        differences = sides.differences(case, mine, sides.play(sides.candidate, case))
        if answer is not None and _drifted(sides, answer, mine[0][0]):
            found.drifted += 1
    except UnreadError as error:
        found.unread += 1
        if str(error) not in found.problems:
            found.problems.append(str(error))
        return
    except (CompareError, TypeError, ValueError) as error:
        found.problems.append(f"{case.id}: {type(error).__name__}: {error}")
        return
    found.calls += len(case.steps)
    if differences:
        found.differed += 1
        # The same call of several processes is one.
        if len(found.examples) < SHOWN and all(each["id"] != case.id for each in found.examples):
            found.examples.append(shown(case, differences[0]))


def shown(case: Case, found: Found) -> dict[str, Any]:
    """Return a difference as plain values.

    Args:
        case: The case that shows it.
        found: The difference.
    """
    step, difference = case.steps[found.step], found.difference
    return {
        "id": case.id,
        "call": step.call,
        "step": found.step,
        "path": difference.path,
        "kind": difference.kind,
        "legacy": difference.legacy,
        "candidate": difference.candidate,
        "rule": difference.rule,
        "arguments": repr((step.args, step.kwargs))[:400],
    }
