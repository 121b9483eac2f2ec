"""Recorded calls, read back from the evidence: arguments and what legacy answered."""

from __future__ import annotations

import base64
import binascii
import hashlib
import pickle
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from exuvia.migrate.evidence import reading
from exuvia.migrate.evidence import recorded as tables
from exuvia.migrate.gates.mending import TOO_BIG, UNRECORDED
from exuvia.migrate.modes.journal import refuse_writable_by_others

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exuvia.migrate.config import Config
    from exuvia.migrate.evidence.reading import SegmentText

__all__ = ["LEAST", "Call", "Recorded", "read", "too_few"]

LEAST = 20
"""Recorded calls of a unit below which their agreement proves nothing."""


def too_few(calls: int) -> str | None:
    """Say that so few recorded calls prove nothing, if they are too few.

    >>> too_few(20), "3 recorded calls" in (too_few(3) or "")
    (None, True)

    Args:
        calls: How many were played.
    """
    if calls >= LEAST:
        return None
    if not calls:
        return "no call was recorded: run the unit in shadow with record = 1 or more"
    counted = f"{calls:,} recorded {'call' if calls == 1 else 'calls'}"
    return (
        f"{counted}, none differs, but {LEAST} are needed: run the unit in shadow for longer, or with a higher "
        "`record`, which is how many calls are kept of each kind of input"
    )


@dataclass(slots=True)
class Call:
    """One recorded call.

    Attributes:
        unit: The unit.
        id: Eight letters that name it: of its method and arguments.
        call: The method, where the unit is a class; else empty.
        args: Positional arguments.
        kwargs: Keyword arguments.
        result: What legacy returned.
        raised: What legacy raised.
        segment: The file it stands in: calls of one process belong together.
        signature: Of its inputs, as the record made it.
        object: Which object of that process it was, where the unit is a class; 0 if that is unknown.
        step: The call's place in that object's life, if the life was recorded from its making on.
        asked: What a generator was asked, step by step: its `result` is what it yielded; `None` for any other call.
    """

    unit: str
    id: str
    call: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    result: Any = None
    raised: BaseException | None = None
    segment: str = ""
    signature: int | None = None
    object: int = 0
    step: int | None = None
    asked: tuple[tuple[str, Any], ...] | None = None


@dataclass(slots=True)
class Recorded:
    """All recorded calls.

    Attributes:
        calls: In the order in which they were written.
        problems: Calls that could not be read, and why; of a unit without a recorded call why none was kept.
        unrecorded: Of each unit why compared calls were not recorded, and how many.
    """

    calls: list[Call] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    unrecorded: dict[str, Counter[str]] = field(default_factory=dict)

    def missing(self, unit: str) -> list[str]:
        """Say which compared calls of a unit were not recorded, and why.

        Args:
            unit: Its name.
        """
        found = self.unrecorded.get(unit, Counter())
        return [f"compared and not recorded ×{count:,}: {reason}" for reason, count in found.most_common()]

    def of(self, unit: str) -> list[Call]:
        """Return the calls of one unit.

        Args:
            unit: Its name.
        """
        return [call for call in self.calls if call.unit == unit]


def read(config: Config, units: Iterable[str] = (), segments: list[SegmentText] | None = None) -> Recorded:
    """Read the recorded calls of units.

    A pickle can run code when it is read: evidence that others may write is refused.

    Args:
        config: The configuration.
        units: Names; all units of the configuration if none is given.
        segments: As `read_folder` returns them, if they were read already.
    """
    wanted = set(units) or set(config.units)
    recorded = Recorded()
    unread: list[str] = []
    for segment in reading.read_folder(config.evidence) if segments is None else segments:
        for unit in wanted & segment.counters.keys():
            of_unit = recorded.unrecorded.setdefault(unit, Counter())
            for reason, count in segment.counters[unit].get("reasons", {}).items():
                if reason.startswith((UNRECORDED, TOO_BIG)):
                    of_unit[reason.removeprefix(UNRECORDED)] += count
        entries = [entry for entry in tables.calls(segment, unread) if entry.get("unit") in wanted]
        if entries and _is_ours(segment, recorded):
            for entry in entries:
                _read(entry, segment.path.name, recorded)
    recorded.problems += [f"{unit}: recorded calls of a compacted day: {text}" for unit in wanted for text in unread]
    for unit in sorted(wanted):
        if not recorded.of(unit):
            recorded.problems += [f"{unit}: {text}" for text in recorded.missing(unit)]
    return recorded


def _is_ours(segment: SegmentText, recorded: Recorded) -> bool:
    """Whether nobody else may write what is unpickled: a table of a compacted day was looked at as it was read."""
    try:
        refuse_writable_by_others(segment.path.parent)
        refuse_writable_by_others(segment.path if segment.day is None else segment.day)
    except (ValueError, OSError) as error:
        recorded.problems.append(f"recorded calls are not read: {error}")
        return False
    return True


def _read(entry: dict[str, Any], segment: str, recorded: Recorded) -> None:
    unit, call = str(entry["unit"]), str(entry.get("call", ""))
    try:
        args, kwargs = pickle.loads(base64.b64decode(entry["arguments"]))  # noqa: S301 - the owner's own file
        result, raised, *asked = pickle.loads(base64.b64decode(entry["outcome"]))  # noqa: S301 - the same
        which = entry.get("signature"), int(entry.get("object") or 0), entry.get("step")
        # The same generator may be asked in several ways.
        told = f"{unit} {call} {entry['arguments']}" + (f" {entry['outcome']}" if asked else "")
        name = hashlib.sha256(told.encode()).hexdigest()[:8]
        made = Call(unit, name, call, tuple(args), dict(kwargs), result, raised, segment, *which)
        made.asked = tuple((did, given) for did, given in asked[0]) if asked else None
    except (binascii.Error, ValueError, TypeError, KeyError, EOFError, pickle.UnpicklingError) as error:
        recorded.problems.append(
            f"{unit}: a recorded call in {segment} cannot be read: {type(error).__name__}: {error}"
        )
    except (ImportError, AttributeError) as error:
        recorded.problems.append(f"{unit}: a recorded call in {segment} needs what is not here: {error}")
    else:
        recorded.calls.append(made)
