"""What the processes of a group did in each session, out of their segments: minutes, counts, and what was wrong.

A segment says of each unit and day of UTC in which minutes it was active, and hour by hour how often it was called,
compared and differed. A session is put together of hours: those of its date, where it lies within one day of UTC, else
those from its open (FX begins on the evening before), so that nothing that was seen falls between two sessions.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exuvia.migrate.config import GroupConfig
    from exuvia.migrate.evidence.reading import SegmentText
    from exuvia.migrate.gates.days import Untold

__all__ = ["Activity", "Aside", "in_span"]

MINUTE = 60_000_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
COUNTED = ("calls", "compared", "differed", "missed", "served")
LISTED = 4096
"""Kinds of input at which a process of an earlier exuvia ended its list and did not say so."""
STOPPED = {"panic": "panics", "timeout": "timeouts"}


@dataclass(slots=True)
class Activity:
    """What all processes saw in a stretch of time.

    Attributes:
        at_work: Minutes since 1970 in which a unit was active, by unit.
        counts: `calls`, `compared`, `differed`, `missed`, `served` by the candidate, `errors`, `panics`, `timeouts`,
            by unit.
        prints: Fingerprints by unit.
        blamed: Of these the ones of which something differed, panicked, hung or was put into quarantine.
        builds: Builds of the extension.
        keys: Marks of the keys that the candidate served as a canary, by unit: at least as many keys as bits.
        classes: Units that are classes.
        modes: Modes in which units stood.
        signatures: Kinds of input as they were seen first, by unit.
        unsigned: Units whose processes do not count kinds of input.
        unlisted: Calls of kinds beyond those that a process lists, by unit: each may be of a new one.
        saturated: Units of which a process ended its list of kinds and did not count what came after.
        trouble: What is wrong with the evidence.
        quarantined: Units that went into quarantine, and why.
        hosts: Host, libc and CPU, as the headers name them.
        machines: libc and CPU.
        rehearsal: Whether a rehearsal wrote some of it.
        segments: Processes.
    """

    at_work: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    counts: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    prints: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    blamed: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    keys: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    classes: set[str] = field(default_factory=set)
    builds: set[str] = field(default_factory=set)
    modes: set[str] = field(default_factory=set)
    signatures: dict[str, set[Any]] = field(default_factory=lambda: defaultdict(set))
    unsigned: set[str] = field(default_factory=set)
    unlisted: Counter[str] = field(default_factory=Counter)
    saturated: set[str] = field(default_factory=set)
    trouble: list[str] = field(default_factory=list)
    quarantined: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)
    machines: set[str] = field(default_factory=set)
    rehearsal: bool = False
    segments: int = 0

    @property
    def minutes(self) -> set[int]:
        """Minutes in which any unit was active."""
        return set().union(*self.at_work.values())

    def total(self, name: str) -> int:
        """Return a count over all units."""
        return sum(counts[name] for counts in self.counts.values())


@dataclass(frozen=True, slots=True)
class Aside:
    """What else is known of a stretch of time, besides its segments.

    Attributes:
        hours: Open and close of its session, if it has one: only modes within it are the session's.
        untold: Differences that only counters tell.
        drills: From when to when the group stood in legacy for a drill only.
    """

    hours: tuple[int, int] | None = None
    untold: Sequence[Untold] = ()
    drills: Sequence[tuple[int, int]] = ()


def in_span(
    group: GroupConfig, segments: Sequence[SegmentText], start: int, end: int, aside: Aside | None = None
) -> Activity:
    """Return what was seen from one instant to another.

    Args:
        group: The group.
        segments: As `read_folder` returns them.
        start: UTC nanoseconds.
        end: UTC nanoseconds, not in it.
        aside: What else is known of it.
    """
    found, aside = Activity(), aside or Aside()
    for segment in segments:
        prints = segment.header.get("fingerprints", {})
        _add_unread(found, group, segment, start, end)
        touched = False
        for entry in _sessions(segment):
            unit = entry.get("unit")
            if unit in group.units and unit in prints and _add(found, unit, entry, start, end):
                touched = True
                found.prints[unit].add(prints[unit])
                if _differed(entry, start, end):
                    found.blamed[unit].add(prints[unit])
        touched = _add_lines(found, group, segment, start, end) or touched
        if touched or _hurt(segment, group, start, end):
            _add_process(found, group, segment, start, end)
            _add_modes(found, group, segment, (start, end), aside)
    for said in aside.untold:
        if start <= said.at < end:
            counts = found.counts[said.unit]
            counts["differed"] += said.differed
            counts["compared"] = max(counts["compared"], counts["differed"])
            found.prints[said.unit].add(said.f)
            found.blamed[said.unit].add(said.f)
            found.segments = max(found.segments, 1)
    return found


def _sessions(segment: SegmentText) -> list[dict[str, Any]]:
    held: list[dict[str, Any]] = getattr(segment, "sessions", [])
    return held


def _midnight(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * 1_000_000_000


def _add_unread(found: Activity, group: GroupConfig, segment: SegmentText, start: int, end: int) -> None:
    """Add what may have been seen and cannot be read; without a header it may have been of any unit."""
    if segment.header and not any(unit in segment.header.get("fingerprints", {}) for unit in group.units):
        return
    gone = [text for began, over, text in getattr(segment, "unknown", ()) if began < end and over > start]
    found.trouble += gone
    found.segments += bool(gone)


def _hurt(segment: SegmentText, group: GroupConfig, start: int, end: int) -> bool:
    """Whether something is wrong in a span with a process that runs units of the group, though it counted nothing."""
    mine = [unit for unit in group.units if unit in segment.header.get("fingerprints", {})]
    began, over = int(segment.header.get("started_ns", 0)), getattr(segment, "last_at", 0)
    lived = bool(began) and began < end and over >= start
    return bool(mine) and any(
        trouble.unit in ("", *mine) and (lived if trouble.at is None else start <= trouble.at < end)
        for trouble in getattr(segment, "troubles", ())
    )


def _differed(entry: dict[str, Any], start: int, end: int) -> bool:
    """Whether calls of a unit's day differ in a span."""
    midnight, at = _midnight(entry["day"]), COUNTED.index("differed")
    return any(
        len(counted) > at and int(counted[at]) and start <= midnight + int(hour) * HOUR < end
        for hour, counted in entry.get("hours", {}).items()
    )


def _add(found: Activity, unit: str, entry: dict[str, Any], start: int, end: int) -> bool:
    """Add a unit's day; whether it has a part in the span."""
    midnight, counts, any_hour = _midnight(entry["day"]), found.counts[unit], False
    for hour, counted in entry.get("hours", {}).items():
        at = midnight + int(hour) * HOUR
        # An hour in which a session closes is that session's.
        if start <= at < end:
            any_hour = True
            for name, count in zip(COUNTED, counted, strict=False):
                counts[name] += int(count)
    for first, last in entry.get("minutes", ()):
        minutes = (midnight // MINUTE + at for at in range(int(first), int(last) + 1))
        found.at_work[unit].update(at for at in minutes if start <= at * MINUTE < end)
    if any_hour:
        found.keys[unit] |= int(entry.get("keys", "0"), 16)
    return any_hour


def _add_lines(found: Activity, group: GroupConfig, segment: SegmentText, start: int, end: int) -> bool:
    """Add differences, which are on disk before the counters that tell of them, and kinds of input."""
    seen: Counter[str] = Counter()
    touched = False
    for line in segment.mismatches:
        unit = str(line.get("unit"))
        if unit in group.units and start <= int(line.get("at", 0)) < end:
            touched = True
            seen[unit] += 1
            stopped = STOPPED.get(str(line.get("difference")))
            if stopped:
                found.counts[unit][stopped] += 1
            if segment.header:
                found.prints[unit].add(segment.header.get("fingerprints", {}).get(unit, ""))
            found.blamed[unit].add(segment.header.get("fingerprints", {}).get(unit, ""))
    for unit, lines in seen.items():
        if not found.counts[unit]["differed"]:
            found.counts[unit]["differed"] = lines
            found.counts[unit]["compared"] = max(lines, found.counts[unit]["compared"])
    for line in getattr(segment, "novel", ()):
        if line.get("unit") in group.units and start <= int(line.get("at", 0)) < end:
            found.signatures[line["unit"]].update(line.get("signatures", ()))
    return touched


def _add_process(found: Activity, group: GroupConfig, segment: SegmentText, start: int, end: int) -> None:
    header = segment.header
    build = header.get("build", {})
    found.builds.add(str(build.get("sha256", "") if isinstance(build, dict) else build)[:12])
    found.hosts.add(" ".join(str(header.get(name, "")) for name in ("host", "libc", "cpu")).strip())
    found.machines.add(" ".join(str(header.get(name, "")) for name in ("libc", "cpu")).strip())
    found.rehearsal = found.rehearsal or bool(header.get("rehearsal"))
    found.segments += 1
    for trouble in getattr(segment, "troubles", ()):
        if trouble.unit and trouble.unit not in group.units:
            continue
        if trouble.at is None or start <= trouble.at < end:
            (found.quarantined if trouble.what == "quarantined" else found.trouble).append(str(trouble.text))
            if trouble.what == "quarantined":
                for unit, print_ in header.get("fingerprints", {}).items():
                    if unit in group.units and trouble.unit in ("", unit):
                        found.blamed[unit].add(print_)
    for unit in group.units:
        counters = segment.counters.get(unit, {})
        if "objects" in counters:
            found.classes.add(unit)
        if counters and not counters.get("signatures"):
            found.unsigned.add(unit)
        found.unlisted[unit] += int(counters.get("unlisted", 0))
        if "unlisted" not in counters and int(counters.get("signatures") or 0) >= LISTED:
            found.saturated.add(unit)
        if counters.get("errors") and found.counts[unit]["missed"]:
            found.counts[unit]["errors"] += int(counters["errors"])


def _add_modes(
    found: Activity, group: GroupConfig, segment: SegmentText, stretch: tuple[int, int], aside: Aside
) -> None:
    """Add the modes in which units stood while the session was open; of a process after it, those of the whole stretch.

    A group is promoted, rolled back and drilled after the close: that is of the next session.
    """
    opened, closed = aside.hours or stretch
    lived = int(segment.header.get("started_ns", 0)) < closed and getattr(segment, "last_at", opened) >= opened
    for unit in group.units:
        flips = [
            (int(line.get("at", 0)), str(line.get("mode")))
            for line in getattr(segment, "modes", ())
            if line.get("unit") == unit and not _of_drill(line, aside.drills)
        ]
        said = (_within(flips, opened, closed) if lived else set()) or _within(flips, *stretch)
        counters = segment.counters.get(unit, {})
        found.modes |= said or ({str(counters["mode"])} if "mode" in counters else set())


def _of_drill(line: dict[str, Any], drills: Sequence[tuple[int, int]]) -> bool:
    return line.get("mode") == "legacy" and any(began <= int(line.get("at", 0)) <= over for began, over in drills)


def _within(flips: Sequence[tuple[int, str]], start: int, end: int) -> set[str]:
    """The modes from one instant to another: that in which the unit came, and those of its flips."""
    before = [mode for at, mode in flips if at < start][-1:]
    return {*before, *(mode for at, mode in flips if start <= at < end)}
