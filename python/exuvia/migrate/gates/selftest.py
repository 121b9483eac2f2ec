"""The comparator's self-test as the gates see it: below 100 %, or not there, the evidence does not count.

It is run when a group is judged, under the unit's rules of now and on the outcomes that were recorded of it, so that no
result can be out of date. Recorded outcomes are pickles of the evidence folder, which nobody else may write.
"""

from __future__ import annotations

import base64
import importlib
from typing import TYPE_CHECKING, Any

from exuvia.errors import ExuviaError
from exuvia.migrate.config.units import split_method
from exuvia.migrate.evidence import recorded
from exuvia.migrate.own import pickle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exuvia.migrate.config import UnitConfig
    from exuvia.migrate.evidence.reading import SegmentText

__all__ = ["samples_of", "trouble"]

TEST = "exuvia.migrate.comparator.selftest"
SAMPLES = 50
INSTANCES = 1000


def trouble(unit: UnitConfig, segments: Sequence[SegmentText], notes: list[str] | None = None) -> str | None:
    """Say why a unit's evidence does not count, if its self-test is missing or a fault was missed.

    Args:
        unit: The unit.
        segments: As `read_folder` returns them.
        notes: Gets what the unit's tolerances hide, if its evidence counts.
    """
    end = "so its evidence does not count"
    try:
        module = importlib.import_module(TEST)
    except ImportError:
        return f"{unit.name}: the comparator's self-test is missing, {end}"
    rules = {split_method(path)[1]: rule for path, rule in unit.compare}
    wrong: list[str] = []
    samples, read = samples_of(unit.name, segments, wrong)
    if not read and wrong:
        anew = "bring it back, or run the program: a process records a call of each kind anew"
        return (
            f"{unit.name}: what was recorded for the comparator's self-test is out of reach, {end}: {wrong[0]}; {anew}"
        )
    if not read:
        return f"{unit.name}: no call was recorded for the comparator's self-test, {end}"
    try:
        # What returns nothing is tested on values that look like a bot's.
        found = module.self_test(rules, samples=samples or None, instances=INSTANCES)
    except ExuviaError as error:
        return f"{unit.name}: the comparator's self-test cannot be run ({error}), {end}"
    if found.ok:
        if notes is not None and found.tolerated:
            notes.append(f"{unit.name}: faults of the comparator's self-test: {found.tolerated}")
        return None
    return f"{unit.name}: the comparator's self-test: {found}, {end}"


def samples_of(unit: str, segments: Sequence[SegmentText], wrong: list[str] | None = None) -> tuple[list[Any], int]:
    """Return recorded results of a unit, the newest first, and how many of its recorded calls could be read.

    Args:
        unit: Its name.
        segments: As `read_folder` returns them.
        wrong: Gets why calls that were recorded cannot be read.
    """
    samples: list[Any] = []
    read, wrong = 0, [] if wrong is None else wrong
    for segment in reversed(segments):
        for call in recorded.calls(segment, wrong):
            if call.get("unit") != unit:
                continue
            try:
                result, raised = pickle.loads(base64.b64decode(call["outcome"]))
            except Exception:  # noqa: S112 - a class that is gone makes no sample
                continue
            read += 1
            if raised is None and result is not None:
                samples.append(result)
            if len(samples) == SAMPLES:
                return samples, read
    return samples, read
