"""What the processes of a group did on each day, out of their segments: activity by minute, counts, what was wrong.

A segment says of each unit and day of UTC when it was called, how often it was compared and how often it differed; a
session may reach over two such days (FX opens the evening before).
"""

from __future__ import annotations

import base64
import binascii
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from exuvia.migrate.config import GroupConfig
    from exuvia.migrate.evidence.reading import SegmentText

__all__ = ["DayOf", "days_of", "minutes_of"]

DAY_MINUTES = 1440
MINUTE = 60_000_000_000


@dataclass(slots=True)
class DayOf:
    """What all processes saw on one day of UTC.

    Attributes:
        minutes: Minutes since 1970 in which a unit of the group was called.
        counts: `compared`, `differed`, `missed`, `errors`, `panics`, `timeouts`, by unit and name.
        prints: Fingerprints by unit.
        builds: Builds of the extension.
        modes: Modes in which units stood.
        signatures: Novel signatures by unit.
        trouble: What is wrong with the evidence.
        hosts: Host, libc and CPU, as the header names them.
        rehearsal: Whether a rehearsal wrote it.
        segments: Processes.
    """

    minutes: set[int] = field(default_factory=set)
    counts: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    prints: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    builds: set[str] = field(default_factory=set)
    modes: set[str] = field(default_factory=set)
    signatures: Counter[str] = field(default_factory=Counter)
    trouble: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)
    rehearsal: bool = False
    segments: int = 0

    def total(self, name: str) -> int:
        """Return a count over all units."""
        return sum(counts[name] for counts in self.counts.values())


def days_of(group: GroupConfig, segments: Iterable[SegmentText]) -> dict[str, DayOf]:
    """Return what is on record of a group by day of UTC.

    Args:
        group: The group.
        segments: As `read_folder` returns them.
    """
    days: dict[str, DayOf] = {}
    for segment in segments:
        prints = segment.header.get("fingerprints", {})
        mine = [unit for unit in group.units if unit in prints]
        seen = list(_entries(segment, mine))
        whole = len({day for day, _, _ in seen}) == 1
        touched = set()
        for day, unit, entry in seen:
            into = days.setdefault(day, DayOf())
            _add(into, unit, entry, segment, whole=whole)
            into.prints[unit].add(prints[unit])
            if day not in touched:
                touched.add(day)
                _add_header(into, segment)
    return days


def _entries(segment: SegmentText, units: list[str]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The entries of a segment by day and unit; where it has none, its counters on the day it was started."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for entry in getattr(segment, "sessions", ()):
        if entry.get("unit") in units and isinstance(entry.get("day"), str):
            found[entry["day"], entry["unit"]] = entry
    for unit in units:
        counters = segment.counters.get(unit)
        if counters and not any(name == unit for _, name in found):
            found[_started(segment), unit] = counters
    for (day, unit), entry in sorted(found.items(), key=lambda item: item[0]):
        yield day, unit, entry


def _started(segment: SegmentText) -> str:
    return str(segment.header.get("started", ""))[:10]


def _add(into: DayOf, unit: str, entry: dict[str, Any], segment: SegmentText, *, whole: bool) -> None:
    counts, counters = into.counts[unit], segment.counters.get(unit, {})
    mismatches = sum(
        1 for found in segment.mismatches if found.get("unit") == unit and _day_at(found) == entry.get("day")
    )
    for name in ("compared", "differed"):
        counts[name] += int(entry.get(name, 0))
    # A kill may come between a difference, which is on disk at once, and the next counters.
    counts["differed"] += max(0, mismatches - int(entry.get("differed", 0))) if not entry.get("differed") else 0
    counts["missed"] += int(entry.get("missed", entry.get("skipped", 0))) + int(entry.get("dropped", 0))
    for name in ("errors", "panics", "timeouts"):
        # Known for the process only: it counts on each of its days.
        counts[name] += int(entry.get(name, counters.get(name, 0)))
    into.signatures[unit] += int(entry.get("signatures", counters.get("signatures", 0) if whole else 0) or 0)
    if "signatures" not in entry and "signatures" not in counters:
        into.signatures[unit] = -1
    into.modes.add(str(entry.get("mode", counters.get("mode", "?"))))
    into.minutes |= minutes_of(entry)


def _day_at(line: dict[str, Any]) -> str:
    return datetime.fromtimestamp(int(line.get("at", 0)) / 1e9, UTC).date().isoformat()


def _add_header(into: DayOf, segment: SegmentText) -> None:
    header = segment.header
    build = header.get("build", {})
    into.builds.add(str(build.get("sha256", "") if isinstance(build, dict) else build)[:12])
    into.hosts.add(" ".join(str(header.get(name, "")) for name in ("host", "libc", "cpu")).strip())
    into.rehearsal = into.rehearsal or bool(header.get("rehearsal"))
    into.segments += 1
    troubles = segment.trouble if isinstance(segment.trouble, list) else [segment.trouble] if segment.trouble else []
    into.trouble += [str(trouble) for trouble in troubles]


def minutes_of(entry: dict[str, Any]) -> set[int]:
    """Return the minutes since 1970 in which a unit was called on a day.

    Args:
        entry: With `day` and the bitmap `minutes`: 1,440 bits, the first minute in the lowest bit of the first byte, as
            hexadecimal or base64 text.
    """
    text = entry.get("minutes")
    if not isinstance(text, str) or not isinstance(entry.get("day"), str):
        return set()
    try:
        raw = bytes.fromhex(text) if len(text) == DAY_MINUTES // 4 else base64.b64decode(text, validate=True)
        first = int(datetime.fromisoformat(entry["day"]).replace(tzinfo=UTC).timestamp()) // 60
    except (ValueError, binascii.Error):
        return set()
    return {first + at for at in range(min(DAY_MINUTES, 8 * len(raw))) if raw[at // 8] >> (at % 8) & 1}
