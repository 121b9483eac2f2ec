"""`exuvia diff`: the recorded differences of a unit in a form that can be read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from exuvia._exuvia import Comparator
from exuvia.errors import CompareError, MigrateError
from exuvia.migrate.config import split_method
from exuvia.migrate.evidence import reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exuvia.migrate.config import Config
    from exuvia.migrate.evidence.reading import SegmentText
    from exuvia.migrate.gates.verdict import UnitStatus

__all__ = ["Shown", "differences", "lines"]


@dataclass(slots=True)
class Shown:
    """The differences of one unit.

    Attributes:
        unit: The unit.
        verdict: Its verdict over everything that was compared.
        reason: Why.
        entries: Recorded differences, numbered from 1 in the order in which they were written.
        counts: How often each place differed, kind by kind.
    """

    unit: str
    verdict: str
    reason: str
    entries: list[dict[str, Any]] = field(default_factory=list)
    counts: list[dict[str, Any]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for `--json`."""
        return {
            "unit": self.unit,
            "verdict": self.verdict,
            "reason": self.reason,
            "differences": self.entries,
            "counts": self.counts,
        }


def differences(config: Config, units: Sequence[str], path: str | None = None) -> list[Shown]:
    """Read what differed of units, of the code as it is now and of older code alike.

    Args:
        config: The configuration.
        units: Their names.
        path: Only differences at this path or place.

    Raises:
        MigrateError: For a path that cannot be read and at which nothing differs.
    """
    segments = reading.read_folder(config.evidence)
    states = {state.unit: state for state in reading.statuses(config, segments)}
    found = [_of_unit(states[unit], segments, path) for unit in units]
    if path is not None and not any(one.entries for one in found):
        try:
            Comparator({split_method(path)[1]: "exact"})
        except CompareError as error:
            places = list(dict.fromkeys(row["place"] for one in found for row in one.counts))
            there = f"; it differs at {', '.join(places[:5])}" if places else ""
            raise MigrateError(f"--path {path!r} is no path, and nothing differs at it: {error}{there}") from None
    return found


def _of_unit(state: UnitStatus, segments: Sequence[SegmentText], path: str | None) -> Shown:
    unit = state.unit
    shown = Shown(unit, state.verdict, state.reason)
    number = 0
    for segment in segments:
        current = segment.header.get("fingerprints", {}).get(unit) == state.fingerprint
        for entry in segment.mismatches:
            if entry.get("unit") != unit:
                continue
            number += 1
            if path is None or path in (entry.get("path"), entry.get("place")):
                kept = {name: value for name, value in entry.items() if name not in ("kind", "unit")}
                shown.entries.append({"number": number, "current": current, "segment": segment.path.name, **kept})
    shown.counts = [{"place": p, "kind": k, "count": n} for (p, k), n in state.places.most_common()]
    return shown


def lines(shown: Shown, most: int) -> list[str]:
    """Return the text of the command.

    Args:
        shown: The differences.
        most: How many are shown in full.
    """
    text = [f"{shown.unit}: {shown.verdict}: {shown.reason}"]
    text += [f"  {row['count']:>8,} × {row['place']}  {row['kind']}" for row in shown.counts]
    for entry in shown.entries[:most]:
        old = "" if entry["current"] else "  (other code, rules or build than now)"
        apart = f"  ({entry['apart']} apart)" if entry.get("apart") else ""
        text += [
            "",
            f"#{entry['number']}  {entry.get('path', '?')}  {entry.get('difference', '?')}{apart}{old}",
            f"  - legacy     {entry.get('legacy', '?')}",
            f"  + candidate  {entry.get('candidate', '?')}",
            f"    rule       {entry.get('rule') or 'none: equal and of one type'}",
            f"    arguments  {entry.get('arguments', '?')}",
        ]
    if len(shown.entries) > most:
        text += ["", f"… and {len(shown.entries) - most:,} more: --most {len(shown.entries)}"]
    return text
