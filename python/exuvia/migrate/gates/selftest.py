"""The comparator's self-test as the gates see it: below 100 %, or not there, the evidence does not count.

It is run when a group is judged, under the unit's rules of now and on the outcomes that were recorded of it, so that no
result can be out of date. Recorded outcomes are pickles of the evidence folder, which nobody else may write; those that
need classes of the program are read in a process of its own, inside of the fence: judging runs nothing of the program.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exuvia.migrate.config.units import split_method
from exuvia.migrate.evidence import recorded
from exuvia.migrate.gates import samples
from exuvia.migrate.own import json, subprocess
from exuvia.migrate.shadow import apart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exuvia.migrate.config import UnitConfig
    from exuvia.migrate.evidence.reading import SegmentText

__all__ = ["trouble"]

HANDED = 500
"""Recorded outcomes that are handed on at most: more than enough of them are samples."""


def trouble(
    unit: UnitConfig,
    segments: Sequence[SegmentText],
    notes: list[str] | None = None,
    folder: Path | None = None,
) -> str | None:
    """Say why a unit's evidence does not count, if its self-test is missing or a fault was missed.

    Args:
        unit: The unit.
        segments: As `read_folder` returns them.
        notes: Gets what the unit's tolerances hide, if its evidence counts.
        folder: The configuration's folder, where the program's classes are found; else the working directory.
    """
    end = "so its evidence does not count"
    try:
        importlib.import_module(samples.TEST)
    except ImportError:
        return f"{unit.name}: the comparator's self-test is missing, {end}"
    rules = {split_method(path)[1]: rule for path, rule in unit.compare}
    wrong: list[str] = []
    outcomes = _outcomes(unit.name, segments, wrong)
    held = samples.read(outcomes, samples.plain)
    if held.foreign:
        found = _apart(unit, rules, outcomes, folder or Path.cwd(), segments)
    else:
        found = samples.found_of(rules, held)
    if found.get("error"):
        return f"{unit.name}: the comparator's self-test cannot be run ({found['error']}), {end}"
    if not found["calls"]:
        none = "no call was recorded for the comparator's self-test"
        if held.foreign:
            many = "1 recorded call" if len(outcomes) == 1 else f"{len(outcomes):,} recorded calls"
            none = f"none of {many} can be read for the comparator's self-test ({found['why']})"
        elif wrong:
            anew = "bring it back, or run the program: a process records a call of each kind anew"
            none = "what was recorded for the comparator's self-test is out of reach"
            return f"{unit.name}: {none}, {end}: {wrong[0]}; {anew}"
        return f"{unit.name}: {none}, {end}"
    if found["ok"]:
        if notes is not None and found["tolerated"]:
            notes.append(f"{unit.name}: faults of the comparator's self-test: {found['tolerated']}")
        return None
    return f"{unit.name}: the comparator's self-test: {found['text']}, {end}"


def _outcomes(unit: str, segments: Sequence[SegmentText], wrong: list[str]) -> list[str]:
    """Recorded outcomes of a unit, as they stand in files and tables, the newest first; and why some do not."""
    found: list[str] = []
    for segment in reversed(segments):
        found += [str(call["outcome"]) for call in recorded.calls(segment, wrong) if call.get("unit") == unit]
        if len(found) >= HANDED:
            break
    return found[:HANDED]


def _apart(
    unit: UnitConfig, rules: dict[str, str], outcomes: list[str], folder: Path, segments: Sequence[SegmentText]
) -> dict[str, Any]:
    """Read outcomes and run the self-test in a process inside of the fence."""
    given = json.dumps({"rules": rules, "outcomes": outcomes})
    try:
        done = apart.run(samples.__name__, (), folder, given=given, more=_roots(unit, segments))
        found = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else None
    except subprocess.TimeoutExpired:
        return {"error": f"it took more than {apart.TIMEOUT_S:g} s"}
    except (ValueError, IndexError):
        found = None
    return found if isinstance(found, dict) else {"error": apart.last_words(done)}


def _roots(unit: UnitConfig, segments: Sequence[SegmentText]) -> list[str]:
    """Where the program found the unit's module, by what its processes said of their sources, the newest first."""
    module = Path(*unit.name.partition(":")[0].split("."))
    ends = (module.with_suffix(".py").parts, (*module.parts, "__init__.py"))
    found: dict[str, None] = {}
    for segment in reversed(segments):
        for name in segment.header.get("sources", {}).get(unit.name, {}):
            path = Path(name)
            for end in ends:
                if path.parts[-len(end) :] == end and len(path.parts) > len(end):
                    found[str(path.parents[len(end) - 1])] = None
    return list(found)
