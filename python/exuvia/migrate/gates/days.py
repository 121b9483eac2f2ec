"""Days of which a group's processes left anything, and differences that nothing but counters tell.

A difference is on the disk at once, what was counted in an hour follows later: a process that was killed in its first
seconds, or is in them, left the one without the other. So a day is one that any line tells of: a session line, a
difference, or what went wrong. Where even the line of a difference was lost, the counters after it still have it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from exuvia.migrate.config import GroupConfig
    from exuvia.migrate.evidence.reading import SegmentText

__all__ = ["Untold", "days_of", "untold"]

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
COMPARED, DIFFERED = 1, 2
"""Where they stand in what is counted of an hour."""


class Untold(NamedTuple):
    """Differences that only the counters of a process tell.

    Attributes:
        unit: The unit.
        f: F of what ran.
        at: When the process was last heard of, UTC nanoseconds.
        differed: How many.
    """

    unit: str
    f: str
    at: int
    differed: int


def days_of(group: GroupConfig, segments: Sequence[SegmentText]) -> set[str]:
    """Return the days of UTC on which a group's processes left something.

    Args:
        group: The group.
        segments: As `read_folder` returns them.
    """
    days = {_day(found.at) for found in untold(group, segments)}
    for segment in segments:
        for entry in getattr(segment, "sessions", ()):
            if entry.get("unit") in group.units and "day" in entry:
                days.add(entry["day"])
        days.update(_day(at) for at in _moments(group, segment))
    return days


def _moments(group: GroupConfig, segment: SegmentText) -> Iterator[int]:
    """When units of the group differed, or something went wrong with a process that runs them."""
    for line in segment.mismatches:
        if line.get("unit") in group.units and line.get("at"):
            yield int(line["at"])
    mine = {unit for unit in group.units if unit in segment.header.get("fingerprints", {})}
    for trouble in getattr(segment, "troubles", ()):
        at = trouble.at if trouble.at is not None else getattr(segment, "last_at", 0)
        if at and (trouble.unit in mine if trouble.unit else mine):
            yield int(at)


def untold(group: GroupConfig, segments: Iterable[SegmentText]) -> list[Untold]:
    """Return the differences of a group that no line and no hour tells, only the counters of a process.

    Hours are written every ten seconds, counters every second: only where the hours lag are they asked.

    Args:
        group: The group.
        segments: As `read_folder` returns them.
    """
    told: Counter[tuple[Any, str]] = Counter()
    compared: Counter[tuple[Any, str]] = Counter()
    counted: dict[tuple[Any, str], list[SegmentText]] = defaultdict(list)
    for segment in segments:
        process = getattr(segment, "process", None) or segment.header.get("process") or id(segment)
        for line in segment.mismatches:
            told[process, str(line.get("unit"))] += 1
        for entry in getattr(segment, "sessions", ()):
            unit = str(entry.get("unit"))
            for counts in entry.get("hours", {}).values():
                told[process, unit] += int(counts[DIFFERED]) if len(counts) > DIFFERED else 0
                compared[process, unit] += int(counts[COMPARED]) if len(counts) > COMPARED else 0
        for unit in group.units:
            if segment.counters.get(unit, {}).get("differed"):
                counted[process, unit].append(segment)
    return [
        Untold(unit, segment.header.get("fingerprints", {}).get(unit, ""), at, counters["differed"])
        for (process, unit), of in counted.items()
        for segment in of
        if (counters := segment.counters[unit]).get("compared", 0) > compared[process, unit]
        and not told[process, unit]
        and (at := _last(segment))
    ]


def _last(segment: SegmentText) -> int:
    """When a process was last heard of: by its lines, else the last hour that it counted."""
    hours = (
        int(datetime.fromisoformat(entry["day"]).replace(tzinfo=UTC).timestamp()) * SECOND + int(hour) * HOUR
        for entry in getattr(segment, "sessions", ())
        for hour in entry.get("hours", {})
    )
    return int(getattr(segment, "last_at", 0)) or max(hours, default=0)


def _day(at: int) -> str:
    return datetime.fromtimestamp(at / 1e9, UTC).strftime("%Y-%m-%d")
